"""The commands for two releases: a damaged table, and a whole one of the same points as the other release."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from hostile.chance import happens, pick
from hostile.files.containers import WRITERS
from hostile.files.expected import count_points, same_cells
from hostile.files.independent import PlainTable
from hostile.judge import Verdict

OTHER: Final = "other.parquet"
"""Name of the other release in the folder of a case."""
COMMANDS: Final = ("compare", "join")
ALERT: Final = 10
"""Exit code of ``compare --alert`` that has found something."""
_OUTPUTS: Final = ("out.parquet", "out.parquet", "out.csv", "out.arrow", "out.gpkg")
_MEMBERSHIP: Final = {"join": ("join_release", "old"), "compare": ("match", "gone")}
"""Column of the output that says which releases a row is of, and its value for points of the old one alone."""


def another_release(rng: np.random.Generator, table: pa.Table) -> bytes:
    """Return the other release as Parquet: most points of a table, and of a wide one at times fewer dates.

    Parameters
    ----------
    rng : numpy.random.Generator
    table : pyarrow.Table
        As it was made.
    """
    dated = [name for name in table.schema.names if sum(map(str.isdigit, name)) >= 8]
    if dated and happens(rng, 0.5):
        table = table.drop_columns(sorted(dated)[-int(rng.integers(1, 5)) :])
    if "date" not in table.schema.names and happens(rng, 0.5):
        table = table.filter(pa.array(rng.random(len(table)) < 0.8))
    return WRITERS["parquet"](rng, table)


def two_releases(rng: np.random.Generator, name: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return a command line for a table and the other release, and what it may write.

    Parameters
    ----------
    rng : numpy.random.Generator
    name : str
        Of the file of the table; it is the old release or the new one.
    """
    command, output = pick(rng, COMMANDS), pick(rng, _OUTPUTS)
    tables = (name, OTHER) if happens(rng, 0.5) else (OTHER, name)
    arguments = [command, *tables, "-o", output]
    if happens(rng, 0.4):
        arguments += ["--match", pick(rng, ("id", "position"))]
    if happens(rng, 0.2):
        arguments.append("--json")
    if command == "compare":
        arguments += ["--threads", "1"]
        if happens(rng, 0.2):
            arguments += ["--alert", pick(rng, ("any", "class", "break,jump", "rate,recent"))]
    outputs = {output}
    if output in {"out.csv", "out.arrow"}:
        outputs.add(f"{output}.json")
    return tuple(arguments), frozenset(outputs)


def compare_releases(
    command: str, old: PlainTable, new: PlainTable, out: PlainTable, *, id_name: str | None
) -> Verdict | None:
    """Compare an output with both releases: each point is there once, those of the new release first; None if so.

    Parameters
    ----------
    command : {"compare", "join"}
    old, new : PlainTable
        The releases.
    out : PlainTable
        The output, with all points.
    id_name : str or None
        Column of the releases with the identifiers.
    """
    column, alone = _MEMBERSHIP[command]
    counts = [count_points(table, id_name) for table in (old, new)]
    of = out.column(column)
    if of is None:
        return "wrong result", f"no column {column}"
    found = [sum(value != "new" for value in of), sum(value != alone for value in of)]
    for role, count, points in zip(("old", "new"), counts, found, strict=True):
        if count is not None and points != count:
            return "lost rows", f"{points} of {count} points of the {role} release"
    written = out.column("id" if command == "compare" else id_name or "")
    wanted = None if id_name is None else new.column(id_name)
    if wanted is None or written is None or counts[1] != new.rows:
        return None
    # Points of the new release without an id have that of the old one in a comparison.
    taken = (None, "") if command == "compare" else ()
    pairs = enumerate(zip(wanted, written, strict=False))
    different = [k for k, (a, b) in pairs if a not in taken and not same_cells(a, b)]
    if different:
        k = different[0]
        return "wrong result", f"id {written[k]!r} in place of {wanted[k]!r} in row {k}"
    return None
