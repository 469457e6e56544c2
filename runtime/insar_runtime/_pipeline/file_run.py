"""One run over one file: open and describe it, plan, classify its batches in order, and write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from insar_runtime._engine.runner import ModelRunner
from insar_runtime._input.sampling import estimate_rows
from insar_runtime._log import logger
from insar_runtime._pipeline.batch import BatchClassifier
from insar_runtime._pipeline.batch_work import DiagnosisWork, NumberedBatch
from insar_runtime._pipeline.memory import MemoryGuard, NoPlanFitsError, release_memory
from insar_runtime._pipeline.output_columns import refuse_taken_names
from insar_runtime._pipeline.output_files import OutputFiles
from insar_runtime._pipeline.outputs import OutputPlan, OutputRows, OutputSet
from insar_runtime._pipeline.parallel import EachAlone
from insar_runtime._pipeline.plan import TablePlan, plan_table
from insar_runtime._pipeline.prepare import PreparedTable, open_described
from insar_runtime._pipeline.provenance import provenance
from insar_runtime._pipeline.row_classes import RowClasses, changed_table
from insar_runtime._pipeline.run_options import RunOptions
from insar_runtime._pipeline.series_sample import SeriesSample
from insar_runtime._pipeline.table_work import results_of, runner_of_each_thread
from insar_runtime._printable import printable
from insar_runtime._progress import Progress
from insar_runtime._signals import deferred_signals
from insar_runtime.errors import MemoryLimitError

if TYPE_CHECKING:
    from insar_runtime._diagnosis.noise.noise_model import FileNoise
    from insar_runtime._pipeline.neighbourhood import Neighbourhood, OpenTable


def run_file(
    source: Path | str | BinaryIO,
    files: OutputFiles,
    options: RunOptions,
    runner: ModelRunner,
    *,
    fingerprint: Callable[[], Mapping[str, str | None]],
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Classify a file, and write its outputs.

    Parameters
    ----------
    source : Path, "-" or binary stream
        The input.
    files : OutputFiles
        Where the rows are written.
    options : RunOptions
        What was asked for.
    runner : ModelRunner
        With the settings of this run, but for its priors.
    fingerprint : callable
        Returns what identifies input and run, for the metadata; called after the last row was written.
    progress : callable, optional
        Called with the rows done after each batch.

    Returns
    -------
    dict
        What the metadata of the outputs say of the run, as plain values.

    Raises
    ------
    InsarRuntimeError
        As ``classify_file``; the outputs are then what they were before.
    """
    guard = MemoryGuard(options.memory_limit)
    attempt = partial(_run, source, files, options, runner, guard=guard, fingerprint=fingerprint, progress=progress)
    try:
        return attempt(threads=runner.threads)
    except NoPlanFitsError:
        # One thread was tried with this plan.
        raise
    except MemoryLimitError:
        # What was written to a stream cannot be taken back.
        if runner.threads == 1 or not isinstance(source, Path) or not files.are_files:
            raise
    # Here the error is gone, and with it what it held. Of one thread less is alive than any plan can say.
    logger().warning(
        "%s: %d threads take more memory than there is; tried again with one", printable(str(source)), runner.threads
    )
    release_memory()
    return attempt(threads=1)


def _run(
    source: Path | str | BinaryIO,
    files: OutputFiles,
    options: RunOptions,
    runner: ModelRunner,
    *,
    threads: int,
    guard: MemoryGuard,
    fingerprint: Callable[[], Mapping[str, str | None]],
    progress: Progress | None,
) -> dict[str, Any]:
    """Classify a file by at most so many threads; see ``run_file``."""
    # Outputs that repeat the series need them as the file has them.
    exact = options.keep_series or files.quarantine is not None
    corrects = files.corrected is not None
    is_file = isinstance(source, Path)
    if options.states_mix:
        runner = runner.with_priors(options.priors_of(runner))

    def open_table(**more: Any) -> AbstractContextManager[PreparedTable]:
        return open_described(
            source,
            options.declared.or_radar(runner.model.half_wavelength_mm),
            exact=exact or corrects,
            threads=threads,
            large_batches=runner.device != "cpu",
            room=guard.room,
            **more,
        )

    around = _look_around(open_table, options, runner, guard, progress)
    if around is not None:
        runner = around.runner
    with open_table(
        diagnosed=options.diagnose is not None,
        mix_by=runner if options.estimates_mix and around is None else None,
        written_series=exact + corrects,
    ) as table:
        description = table.description
        if table.mix is not None:
            runner = runner.with_priors(table.mix)
        runner.check_axis(len(description.layout.dates))
        # Before the noise is estimated, which takes a while.
        refuse_taken_names(
            description,
            keep_series=options.keep_series,
            diagnosed=options.diagnose is not None,
            neighbours=options.neighbours,
        )
        sample = SeriesSample(description)
        calls = runner_of_each_thread(runner, table, is_file=is_file)
        days = description.layout.days
        classes = RowClasses(calls, days) if around is None else around.classes(calls, days)

        def plans(noise: FileNoise | None) -> tuple[TablePlan, BatchClassifier, OutputPlan]:
            plan = plan_table(
                description,
                options.declared,
                keep_series=options.keep_series,
                diagnose=options.diagnose,
                noise=noise,
                neighbours=options.neighbours,
            )
            kinds = None if around is None else around.kinds
            classifier = BatchClassifier(plan, sample, kinds, repairs_common=options.repair_shared)
            return plan, classifier, OutputPlan.of(plan, files, table.source.metadata)

        with ExitStack() as working:
            if options.diagnose is None:
                plan, classifier, output = plans(noise=None)

                def classify(item: NumberedBatch) -> OutputRows:
                    return output.rows(classifier.classify(calls, *item, classes=classes))

                results = working.enter_context(results_of(table, EachAlone(classify), guard, is_file=is_file))
            else:
                most = table.batch_plan.waiting if is_file else 1
                diagnosis = DiagnosisWork(
                    classes, description, options.diagnose, sample, most=most, keeps_series=exact or corrects
                )
                # The threads wait for the plans: they end if there are none, whenever a signal comes.
                with deferred_signals():
                    results = working.enter_context(results_of(table, diagnosis, guard, is_file=is_file))
                    working.callback(diagnosis.give_up)
                noise = None if around is None else around.noise
                plan, classifier, output = plans(
                    table.estimate_noise(options.diagnose.recent_days) if noise is None else noise
                )
                diagnosis.set_plans(classifier, output)
            outputs = OutputSet(output, provenance(runner, table.source, plan, options, around), fingerprint)
            with outputs.opened(files, overwrite=options.replaces, csv_safe=options.csv_safe):
                total = estimate_rows(table.source) if progress else None
                for rows in results:
                    outputs.write(rows)
                    if rows.sampled is not None:
                        sample.add(rows.sampled)
                    guard.check()
                    if progress:
                        progress(outputs.rows, total)
                if around is not None and outputs.rows != len(around):
                    raise changed_table(len(around))
                outputs.findings = sample.findings(outputs.rows, outputs.statuses, runner.model.limits)
    return outputs.block()


def _look_around(
    open_table: OpenTable, options: RunOptions, runner: ModelRunner, guard: MemoryGuard, progress: Progress | None
) -> Neighbourhood | None:
    """Return what depends on the neighbours of the points of a file; None if nothing of it was asked for."""
    if not options.looks_around:
        return None
    from insar_runtime._pipeline.neighbourhood import look_around  # noqa: PLC0415 - few runs take it

    return look_around(open_table, options, runner, guard=guard, progress=progress)
