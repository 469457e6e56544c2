"""A whole file at a time: read, classify, write, and say what happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final, Literal, TypeVar

import pyarrow as pa

from insar_runtime._ahead import ahead
from insar_runtime._layout import Role
from insar_runtime._parallel import in_order
from insar_runtime._priors import ClassPriors, estimated_mix, known_rows
from insar_runtime._run import Run
from insar_runtime._sample import RowSample
from insar_runtime._sinks import check_output
from insar_runtime._sources import Source, open_source
from insar_runtime._stream import Understanding, classify_rows, understand
from insar_runtime._units import Unit
from insar_runtime.classes import CLASS_NAMES
from insar_runtime.classifier import Classifier, Shares
from insar_runtime.errors import UsageError
from insar_runtime.summary import Summary

Progress = Callable[[int, int | None], None]
"""Called with the rows done and the rows in all (None if that is not known)."""

Done = TypeVar("Done")

Reading = tuple[Source, Understanding, Iterator[pa.RecordBatch]]
"""An open table, what was understood of it, and its rows."""

_MOST_SAMPLED_ROWS: Final = 200_000
"""Rows that priors are estimated from: chance then moves no share by more than some 0.1 %, in some 20 MB."""

_BATCHES_AHEAD: Final = 2
"""Batches that wait while one is classified: enough for a reader that is held up once, some 30 MB of wide doubles."""


def classify_file(
    source: str | Path | BinaryIO,
    output: str | Path | BinaryIO,
    *,
    classifier: Classifier | None = None,
    units: Unit | None = None,
    columns: Mapping[Role, str] | None = None,
    keep_series: bool = False,
    overwrite: bool = False,
    priors: Shares | Literal["auto"] | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Classify a file of any size in bounded memory.

    Parameters
    ----------
    source : str, Path or binary stream
        Parquet, CSV, zip with a CSV, or Arrow IPC; ``-`` or a stream for Arrow IPC from a pipe.
    output : str, Path or binary stream
        Parquet file to write (GeoParquet 1.1 where longitude and latitude are known), or ``-`` or a stream
        for an Arrow IPC stream.
    classifier : Classifier, optional
        Made with its defaults if not given.
    units : {"mm", "cm", "m", "rad"}, optional
        Unit of the displacements, where the file does not prove it.
    columns : mapping of role to column name, optional
        Columns to take as ``id``, ``longitude``, ``latitude``, ``easting``, ``northing``, ``velocity``.
    keep_series : bool
        Whether the output keeps the series beside the attributes.
    overwrite : bool
        Whether an output that exists may be replaced.
    priors : mapping of str to float, sequence of 5 floats, or "auto", optional
        Shares of the classes where the points come from, in place of the classifier's. ``auto`` estimates them
        from the file, which is then read twice; with fewer than 100 rows to estimate from, the mix of the training
        is kept and said so in the metadata.
    progress : callable, optional
        Told of the rows done after each batch, in each of the two readings with ``priors="auto"``.

    Returns
    -------
    Summary

    Raises
    ------
    InsarRuntimeError
        One of its family; the output is then what it was before.
    """
    begin = time.perf_counter()
    source = _path_or_stream(source)
    output = _path_or_stream(output)
    _check_pair(source, output, overwrite=overwrite)
    classifier = classifier or Classifier()
    reading = partial(
        open_understood,
        source,
        units=units,
        columns=columns,
        half_wavelength_mm=classifier.model.half_wavelength_mm,
    )
    if isinstance(priors, str) and priors == "auto":
        if not isinstance(source, Path):
            raise UsageError("priors auto reads the input twice, a stream can be read once; give a file or five shares")
        estimate = _estimated_priors(classifier, reading, keep_series=keep_series, progress=progress)
        classifier = classifier.with_priors(estimate)
    elif priors is not None:
        classifier = classifier.with_priors(priors)
    with reading() as (opened, understanding, batches):
        _check_fitness(classifier, understanding, keep_series=keep_series)
        run = Run(classifier, understanding, opened, keep_series=keep_series)
        with (
            run.open_sink(output, overwrite=overwrite) as sink,
            _classified(batches, run.classify, classifier, is_file=isinstance(source, Path)) as results,
        ):
            for result in results:
                sink.write(run.count(result))
                if progress:
                    progress(run.rows, opened.rows)
    return run.summary(opened.name, _name(output), time.perf_counter() - begin)


def _estimated_priors(
    classifier: Classifier,
    reading: Callable[[], AbstractContextManager[Reading]],
    *,
    keep_series: bool,
    progress: Progress | None,
) -> ClassPriors:
    """Read the file once and estimate its mix of classes from the rows that the network answers."""
    as_trained = classifier.with_priors(None)
    sample = RowSample(_MOST_SAMPLED_ROWS, len(CLASS_NAMES))
    done = 0
    with reading() as (opened, understanding, batches):
        _check_fitness(classifier, understanding, keep_series=keep_series)
        ask = partial(classify_rows, understanding=understanding)
        with _classified(batches, ask, as_trained, is_file=True) as results:
            for result in results:
                sample.add(known_rows(result.probabilities, classifier.model.unsure_below))
                done += len(result)
                if progress:
                    progress(done, opened.rows)
    return estimated_mix(sample.rows(), classifier.model.training_priors)


@contextmanager
def _classified(
    batches: Iterator[pa.RecordBatch],
    classify: Callable[[Classifier, pa.RecordBatch, int], Done],
    classifier: Classifier,
    *,
    is_file: bool,
) -> Iterator[Iterator[Done]]:
    """Classify batches in their order; a file's on all threads at once, with one more that reads ahead.

    A batch a thread scales better than the calls of one batch on several threads: checks, columns and geometry are
    work too. A stream is read when its rows are wanted, and its threads share one batch: who interrupts a run must not
    wait for rows that may never come, and who asks by a pipe wants the answer before the next question.
    """
    if classifier.threads == 1 or not is_file:
        yield (classify(classifier, batch, first_row) for batch, first_row in _numbered(batches))
        return
    alone = classifier.with_threads(1)
    with (
        closing(ahead(_numbered(batches), _BATCHES_AHEAD)) as coming,
        closing(in_order(coming, lambda item: classify(alone, *item), classifier.threads)) as results,
    ):
        yield results


def _numbered(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Give each batch with the number of its first row."""
    first_row = 0
    for batch in batches:
        yield batch, first_row
        first_row += batch.num_rows


def _check_fitness(classifier: Classifier, understanding: Understanding, *, keep_series: bool) -> None:
    """Refuse a table whose rows could not be classified or written, before the first one is."""
    classifier.check_axis(len(understanding.layout.dates))
    understanding.output_schema(keep_series=keep_series)


def _path_or_stream(where: str | Path | BinaryIO) -> Path | str | BinaryIO:
    if isinstance(where, str):
        return where if where == "-" else Path(where)
    return where


def _name(where: Path | str | BinaryIO) -> str:
    return str(where) if isinstance(where, (str, Path)) else "-"


def _check_pair(source: Path | str | BinaryIO, output: Path | str | BinaryIO, *, overwrite: bool) -> None:
    """Refuse what cannot end well before anything is opened."""
    if not isinstance(output, Path):
        return
    check_output(output, overwrite=True)
    same = False
    with suppress(OSError):  # what is wrong with the input is said when it is opened
        same = isinstance(source, Path) and output.samefile(source)
    if same:
        raise UsageError(f"output {output} is the input; name another file")
    check_output(output, overwrite=overwrite)


@contextmanager
def open_understood(
    source: str | Path | BinaryIO,
    *,
    units: Unit | None = None,
    columns: Mapping[Role, str] | None = None,
    half_wavelength_mm: float,
) -> Iterator[Reading]:
    """Open a source and resolve what its columns mean; ``classify`` and ``inspect`` share it.

    Yields
    ------
    source : Source
        Open until the context ends.
    understanding : Understanding
        Layout, dates and units.
    batches : iterator of pyarrow.RecordBatch
        All rows.

    Raises
    ------
    InsarRuntimeError
        For the same reasons as ``classify_file``.
    """
    with open_source(
        _path_or_stream(source), roles={str(role): name for role, name in (columns or {}).items()}
    ) as opened:
        batches = opened.batches()
        head = next((batch for batch in batches if batch.num_rows), None)
        understanding = understand(
            opened.schema, head, units=units, overrides=columns, half_wavelength_mm=half_wavelength_mm
        )
        yield opened, understanding, batches if head is None else chain([head], batches)
