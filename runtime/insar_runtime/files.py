"""A whole file at a time: read, classify, write, and say what happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, Literal, TypeVar

import pyarrow as pa

from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._engine.class_priors import ClassPriors
from insar_runtime._engine.priors import estimated_mix, known_rows
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.layout import Role
from insar_runtime._input.sampling import estimate_rows
from insar_runtime._input.table import TableDescription
from insar_runtime._input.units import Unit
from insar_runtime._pipeline.batch import classify_rows
from insar_runtime._pipeline.diagnosis_setup import DiagnoserCache, DiagnosisSetup
from insar_runtime._pipeline.memory import MemoryGuard
from insar_runtime._pipeline.output_files import InputFingerprint, Targets, path_or_stream
from insar_runtime._pipeline.parallel import in_order
from insar_runtime._pipeline.request import Request
from insar_runtime._pipeline.run import Run
from insar_runtime._pipeline.sample import RowSample
from insar_runtime._pipeline.stream import output_schema
from insar_runtime._pipeline.table_reading import Reading, open_described
from insar_runtime._progress import Progress
from insar_runtime.classifier import Classifier, Shares
from insar_runtime.errors import BadRowsError, UsageError
from insar_runtime.summary import Summary, summarize

Done = TypeVar("Done")

_MOST_SAMPLED_ROWS: Final = 200_000
"""Rows that priors are estimated from: chance then moves no share by more than some 0.1 %, in some 20 MB."""


def classify_file(
    source: str | Path | BinaryIO,
    output: str | Path | BinaryIO,
    *,
    classifier: Classifier | None = None,
    units: Unit | None = None,
    columns: Mapping[Role, str] | None = None,
    date_format: str | None = None,
    half_wavelength_mm: float | None = None,
    keep_series: bool = False,
    priors: Shares | Literal["auto"] | None = None,
    stable_rate: float | None = None,
    diagnose: bool | Diagnose = False,
    corrected: str | Path | None = None,
    also: Sequence[str | Path] = (),
    quarantine: str | Path | None = None,
    max_bad_fraction: float | None = None,
    style: bool = False,
    overwrite: bool = False,
    skip_existing: bool = False,
    memory_limit: int | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Classify a file of any size in bounded memory.

    Parameters
    ----------
    source : str, Path or binary stream
        Parquet, CSV, zip with a CSV, or Arrow IPC; ``-`` or a stream for Arrow IPC from a pipe.
    output : str, Path or binary stream
        File to write: Parquet (GeoParquet 1.1 where positions are known), or by its extension GeoPackage, CSV or Arrow
        IPC; ``-`` or a stream for an Arrow IPC stream.
    classifier : Classifier, optional
        Made with its defaults if not given.
    units : {"mm", "cm", "m", "rad"}, optional
        Unit of the displacements, where the file does not prove it.
    columns : mapping of role to column name, optional
        Columns to take as ``id``, ``longitude``, ``latitude``, ``easting``, ``northing``, ``velocity``.
    date_format : str, optional
        Spelling of the dates, such as ``DDMMYYYY``, where it can be read in two ways.
    half_wavelength_mm : float, optional
        Of the radar, which says what a radian is; that of the model if not given.
    keep_series : bool
        Whether the output keeps the series beside the attributes.
    priors : mapping of str to float, sequence of 6 or 5 floats, or "auto", optional
        Shares of the classes where the points come from, in place of the classifier's. ``auto`` estimates them
        from the file, which is then read twice; with fewer than 100 rows to estimate from, the mix of the training
        is kept and said so in the metadata.
    stable_rate : float, optional
        Rate in mm/yr that divides Stable from Linear, in place of the classifier's; see ``Classifier``.
    diagnose : bool or Diagnose
        Whether rates, breaks and jumps are found as well, and how; the output then has the columns of
        ``Diagnosis.to_arrow``, too.
    corrected : str or Path, optional
        File for the table of the input, with repaired jumps taken out of its series and columns that say which:
        Parquet, CSV or Arrow IPC. ``restore`` gives the input back. Rows are diagnosed for it in any case.
    also : sequence of str or Path
        Further files for the same rows, each in the format of its extension.
    quarantine : str or Path, optional
        Parquet file for copies of the rows that cannot be classified (``status`` other than ok and abstained), with all
        their columns; it has no rows if there are none. The output keeps these rows all the same.
    max_bad_fraction : float, optional
        Share of such rows above which the run counts as failed, with its outputs written.
    style : bool
        Whether a QGIS style (``.qml``) is written beside each output; a GeoPackage carries its own.
    overwrite : bool
        Whether outputs that exist may be replaced.
    skip_existing : bool
        Whether nothing is done if all outputs are there and say that they come from this input, this model and these
        parameters; outputs that say something else are replaced.
    memory_limit : int, optional
        Bytes that the process may hold. Smaller batches and fewer threads are taken to stay below; if that does not do,
        or a run gets beyond, it ends with ``MemoryLimitError`` rather than by the system's hand.
    progress : callable, optional
        Told of the rows done after each batch, in each of the two readings with ``priors="auto"``.

    Returns
    -------
    Summary

    Raises
    ------
    BadRowsError
        More rows than ``max_bad_fraction`` cannot be classified; the outputs are written.
    InsarRuntimeError
        Another one of its family; the outputs are then what they were before.
    """
    begin = time.perf_counter()
    source = path_or_stream(source)
    targets = Targets.of(output, also, quarantine, corrected, style=style)
    targets.check(source, overwrite=overwrite or skip_existing)
    if max_bad_fraction is not None and not 0 <= max_bad_fraction <= 1:
        raise UsageError(f"max_bad_fraction is {max_bad_fraction}; give a share between 0 and 1")
    if skip_existing and not (isinstance(source, Path) and targets.are_files):
        raise UsageError("skip_existing compares files, a stream is none; give an input file and an output file")
    classifier = classifier or Classifier()
    if stable_rate is not None:
        classifier = classifier.with_stable_rate(stable_rate)
    if diagnose is True or (corrected is not None and not diagnose):
        diagnose = Diagnose()
    declared = UserDeclarations(units, columns or {}, date_format, half_wavelength_mm)
    request = Request(declared, keep_series, priors, diagnose or None)
    with InputFingerprint(source, partial(request.key, classifier)) as identity:
        block = targets.block_of(identity.key()) if skip_existing else None
        skipped = block is not None
        if block is None:
            run = _classify(
                source, targets, request, classifier, identity, overwrite or skip_existing, memory_limit, progress
            )
            block = run.block()
            targets.write_styles()
    summary = summarize(block, _name(source), targets.names, seconds=time.perf_counter() - begin, skipped=skipped)
    if max_bad_fraction is not None and summary.bad_rows > max_bad_fraction * summary.rows:
        raise BadRowsError(
            f"{summary.bad_rows} of {summary.rows} rows cannot be classified, more than the allowed share of "
            f"{max_bad_fraction}; {summary.output} is written, look at its column status",
            summary,
        )
    return summary


def _classify(
    source: Path | str | BinaryIO,
    targets: Targets,
    request: Request,
    classifier: Classifier,
    identity: InputFingerprint,
    overwrite: bool,
    memory_limit: int | None,
    progress: Progress | None,
) -> Run:
    guard = MemoryGuard(memory_limit)
    exact = request.keep_series or targets.quarantine is not None
    corrects = targets.corrected is not None
    reading = partial(
        open_described,
        source,
        request.declared.or_radar(classifier.model.half_wavelength_mm),
        exact=exact or corrects,
        threads=classifier.threads,
        large_batches=classifier.device != "cpu",
        room=guard.room,
        written_series=exact + corrects,
    )
    priors = request.priors
    if isinstance(priors, str):
        if not isinstance(source, Path):
            raise UsageError("priors auto reads the input twice, a stream can be read once; give a file, or shares")
        estimate = _estimated_priors(classifier, reading, guard, request, progress=progress)
        classifier = classifier.with_priors(estimate)
    elif priors is not None:
        classifier = classifier.with_priors(priors)
    with reading(with_noise=request.diagnose is not None) as table:
        _check_fitness(classifier, table.description, request)
        run = Run(
            classifier,
            table.description,
            table.source,
            request,
            identity=identity.facts,
            quarantine=targets.quarantine is not None,
            diagnosers=_diagnosers(table, request),
            corrected=corrects,
        )
        with (
            run.open_outputs(targets.outputs, targets.quarantine, targets.corrected, overwrite=overwrite) as write,
            _classified(table, run.classify, classifier, guard, is_file=isinstance(source, Path)) as results,
        ):
            total = estimate_rows(table.source) if progress else None
            for result in results:
                write(result)
                guard.check()
                if progress:
                    progress(run.rows, total)
    return run


def _estimated_priors(
    classifier: Classifier,
    reading: Callable[[], AbstractContextManager[Reading]],
    guard: MemoryGuard,
    request: Request,
    *,
    progress: Progress | None,
) -> ClassPriors:
    """Read the file once and estimate its mix of classes from the rows that the network answers."""
    as_trained = classifier.with_priors(None)
    classes = len(classifier.model.classes)
    sample = RowSample(_MOST_SAMPLED_ROWS, classes)
    done = 0
    with reading() as table:
        _check_fitness(classifier, table.description, request)
        ask = partial(classify_rows, description=table.description)
        total = estimate_rows(table.source) if progress else None
        with _classified(table, ask, as_trained, guard, is_file=True) as results:
            for result in results:
                sample.add(known_rows(result.probabilities[:, :classes], classifier.model.unsure_below))
                done += len(result)
                guard.check()
                if progress:
                    progress(done, total)
    return estimated_mix(sample.rows(), classifier.model.training_priors)


@contextmanager
def _classified(
    table: Reading,
    classify: Callable[[Classifier, pa.RecordBatch, int], Done],
    classifier: Classifier,
    guard: MemoryGuard,
    *,
    is_file: bool,
) -> Iterator[Iterator[Done]]:
    """Classify the batches of a table in their order; a file's on all threads at once, each of which reads its own.

    A batch a thread scales better than the calls of one batch on several threads: checks, columns and geometry are
    work too. A stream is read when its rows are wanted, and its threads share one batch: who interrupts a run must not
    wait for rows that may never come.
    """
    threads = table.plan.threads
    if threads == 1 or not is_file:
        classifier = classifier.with_threads(threads)
        yield (classify(classifier, batch, first_row) for batch, first_row in _numbered(table.batches, guard))
        return
    alone = classifier.with_threads(1)
    with closing(in_order(_numbered(table.batches, guard), lambda item: classify(alone, *item), threads)) as results:
        yield results


def _numbered(batches: Iterator[pa.RecordBatch], guard: MemoryGuard) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Give each batch with the number of its first row, after a look at the memory that reading it has taken."""
    first_row = 0
    for batch in batches:
        guard.check()
        yield batch, first_row
        first_row += batch.num_rows


def _check_fitness(classifier: Classifier, description: TableDescription, request: Request) -> None:
    """Refuse a table whose rows could not be classified or written, before the first one is."""
    classifier.check_axis(len(description.layout.dates))
    output_schema(description, keep_series=request.keep_series, diagnosed=request.diagnose is not None)


def _diagnosers(table: Reading, request: Request) -> DiagnoserCache | None:
    if request.diagnose is None or table.noise is None:
        return None
    return DiagnoserCache(DiagnosisSetup.of(table.description, request.diagnose, table.noise, request.declared))


def _name(where: Path | str | BinaryIO) -> str:
    return str(where) if isinstance(where, (str, Path)) else str(getattr(where, "name", "stream"))
