"""Files beside a stack of maps: mask, geometry, velocity, coherence; named, or found by their usual names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from insar_runtime._convert.hdf5 import is_hdf5, open_hdf5, planes
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime.errors import DataError, UsageError

FileRole = Literal["geometry", "mask", "velocity", "coherence"]

NONE: Final = "none"
"""What the user says for a file that is not to be used, even if it is there."""


@dataclass(frozen=True, slots=True)
class CompanionFiles:
    """What the user says about a table or a stack of maps.

    Attributes
    ----------
    declared : UserDeclarations
        Of a stack only the unit, where the product does not state it.
    geometry, mask, velocity, coherence : str, optional
        File to take; ``none`` to take none; otherwise looked for beside the stack. For a table, `velocity` is the
        column of velocities.
    """

    declared: UserDeclarations = field(default_factory=UserDeclarations)
    geometry: str | None = None
    mask: str | None = None
    velocity: str | None = None
    coherence: str | None = None

    def refuse(self, product: str, *roles: FileRole) -> None:
        """Refuse files that a product has no use for.

        Raises
        ------
        UsageError
            If one was named.
        """
        for role in roles:
            value = getattr(self, role)
            if value is not None and not (role == "mask" and value == NONE):
                raise UsageError(f"--{role} {value}: {product} brings its own; leave the option away")

    def refuse_units(self, product: str) -> None:
        """Refuse a unit for a product that has only one.

        Raises
        ------
        UsageError
            If one was named.
        """
        if self.declared.units is not None:
            raise UsageError(f"--units {self.declared.units}: {product} states its unit; leave the option away")


@dataclass(slots=True)
class Companions:
    """The files beside one stack.

    Attributes
    ----------
    folders : sequence of Path
        Where to look.
    shape : tuple of int
        Lines and pixels that they must have.
    closing : ExitStack
        Closes what is opened.
    used : dict of role to str
        Paths of the files that are used.
    notes : list of str
    """

    folders: Sequence[Path]
    shape: tuple[int, int]
    closing: ExitStack
    used: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def open(self, role: FileRole, named: str | None, names: Sequence[str]) -> tuple[Path, dict[str, Any]] | None:
        """Open the file of a role.

        Parameters
        ----------
        role : str
        named : str or None
            What the user says.
        names : sequence of str
            Usual names, the first one that is there and has the shape of the stack is taken.

        Returns
        -------
        path : Path
        planes : dict of str to h5py.Dataset
            Its maps; None in place of both if there is no such file.

        Raises
        ------
        DataError
            A named file has no map of the stack's shape.
        """
        if named == NONE:
            return None
        if named is not None:
            path = Path(named)
            if not is_hdf5(path):
                raise DataError(f"--{role} {path} is no HDF5 file: name one that goes with the stack")
            maps = self._maps(path)
            if not maps:
                raise DataError(
                    f"--{role} {path} has no map of {self.shape[0]} lines and {self.shape[1]} pixels, which the stack "
                    "has: name the one that goes with it"
                )
            return self._take(role, path, maps)
        for path in self._candidates(names):
            if is_hdf5(path) and (maps := self._maps(path)):
                return self._take(role, path, maps)
            self.notes.append(f"{path.name} is not used as {role}: it has no map of the stack's size")
        return None

    def _candidates(self, names: Sequence[str]) -> Iterator[Path]:
        return (folder / name for name in dict.fromkeys(names) for folder in self.folders if (folder / name).is_file())

    def _maps(self, path: Path) -> dict[str, Any]:
        return planes(self.closing.enter_context(open_hdf5(path)), self.shape)

    def _take(self, role: FileRole, path: Path, maps: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
        self.used[role] = str(path)
        return path, maps


def pick(path: Path, maps: dict[str, Any], names: Sequence[str]) -> tuple[str, Any]:
    """Return the map of one of these names, or else the only one.

    Raises
    ------
    DataError
        There are several, none of them by such a name.
    """
    name = next((name for name in names if name in maps), None)
    if name is None:
        if len(maps) > 1:
            found = ", ".join(f"'{name}'" for name in list(maps)[:5])
            raise DataError(f"{path} has several maps ({found}), none called '{names[0]}': keep that one")
        name = next(iter(maps))
    return name, maps[name]
