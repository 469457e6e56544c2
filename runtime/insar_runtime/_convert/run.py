"""From an input of any kind to a file in the fast format, and what there is to say about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._convert.companions import CompanionFiles
from insar_runtime._convert.conversion import Conversion
from insar_runtime._convert.cube import Cube, Picking, rows
from insar_runtime._convert.hdf5 import translate_errors
from insar_runtime._convert.kinds import cube_of
from insar_runtime._convert.list_parquet import ListParquet
from insar_runtime._convert.table import Table
from insar_runtime._convert.transposed import date_column, open_transposed
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.opening import open_source
from insar_runtime._input.position import LONGITUDE_LATITUDE, Position
from insar_runtime._output.atomic import check_output, refuse_input
from insar_runtime._output.sinks import format_of
from insar_runtime._pipeline.notes import notes_on
from insar_runtime._pipeline.prepare import open_described
from insar_runtime._progress import Progress
from insar_runtime.errors import UsageError

SIGN = "positive towards the satellite"
"""Of all stacks of maps that are read."""
_OPTIONS = {"longitude": "lon", "latitude": "lat"}
"""Options that are not called like the role of the column that they name."""


@dataclass(frozen=True, slots=True)
class _Job:
    """An open input, ready to be written."""

    output: ListParquet
    parts: Iterator[tuple[list[pa.Array], NDArray[np.float32]]]
    dates: NDArray[np.datetime64]
    done: Callable[[], tuple[int, int | None]]
    said: Callable[[], dict[str, Any]]


def convert(
    sources: Sequence[str | Path],
    output: str | Path,
    *,
    named: CompanionFiles | None = None,
    points: str | Path | None = None,
    min_coherence: float | None = None,
    every: int = 1,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Conversion:
    """Convert a stack of maps or a table to Parquet with the series as lists, in bounded memory.

    Parameters
    ----------
    sources : sequence of str or Path
        One file; of OPERA DISP-S1 a folder or several.
    output : str or Path
        Parquet file to write.
    named : CompanionFiles, optional
        What the user says of the input, and the files beside a stack.
    points : str or Path, optional
        Positions of the points of a transposed table.
    min_coherence : float, optional
        Leave out pixels below it; for stacks.
    every : int
        Take every so many-th line and pixel; for stacks.
    overwrite : bool
        Whether an output that exists may be replaced.
    progress : callable, optional
        Told of the rows or pixels done.

    Returns
    -------
    Conversion

    Raises
    ------
    InsarRuntimeError
        One of its family; the output is then what it was before.
    """
    begin = time.perf_counter()
    named = named or CompanionFiles()
    paths, output = [Path(source) for source in sources], Path(output)
    _check_pair(paths, output, overwrite=overwrite)
    with ExitStack() as closing:
        opener = None if str(sources[0]) == "-" else cube_of(paths, named)
        if opener is not None:
            _refuse_for_stacks(paths[0], named.declared, points)
            with translate_errors(paths[0]):
                cube = closing.enter_context(opener)
            job = _cube_job(cube, paths, Picking(every, min_coherence))
        else:
            _refuse_for_tables(named, min_coherence, every)
            table, notes = closing.enter_context(_open_table(sources[0], points, named))
            job = _table_job(table, notes)
        with job.output.open(output, overwrite=overwrite) as sink:
            for arrays, matrix in job.parts:
                sink.write(job.output.batch(arrays, matrix))
                if progress:
                    progress(*job.done())
    return Conversion(
        inputs=tuple(str(source) for source in sources),
        output=str(output),
        rows=job.output.rows,
        epochs=len(job.dates),
        first_date=str(job.dates[0]),
        last_date=str(job.dates[-1]),
        bytes=output.stat().st_size,
        seconds=round(time.perf_counter() - begin, 3),
        **job.said(),
    )


def _check_pair(paths: Sequence[Path], output: Path, *, overwrite: bool) -> None:
    """Refuse what cannot end well before anything is opened."""
    if len(paths) > 1 and Path("-") in paths:
        raise UsageError(f"- among {len(paths)} inputs: a stream is converted by itself")
    if str(output) == "-":
        raise UsageError("-o -: Parquet is a file, not a stream; name one")
    if format_of(output) != "parquet":
        raise UsageError(f"output {output}: convert writes Parquet; name it .parquet")
    check_output(output, overwrite=True)
    refuse_input(output, paths)
    check_output(output, overwrite=overwrite)


def _refuse_for_stacks(path: Path, declared: UserDeclarations, points: str | Path | None) -> None:
    given = {
        "--points": points,
        "--date-format": declared.date_format,
        "--half-wavelength": declared.half_wavelength_mm,
        **{f"--{_OPTIONS.get(role, role)}": name for role, name in declared.columns.items()},
    }
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"{option} {value}: is for tables, {path} is a stack of maps; leave it away")


def _refuse_for_tables(named: CompanionFiles, min_coherence: float | None, every: int) -> None:
    given = {
        "geometry": named.geometry,
        "mask": named.mask,
        "coherence": named.coherence,
        "min-coherence": min_coherence,
        "every": None if every == 1 else every,
    }
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"--{option} {value}: is for stacks of maps, and this is a table; leave it away")


@contextmanager
def _open_table(
    source: str | Path, points: str | Path | None, named: CompanionFiles
) -> Iterator[tuple[Table, tuple[str, ...]]]:
    """Open a table, turned around if it is transposed, and say what is unusual."""
    declared = named.declared
    if named.velocity is not None:
        declared = replace(declared, columns={**declared.columns, "velocity": named.velocity})
    if str(source) != "-":
        with open_source(source, date_format=declared.date_format) as first:
            names = list(first.schema.names)
            date = date_column(names, next(first.batches(1), None))
        if date is not None:
            yield open_transposed(Path(source), date, None if points is None else Path(points), declared)
            return
    if points is not None:
        raise UsageError(
            f"--points {points}: is for transposed tables (one row a date), and this is none; leave it away"
        )
    with open_described(source, declared) as reading:
        one = reading.source
        yield Table(one.name, one.kind, reading.description, reading.batches, one.rows, one.metadata), ()


def _table_job(table: Table, notes: tuple[str, ...]) -> _Job:
    description = table.description
    output, units = table.output(), description.units

    def said() -> dict[str, Any]:
        return {
            "product": description.layout.producer,
            "left_out": {},
            "source_unit": units.unit,
            "unit_evidence": units.evidence,
            "sign": units.sign,
            "files": {},
            "notes": (*notes_on(description), *notes),
        }

    return _Job(output, table.read(), description.layout.dates, lambda: (output.rows, table.rows), said)


def _cube_job(cube: Cube, paths: Sequence[Path], picking: Picking) -> _Job:
    if picking.min_coherence is not None and cube.coherence is None:
        raise UsageError(
            f"--min-coherence {picking.min_coherence:g}: {paths[0]} comes with no coherence; name --coherence"
        )
    block: dict[str, Any] = {
        "product": cube.product,
        "sources": [path.name for path in paths],
        "unit": "mm",
        "unit_evidence": "format",
        "sign": SIGN,
        "columns": {layer.name: layer.source for layer in cube.layers},
        "every": picking.every,
        "min_coherence": picking.min_coherence,
        # Counted while the rows are written, and read when the last one was.
        "left_out": picking.left_out,
        **cube.facts,
        # No folders of this machine: equal inputs make equal files.
        "files": {role: Path(name).name for role, name in cube.facts["files"].items()},
    }
    position = Position("longitude", "latitude", LONGITUDE_LATITUDE) if cube.positions else None
    output = ListParquet(cube.fields, cube.dates, position=position, proven=True, block=block)
    pixels = cube.shape[0] * cube.shape[1]

    def said() -> dict[str, Any]:
        notes = cube.notes if output.rows else (*cube.notes, "no pixel is left: the output has no rows")
        return {
            "product": cube.product,
            "left_out": dict(picking.left_out),
            "source_unit": cube.facts["source_unit"],
            "unit_evidence": "format",
            "sign": SIGN,
            "files": cube.facts["files"],
            "notes": notes,
        }

    return _Job(output, rows(cube, picking), cube.dates, lambda: (picking.seen, pixels), said)
