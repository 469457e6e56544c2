"""Conversion of a stack of maps or of a table to list Parquet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._convert.companions import CompanionFiles
from insar_runtime._convert.conversion import Conversion
from insar_runtime._convert.cube import Cube, PixelSelection, read_rows
from insar_runtime._convert.find_stack import find_stack
from insar_runtime._convert.hdf5 import translate_hdf5_errors
from insar_runtime._convert.input_table import InputTable
from insar_runtime._convert.transposed import date_column, open_transposed
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.locations import locate
from insar_runtime._input.opening import open_source
from insar_runtime._input.position import LONGITUDE_LATITUDE, Position
from insar_runtime._input.readers.json_table import holds_json
from insar_runtime._output.list_table import ListTable
from insar_runtime._output.output_checks import check_output, refuse_input
from insar_runtime._output.sinks import format_of
from insar_runtime._pipeline.notes import notes_on
from insar_runtime._pipeline.prepare import open_described
from insar_runtime._progress import Progress
from insar_runtime.errors import UsageError

SIGN = "positive towards the satellite"
"""Sign of the displacements of all stacks of maps."""
_OPTIONS = {"id": "id-column", "longitude": "lon-column", "latitude": "lat-column", "velocity": "velocity-column"}
"""Options whose names differ from the role of the column."""


@dataclass(frozen=True, slots=True)
class _Job:
    """An open input with its output.

    Attributes
    ----------
    output : ListTable
    parts : iterator
        Columns and displacements [N, T] in mm, batch by batch.
    dates : ndarray of datetime64[D], shape [T]
    done : callable
        Returns the number of rows or pixels done, and of all if known.
    facts : callable
        Returns the part of the ``Conversion`` that depends on the input; called when all is written.
    """

    output: ListTable
    parts: Iterator[tuple[list[pa.Array], NDArray[np.float32]]]
    dates: NDArray[np.datetime64]
    done: Callable[[], tuple[int, int | None]]
    facts: Callable[[], dict[str, Any]]


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
    """Convert a stack of maps or a table to list Parquet, in bounded memory.

    Parameters
    ----------
    sources : sequence of str or Path
        One file; of OPERA DISP-S1 a folder or several.
    output : str or Path
        Parquet file to write.
    named : CompanionFiles, optional
        Declarations of the user about the input, and the files beside a stack.
    points : str or Path, optional
        Table with the positions of the points of a transposed table.
    min_coherence : float, optional
        Least coherence of the pixels that are kept; for stacks.
    every : int
        Keep one of this number of lines, and of pixels; for stacks.
    overwrite : bool
        Whether an output that exists may be replaced.
    progress : callable, optional
        Called with the number of rows or pixels done, and of all if known.

    Returns
    -------
    Conversion

    Raises
    ------
    InsarRuntimeError
        If the conversion fails; the output is then unchanged.
    """
    begin = time.perf_counter()
    named = named or CompanionFiles()
    paths = [Path("-") if str(source) == "-" else locate(source) for source in sources]
    output = locate(output, output=True)
    _check_pair(paths, output, overwrite=overwrite)
    with ExitStack() as closing:
        opener = None if str(sources[0]) == "-" else find_stack(paths, named)
        if opener is not None:
            _refuse_for_stacks(paths[0], named.declared, points)
            with translate_hdf5_errors(paths[0]):
                cube = closing.enter_context(opener)
            job = _cube_job(cube, paths, PixelSelection(every, min_coherence))
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
        **job.facts(),
    )


def _check_pair(paths: Sequence[Path], output: Path, *, overwrite: bool) -> None:
    """Refuse inputs and outputs that cannot be used, before anything is opened."""
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
        "--positions": points,
        "--date-format": declared.date_format,
        "--half-wavelength": declared.half_wavelength_mm,
        **{f"--{_OPTIONS.get(role, role)}": name for role, name in declared.columns.items()},
    }
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"{option} {value}: is for tables, {path} is a stack of maps; omit it")


def _refuse_for_tables(named: CompanionFiles, min_coherence: float | None, every: int) -> None:
    given = {
        "geometry": named.geometry,
        "mask": named.mask,
        "velocity": named.velocity,
        "coherence": named.coherence,
        "min-coherence": min_coherence,
        "every": None if every == 1 else every,
    }
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"--{option} {value}: is for stacks of maps, and this is a table; omit it")


@contextmanager
def _open_table(
    source: str | Path, points: str | Path | None, named: CompanionFiles
) -> Iterator[tuple[InputTable, tuple[str, ...]]]:
    """Open a table, transposing it if needed, and return it with notes."""
    declared = named.declared
    # JSON has one object per point, and is read twice as it is.
    if str(source) != "-" and not holds_json(Path(source)):
        with open_source(source, date_format=declared.date_format) as first:
            names = list(first.schema.names)
            date = date_column(names, next(first.batches(1), None))
        if date is not None:
            yield open_transposed(locate(source), date, None if points is None else Path(points), declared)
            return
    if points is not None:
        raise UsageError(
            f"--positions {points}: is for transposed tables (one row per date), and this is none; omit it"
        )
    with open_described(source, declared, reads_json=True) as reading:
        one = reading.source
        yield InputTable(one.name, one.kind, reading.description, reading.batches, one.rows, one.metadata), ()


def _table_job(table: InputTable, notes: tuple[str, ...]) -> _Job:
    description = table.description
    output, units = table.output(), description.units

    def facts() -> dict[str, Any]:
        return {
            "product": description.layout.producer,
            "left_out": {},
            "source_unit": units.unit,
            "unit_evidence": units.evidence,
            "sign": units.sign,
            "files": {},
            "notes": (*notes_on(description), *notes),
        }

    return _Job(output, table.read(), description.layout.dates, lambda: (output.rows, table.rows), facts)


def _cube_job(cube: Cube, paths: Sequence[Path], selection: PixelSelection) -> _Job:
    if selection.min_coherence is not None and cube.coherence is None:
        raise UsageError(
            f"--min-coherence {selection.min_coherence:g}: {paths[0]} comes with no coherence; name --coherence"
        )
    block: dict[str, Any] = {
        "product": cube.product,
        "sources": [path.name for path in paths],
        "unit": "mm",
        "unit_evidence": "format",
        "sign": SIGN,
        "columns": {layer.name: layer.source for layer in cube.layers},
        "every": selection.every,
        "min_coherence": selection.min_coherence,
        # Updated while rows are written; the metadata are written last.
        "left_out": selection.left_out,
        **cube.facts,
        # No folders of this machine, so that equal inputs give equal files.
        "files": {role: Path(name).name for role, name in cube.facts["files"].items()},
    }
    position = Position("longitude", "latitude", LONGITUDE_LATITUDE) if cube.positions else None
    output = ListTable(cube.fields, cube.dates, position=position, proven=True, block={"converted": block})
    pixels = cube.shape[0] * cube.shape[1]

    def facts() -> dict[str, Any]:
        notes = cube.notes if output.rows else (*cube.notes, "no pixel is left: the output has no rows")
        return {
            "product": cube.product,
            "left_out": dict(selection.left_out),
            "source_unit": cube.facts["source_unit"],
            "unit_evidence": "format",
            "sign": SIGN,
            "files": cube.facts["files"],
            "notes": notes,
        }

    return _Job(output, read_rows(cube, selection), cube.dates, lambda: (selection.examined, pixels), facts)
