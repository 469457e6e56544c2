"""``insar-rt classify``."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from insar_runtime._commands.command_options import (
    DeviceOption,
    JsonOption,
    JumpRowsName,
    JumpRowsOption,
    LogEveryOption,
    LogFormatOption,
    ModelOption,
    OverwriteOption,
    PrecisionOption,
    QuietOption,
    RecentDaysOption,
    RepairDampedOption,
    StableRateOption,
    ThreadsOption,
    open_classifier,
)
from insar_runtime._commands.console import loading, quiet_when_unread
from insar_runtime._commands.option_groups import CHAINS, CLASSES, DIAGNOSIS, MACHINE, OUTPUT
from insar_runtime._commands.outcomes import print_facts, report_outcome, say_next
from insar_runtime._commands.placing import is_alone, named, placed
from insar_runtime._commands.table_options import NO_TABLE_OPTIONS, TableOptions, with_table_options
from insar_runtime._signals import last_outputs

if TYPE_CHECKING:
    from insar_runtime._diagnosis.options import Diagnose
    from insar_runtime._pipeline.many import Outcome

FormatName = Literal["parquet", "gpkg", "csv", "arrow"]


@with_table_options()
def classify(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Parquet, CSV, GeoPackage, shapefile, EGMS zip or Arrow files, folders of them, or patterns; "
            "- reads an Arrow stream.",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File to write: .parquet, .gpkg, .csv or .arrow; - writes an Arrow stream. "
            "By default INPUT.classified.parquet.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder for the outputs of many inputs; by default each is written beside its input.",
            rich_help_panel=OUTPUT,
            readable=False,
        ),
    ] = None,
    output_format: Annotated[
        FormatName,
        typer.Option("--format", help="Format of outputs that -o does not name.", rich_help_panel=OUTPUT),
    ] = "parquet",
    keep_series: Annotated[
        bool, typer.Option("--keep-series", help="Keep the series in the output.", rich_help_panel=OUTPUT)
    ] = False,
    gpkg: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write a GeoPackage with a QGIS style; with many inputs, name a folder.",
            rich_help_panel=OUTPUT,
            readable=False,
        ),
    ] = None,
    qml: Annotated[
        bool, typer.Option("--qml", help="Write a QGIS style beside each output.", rich_help_panel=OUTPUT)
    ] = False,
    csv_safe: Annotated[
        bool,
        typer.Option(
            "--csv-safe",
            help="In CSV outputs, put an apostrophe before text that a spreadsheet would run as a formula.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    overwrite: OverwriteOption = False,
    priors: Annotated[
        str | None,
        typer.Option(
            metavar="SHARES",
            help="How common each class is: auto (default, by the file), local (around each point), trained, or "
            "shares as .94,.02,.01,.01,.01,.01.",
            rich_help_panel=CLASSES,
        ),
    ] = None,
    neighbour_distance: Annotated[
        float | None,
        typer.Option(
            metavar="METRES",
            help="Distance of neighbours, for --priors local and --neighbours; by default three point spacings.",
            rich_help_panel=CLASSES,
        ),
    ] = None,
    stable_rate: StableRateOption = None,
    abstain_below: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="P",
            help="Assign no class below this confidence; by default the model's threshold.",
            rich_help_panel=CLASSES,
        ),
    ] = None,
    diagnose: Annotated[
        bool,
        typer.Option(
            "--diagnose",
            help="Also estimate rates, dates of breaks, and jumps; implied by each other option of this group.",
            rich_help_panel=DIAGNOSIS,
        ),
    ] = False,
    jumps: JumpRowsOption = None,
    repair_above: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="P",
            help="Repair jumps of whole cycles from this probability on; by default 0.6.",
            rich_help_panel=DIAGNOSIS,
        ),
    ] = None,
    repair_damped: RepairDampedOption = False,
    recent_days: RecentDaysOption = None,
    neighbours: Annotated[
        bool,
        typer.Option(
            "--neighbours",
            help="Also say whether neighbours share a jump (jump_neighbours, jump_kind); shared ones are not repaired.",
            rich_help_panel=DIAGNOSIS,
        ),
    ] = False,
    repair_shared: Annotated[
        bool,
        typer.Option(
            "--repair-shared",
            help="Also repair jumps that neighbours or the whole file share; implies --neighbours.",
            rich_help_panel=DIAGNOSIS,
        ),
    ] = False,
    corrected_out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the input with repaired series (.parquet, .csv, .arrow), which insar-rt restore undoes; "
            "with many inputs, name a folder.",
            rich_help_panel=DIAGNOSIS,
            readable=False,
        ),
    ] = None,
    table: TableOptions = NO_TABLE_OPTIONS,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing",
            help="Skip inputs whose output is of the same input, model and parameters; replace all other outputs.",
            rich_help_panel=CHAINS,
        ),
    ] = False,
    quarantine: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Parquet file for copies of rows that cannot be classified; with many inputs, name a folder.",
            rich_help_panel=CHAINS,
            readable=False,
        ),
    ] = None,
    max_bad_fraction: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Share of such rows above which a file counts as failed (exit code 65), although it is written.",
            rich_help_panel=CHAINS,
        ),
    ] = None,
    run_report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a JSON file that says what was done to which inputs, and by which versions.",
            rich_help_panel=CHAINS,
            readable=False,
        ),
    ] = None,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    memory_limit: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Memory that the run may use, such as 400M; it takes smaller steps, or ends with an error.",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    log_format: LogFormatOption = "text",
    log_every: LogEveryOption = 5.0,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Classify every point of one file or of many.

    The output has the rows of the input, in the same order, with columns for class and confidence.
    """
    hidden = quiet or log_format == "json"
    with loading(sources[0], hidden=hidden):
        import pyarrow as pa

        from insar_runtime.files import classify_file
    from insar_runtime._engine.priors import parse_priors
    from insar_runtime._input.opening import path_or_stream
    from insar_runtime._output.output_checks import check_output
    from insar_runtime._pipeline.many import WRITTEN_EXTENSIONS, OutputNaming, each, expand_inputs, first_failure
    from insar_runtime._pipeline.memory import parse_size, resident_bytes
    from insar_runtime._pipeline.output_files import OutputFiles
    from insar_runtime._terminal.reporter import open_reporter

    output_dir, gpkg, quarantine, corrected_out, run_report = map(
        _located, (output_dir, gpkg, quarantine, corrected_out, run_report)
    )
    places = OutputNaming(output_dir, WRITTEN_EXTENSIONS[output_format], gpkg, quarantine, corrected_out)
    alone = is_alone(sources, output, output_dir, as_json=as_json, as_table=table.as_table)
    declared = table.declare()
    # What is named is wanted.
    diagnose |= repair_damped | any(one is not None for one in (jumps, repair_above, recent_days, corrected_out))
    options: dict[str, Any] = {
        "units": declared.units,
        "columns": declared.columns,
        "date_format": declared.date_format,
        "half_wavelength_mm": declared.half_wavelength_mm,
        "crs": declared.crs,
        "as_table": table.as_table,
        "keep_series": keep_series,
        "priors": None if priors is None else parse_priors(priors),
        "diagnose": diagnose and _diagnosis(jumps, repair_above, repair_damped, recent_days),
        "neighbours": neighbours,
        "repair_shared": repair_shared,
        "neighbour_distance": neighbour_distance,
        "style": qml,
        "csv_safe": csv_safe,
        "max_bad_fraction": max_bad_fraction,
        "overwrite": overwrite,
        "skip_existing": skip_existing,
        "memory_limit": None if memory_limit is None else parse_size(memory_limit),
    }
    inputs: Sequence[Any] = sources if alone else expand_inputs(sources)
    place = named(places, output) if alone else placed(places)
    if run_report is not None:
        check_output(run_report, overwrite=overwrite or skip_existing)
        for source in inputs:
            OutputFiles.of(**place(source), style=qml).check_apart(run_report, path_or_stream(source))
    if not alone:
        places.prepare(inputs)
    elif output_dir is not None:
        # The other outputs of one input are files.
        OutputNaming(output_dir).prepare([])
    with loading(sources[0], hidden=hidden):
        classifier = open_classifier(model, device, precision, threads, abstain_below, stable_rate)
    # Arrow's own threads are as many as the machine's processors, whatever was asked for.
    pa.set_cpu_count(classifier.threads)
    outcomes: list[Outcome] = []
    begin, started = time.perf_counter(), datetime.now(UTC)
    reporter = open_reporter(
        log_format, quiet=quiet, stream=sys.stderr, memory=resident_bytes, seconds_between=log_every
    )
    with quiet_when_unread(), reporter:

        def work(source: Any) -> Any:
            reporter.started(str(source))
            with last_outputs(source == inputs[-1]):
                return classify_file(
                    source, classifier=classifier, progress=reporter.progress, **place(source), **options
                )

        for outcome in each(inputs, work):
            report_outcome(reporter, outcome)
            outcomes.append(outcome)
    if not hidden:
        say_next(outcomes)
    if run_report is not None or as_json:
        from insar_runtime._terminal.run_report import describe_run, write_run_report

        facts = describe_run(outcomes, started, time.perf_counter() - begin)
        if run_report is not None:
            write_run_report(facts, run_report, overwrite=overwrite or skip_existing)
        if as_json:
            print_facts(facts, outcomes, alone=alone)
    if code := first_failure(outcomes):
        raise typer.Exit(code)


def _diagnosis(
    jumps: JumpRowsName | None, repair_above: float | None, repair_damped: bool, recent_days: int | None
) -> "Diagnose":
    from insar_runtime._diagnosis.options import Diagnose

    usual = Diagnose()
    return Diagnose(
        jumps or usual.jumps,
        usual.repair_above if repair_above is None else repair_above,
        repair_damped,
        recent_days or usual.recent_days,
    )


def _located(path: Path | None) -> Path | None:
    """Return where an output is that was named, which may be an address."""
    from insar_runtime._input.locations import locate

    return None if path is None else locate(path, output=True)
