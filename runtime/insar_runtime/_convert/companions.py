"""Files beside a stack of displacement maps (mask, geometry, velocity, coherence), named or found by usual names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from insar_runtime._convert.hdf5 import is_hdf5, maps_of_shape, open_hdf5
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime.errors import DataError, UsageError

FileRole = Literal["geometry", "mask", "velocity", "coherence"]

NONE: Final = "none"
"""Name by which the user declines a file that is there."""


@dataclass(frozen=True, slots=True)
class CompanionFiles:
    """Declarations of the user about a table, or about a stack of maps and the files beside it.

    Attributes
    ----------
    declared : UserDeclarations
        For a stack only the unit, if the product does not state it.
    geometry, mask, velocity, coherence : str, optional
        File to use; ``none`` to use none; by default the file is looked for beside the stack.
    """

    declared: UserDeclarations = field(default_factory=UserDeclarations)
    geometry: str | None = None
    mask: str | None = None
    velocity: str | None = None
    coherence: str | None = None

    def refuse(self, product: str, *roles: FileRole) -> None:
        """Refuse files for a product that contains what they would bring.

        Raises
        ------
        UsageError
            If such a file was named.
        """
        for role in roles:
            value = getattr(self, role)
            if value is not None and not (role == "mask" and value == NONE):
                raise UsageError(f"--{role} {value}: {product} brings its own; omit the option")

    def refuse_units(self, product: str) -> None:
        """Refuse a declared unit for a product that states its unit.

        Raises
        ------
        UsageError
            If a unit was declared.
        """
        if self.declared.units is not None:
            raise UsageError(f"--units {self.declared.units}: {product} states its unit; omit the option")


@dataclass(slots=True)
class CompanionSearch:
    """Search for the files beside one stack.

    Attributes
    ----------
    folders : sequence of Path
        Folders to search, in this order.
    shape : tuple of int
        Lines and pixels of the stack, which its maps must have.
    closing : ExitStack
        Closes the files that are opened.
    used : dict of role to str
        Paths of the files that are used.
    notes : list of str
        About files that are not used.
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
            File that the user named.
        names : sequence of str
            Usual names; the first file of the shape of the stack is used.

        Returns
        -------
        path : Path
        maps : dict of str to h5py.Dataset
            Its maps. None instead of both if there is no such file.

        Raises
        ------
        DataError
            A named file is not an HDF5 file, or has no map of the shape of the stack.
        """
        if named == NONE:
            return None
        if named is not None:
            path = Path(named)
            if not is_hdf5(path):
                raise DataError(f"--{role} {path} is not an HDF5 file: name one that goes with the stack")
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
        return maps_of_shape(self.closing.enter_context(open_hdf5(path)), self.shape)

    def _take(self, role: FileRole, path: Path, maps: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
        self.used[role] = str(path)
        return path, maps


def pick(path: Path, maps: dict[str, Any], names: Sequence[str]) -> tuple[str, Any]:
    """Return the name and the dataset of the first of these maps, or of the only map of the file.

    Raises
    ------
    DataError
        There are several maps, and none of these.
    """
    name = next((name for name in names if name in maps), None)
    if name is None:
        if len(maps) > 1:
            found = ", ".join(f"'{name}'" for name in list(maps)[:5])
            raise DataError(f"{path} has several maps ({found}), none called '{names[0]}': keep that one")
        name = next(iter(maps))
    return name, maps[name]
