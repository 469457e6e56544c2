"""One case of the fuzz of files: its input, its damages and the command line that is tried on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

import numpy as np
import pyarrow as pa

from hostile.chance import case_generator, happens, pick
from hostile.files.absurd import make_absurd
from hostile.files.byte_damage import damage_bytes
from hostile.files.container_damage import damage_container
from hostile.files.containers import EXTENSIONS, WRITERS
from hostile.files.further_commands import find_areas, with_further_option
from hostile.files.made_table import ID_NAMES, Layout, make_table
from hostile.files.releases import another_release, two_releases
from hostile.files.table_damage import damage_table

KINDS: Final = (
    *("parquet",) * 6,
    *("csv",) * 6,
    *("arrow",) * 4,
    *("arrows",) * 4,
    *("zip",) * 4,
    *("gpkg",) * 3,
    *("shapefile",) * 3,
    *("dbf",) * 2,
    "csv.gz",
    "csv.zst",
    "csv.bz2",
    *("geojson",) * 2,
    "transposed",
    "h5",
)
"""Containers, by how often each is tried."""
_OUTPUTS: Final = ("out.parquet", "out.parquet", "out.csv", "out.arrow", "out.gpkg")
_TEXTS: Final = frozenset({"csv", "zip", "csv.gz", "csv.zst", "csv.bz2", "gpkg", "shapefile", "dbf", "geojson"})
"""Containers that hold no lists."""


@dataclass(frozen=True, slots=True)
class FileCase:
    """A file and what is done with it.

    Attributes
    ----------
    number : int
    kind : str
        Container.
    tried : str
        Damages in their order.
    content : bytes
        Of the file.
    name : str
        Of the file in its folder.
    arguments : tuple of str
        Of ``insar-rt``, in the folder of the file.
    outputs : frozenset of str
        Names that the run may write.
    id_name : str or None
        Column of identifiers of the table that was made.
    from_stdin : bool
        Whether the file is standard input.
    must_be_taken : bool
        Whether nothing was changed, so that the file is one to classify.
    other : bytes or None
        Content of ``hostile.files.releases.OTHER``, for commands that take two releases.
    """

    number: int
    kind: str
    tried: str
    content: bytes
    name: str
    arguments: tuple[str, ...]
    outputs: frozenset[str]
    id_name: str | None
    from_stdin: bool
    must_be_taken: bool
    other: bytes | None = None


def make_case(seed: int, number: int) -> FileCase:
    """Return a case; the same for the same seed and number.

    Parameters
    ----------
    seed, number : int
    """
    rng = case_generator(seed, "files", number)
    if happens(rng, _ABSURD):
        return _absurd_case(rng, number)
    kind = pick(rng, KINDS)
    if kind == "h5" and find_spec("h5py") is None:
        kind = "transposed"
    made = make_table(rng, plain_types=kind in _TEXTS)
    table, id_name = made.table, next((name for name in made.table.schema.names if name in ID_NAMES), None)
    if kind in _TEXTS and made.layout in {"list", "fixed"}:
        made = make_table(rng, "wide", plain_types=True)
        table, id_name = made.table, next((name for name in made.table.schema.names if name in ID_NAMES), None)
    ways = rng.random(3) < np.array(pick(rng, _MIXES))
    tried: list[str] = []
    content, other = _written(rng, kind, table, tried, change=bool(ways[0]))
    if ways[1]:
        content, name = damage_container(rng, kind, content, other)
        tried.append(name)
    for _ in range(int(rng.integers(1, 4)) if ways[2] else 0):
        content, name = damage_bytes(rng, content, other)
        tried.append(name)
    name = f"in{EXTENSIONS[kind]}"
    from_stdin = kind == "arrows" and happens(rng, 0.2)
    arguments, outputs = _classify(rng, "-") if from_stdin else _arguments(rng, kind, name)
    further, release = case_generator(seed, "further", number), None
    # Further commands and options take files, no streams.
    what = 1.0 if from_stdin or arguments[0] == "convert" else further.random()
    if what < _TWO_RELEASES:
        release = another_release(further, made.table)
        arguments, outputs = two_releases(further, name)
    elif what < _AREAS:
        arguments, outputs = find_areas(further, name)
        if happens(further, 0.5):
            # Hardly any points of the others lie together.
            layout: Layout | None = "wide" if kind in _TEXTS else None
            together = make_table(further, layout, plain_types=kind in _TEXTS, together=True).table
            content, tried = WRITERS[kind](further, together), ["points that move together"]
            id_name = next((column for column in together.schema.names if column in ID_NAMES), None)
    elif what < _OPTIONS and arguments[0] == "classify":
        arguments = with_further_option(further, arguments)
    return FileCase(
        number,
        kind,
        ", ".join(tried) or "nothing",
        content,
        name,
        arguments,
        outputs,
        id_name,
        from_stdin,
        # Not every table has the positions that further options need.
        must_be_taken=not tried and made.epochs >= _FEWEST_EPOCHS and what >= _OPTIONS,
        other=release,
    )


def _absurd_case(rng: np.random.Generator, number: int) -> FileCase:
    extension, content, what = make_absurd(rng)
    name = f"in{extension}"
    arguments, outputs = _arguments(rng, "absurd", name)
    return FileCase(
        number, "absurd", what, content, name, arguments, outputs, None, from_stdin=False, must_be_taken=False
    )


_ABSURD: Final = 0.01
"""Share of absurd files, which take longer than damaged ones."""
_TWO_RELEASES: Final = 0.1
_AREAS: Final = 0.15
_OPTIONS: Final = 0.3
"""Shares of the tables, summed up, for commands on two releases, for areas, and for a further option of classify.

Convert is not exchanged for them, as some containers are for it alone.
"""
_FEWEST_EPOCHS: Final = 30
"""Of the default model; shorter tables are refused."""
_MIXES: Final = ((1, 0, 0), (1, 0, 0), (0, 1, 0), (0, 1, 0), (0, 0, 1), (0, 0, 1), (0.5, 0.5, 0.5), (0, 0, 0))
"""Probabilities of damage to the table, to the container, and to its bytes."""


def _written(
    rng: np.random.Generator, kind: str, table: pa.Table, tried: list[str], *, change: bool
) -> tuple[bytes, bytes]:
    """Return the file, with a changed table where its container can hold it, and another file of this container."""
    other = WRITERS[kind](rng, make_table(rng, "wide", plain_types=True).table.slice(0, 5))
    if change:
        changed, names = table, []
        for _ in range(pick(rng, (1, 1, 1, 2, 3))):
            changed, name = damage_table(rng, changed)
            names.append(name)
        try:
            content = WRITERS[kind](rng, changed)
        except Exception as error:  # writers refuse in many ways what their container cannot hold
            tried.append(f"{', '.join(names)} (not in {kind}: {type(error).__name__})")
        else:
            tried += names
            return content, other
    return WRITERS[kind](rng, table), other


def _arguments(rng: np.random.Generator, kind: str, name: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return a command line for a file, and what it may write."""
    if kind in {"transposed", "h5", "geojson"}:
        return ("convert", name, "-o", "out.parquet"), frozenset({"out.parquet"})
    command = pick(rng, (*("classify",) * 12, "inspect", "show", "report", "convert"))
    return _COMMANDS[command](rng, name)


def _classify(rng: np.random.Generator, name: str) -> tuple[tuple[str, ...], frozenset[str]]:
    output = pick(rng, _OUTPUTS)
    arguments, outputs = ["classify", name, "-o", output, "--threads", pick(rng, ("1", "1", "2"))], {output}
    if happens(rng, 0.15):
        arguments.append("--diagnose")
    if happens(rng, 0.15):
        arguments.append("--keep-series")
    if happens(rng, 0.15):
        arguments += ["--quarantine", "bad.parquet"]
        outputs.add("bad.parquet")
    if happens(rng, 0.05):
        arguments += ["--priors", "trained"]
    if happens(rng, 0.05):
        arguments += ["--corrected-out", "corrected.parquet"]
        outputs.add("corrected.parquet")
    if output in {"out.csv", "out.arrow"}:
        outputs.add(f"{output}.json")
    return tuple(arguments), frozenset(outputs)


def _inspect(rng: np.random.Generator, name: str) -> tuple[tuple[str, ...], frozenset[str]]:
    return ("inspect", name, *(["--json"] if happens(rng, 0.5) else [])), frozenset()


def _show(rng: np.random.Generator, name: str) -> tuple[tuple[str, ...], frozenset[str]]:
    return ("show", name, "--row", "0", *(["--json"] if happens(rng, 0.5) else [])), frozenset()


def _report(rng: np.random.Generator, name: str) -> tuple[tuple[str, ...], frozenset[str]]:
    del rng
    return ("report", name, "-o", "out.html", "--threads", "1"), frozenset({"out.html"})


def _convert(rng: np.random.Generator, name: str) -> tuple[tuple[str, ...], frozenset[str]]:
    del rng
    return ("convert", name, "-o", "out.parquet"), frozenset({"out.parquet"})


_COMMANDS: Final[dict[str, Callable[[np.random.Generator, str], tuple[tuple[str, ...], frozenset[str]]]]] = {
    "classify": _classify,
    "inspect": _inspect,
    "show": _show,
    "report": _report,
    "convert": _convert,
}
