"""``insar-rt classify``."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from insar_runtime._commands.command_options import (
    AsTableOption,
    CrsOption,
    DateFormatOption,
    DeviceOption,
    HalfWavelengthOption,
    IdOption,
    JsonOption,
    JumpRowsName,
    LatOption,
    LonOption,
    ModelOption,
    OverwriteOption,
    PrecisionOption,
    QuietOption,
    SensorOption,
    StableRateOption,
    ThreadsOption,
    UnitsOption,
    VelocityOption,
    declare,
    open_classifier,
)
from insar_runtime._commands.console import print_report, quiet_when_unread
from insar_runtime._commands.placing import is_alone, named, placed
from insar_runtime._signals import last_outputs

if TYPE_CHECKING:
    from insar_runtime._pipeline.many import Outcome
    from insar_runtime._terminal.reporter import Reporter

FormatName = Literal["parquet", "gpkg", "csv", "arrow"]
LogFormatName = Literal["text", "json"]


def classify(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Parquet, CSV, EGMS zip or Arrow files, folders of them, patterns; - reads an Arrow stream.",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write: .parquet, .gpkg, .csv or .arrow; - writes an Arrow stream. "
            "Default: INPUT.classified.parquet.",
            show_default=False,
        ),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(help="Folder for the outputs of many inputs; beside the inputs if not given.", show_default=False),
    ] = None,
    output_format: Annotated[
        FormatName, typer.Option("--format", help="Of the outputs that -o does not name.")
    ] = "parquet",
    gpkg: Annotated[
        Path | None,
        typer.Option(
            help="Write a GeoPackage with a QGIS style, too; with many inputs, a folder for them.", show_default=False
        ),
    ] = None,
    qml: Annotated[bool, typer.Option("--qml", help="Write a QGIS style beside each output.")] = False,
    keep_series: Annotated[bool, typer.Option("--keep-series", help="Keep the series in the output.")] = False,
    diagnose: Annotated[
        bool,
        typer.Option(
            "--diagnose",
            help="Also find rates, dates of breaks and jumps; --jumps, --repair-above, --repair-damped and "
            "--corrected-out do so by themselves.",
        ),
    ] = False,
    jumps: Annotated[
        JumpRowsName | None,
        typer.Option(help="Search points for jumps that look like class PUE (flagged), or all. Default: flagged."),
    ] = None,
    repair_above: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Take out jumps of whole cycles from this probability on. Default: 0.6."),
    ] = None,
    repair_damped: Annotated[
        bool, typer.Option("--repair-damped", help="Take out jumps that are no whole cycles, too.")
    ] = False,
    corrected_out: Annotated[
        Path | None,
        typer.Option(
            help="Write the input with jumps taken out of its series (.parquet, .csv, .arrow); insar-rt restore "
            "undoes it. With many inputs, a folder.",
            show_default=False,
        ),
    ] = None,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = None,
    threads: ThreadsOption = None,
    abstain_below: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Give no class below this confidence; by default the model's threshold."),
    ] = None,
    stable_rate: StableRateOption = None,
    priors: Annotated[
        str | None,
        typer.Option(
            help="Shares of the classes where the points lie (.94,.02,.01,.01,.01,.01 or stable=.94,linear=.02,...), "
            "or auto to estimate them from the file; by default those of the training.",
            show_default=False,
        ),
    ] = None,
    units: UnitsOption = None,
    date_format: DateFormatOption = None,
    sensor: SensorOption = None,
    half_wavelength_mm: HalfWavelengthOption = None,
    id_column: IdOption = None,
    lon: LonOption = None,
    lat: LatOption = None,
    velocity: VelocityOption = None,
    crs: CrsOption = None,
    as_table: AsTableOption = False,
    csv_safe: Annotated[
        bool,
        typer.Option(
            "--csv-safe",
            help="In CSV outputs, put an apostrophe before text that a spreadsheet would take for a formula.",
        ),
    ] = False,
    overwrite: OverwriteOption = False,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing", help="Leave outputs of the same input, model and parameters; replace all others."
        ),
    ] = False,
    quarantine: Annotated[
        Path | None,
        typer.Option(
            help="Parquet file for copies of rows that cannot be classified; with many inputs, a folder.",
            show_default=False,
        ),
    ] = None,
    max_bad_fraction: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Share of such rows above which a file counts as failed (exit code 65), though written."
        ),
    ] = None,
    memory_limit: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Memory that the run may hold, such as 400M: it takes smaller steps, or ends with an error.",
            show_default=False,
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write what was done, to which files, by what, as JSON.", show_default=False)
    ] = None,
    log_format: Annotated[LogFormatName, typer.Option(help="Of what is said on standard error.")] = "text",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Classify every point of one file or of many; rows and their order stay."""
    import pyarrow as pa

    from insar_runtime._diagnosis.options import Diagnose
    from insar_runtime._engine.priors import parse_priors
    from insar_runtime._input.opening import path_or_stream
    from insar_runtime._output.output_checks import check_output
    from insar_runtime._pipeline.many import WRITTEN_EXTENSIONS, OutputNaming, each, expand_inputs, first_failure
    from insar_runtime._pipeline.memory import parse_size, resident_bytes
    from insar_runtime._pipeline.output_files import OutputFiles
    from insar_runtime._terminal.reporter import open_reporter
    from insar_runtime.files import classify_file

    output_dir, gpkg, quarantine, corrected_out, report = map(
        _located, (output_dir, gpkg, quarantine, corrected_out, report)
    )
    places = OutputNaming(output_dir, WRITTEN_EXTENSIONS[output_format], gpkg, quarantine, corrected_out)
    alone = is_alone(sources, output, output_dir, as_json=as_json, as_table=as_table)
    declared = declare(
        units=units,
        date_format=date_format,
        sensor=sensor,
        half_wavelength_mm=half_wavelength_mm,
        id_column=id_column,
        lon=lon,
        lat=lat,
        velocity=velocity,
        crs=crs,
        as_table=as_table,
    )
    # What is named is wanted.
    diagnose = diagnose or repair_damped or any(option is not None for option in (jumps, repair_above, corrected_out))
    usual = Diagnose()
    how = Diagnose(jumps or usual.jumps, usual.repair_above if repair_above is None else repair_above, repair_damped)
    options: dict[str, Any] = {
        "units": declared.units,
        "columns": declared.columns,
        "date_format": declared.date_format,
        "half_wavelength_mm": declared.half_wavelength_mm,
        "crs": declared.crs,
        "as_table": as_table,
        "keep_series": keep_series,
        "priors": None if priors is None else parse_priors(priors),
        "diagnose": how if diagnose else False,
        "style": qml,
        "csv_safe": csv_safe,
        "max_bad_fraction": max_bad_fraction,
        "overwrite": overwrite,
        "skip_existing": skip_existing,
        "memory_limit": None if memory_limit is None else parse_size(memory_limit),
    }
    inputs: Sequence[Any] = sources if alone else expand_inputs(sources)
    place = named(places, output) if alone else placed(places)
    if report is not None:
        check_output(report, overwrite=overwrite or skip_existing)
        for source in inputs:
            OutputFiles.of(**place(source), style=qml).check_apart(report, path_or_stream(source))
    if not alone:
        places.prepare(inputs)
    elif output_dir is not None:
        # The other outputs of one input are files.
        OutputNaming(output_dir).prepare([])
    classifier = open_classifier(model, device, precision, threads, abstain_below, stable_rate)
    # Arrow's own threads are as many as the machine's processors, whatever was asked for.
    pa.set_cpu_count(classifier.threads)
    outcomes: list[Outcome] = []
    begin, started = time.perf_counter(), datetime.now(UTC)
    stream = sys.stderr
    with quiet_when_unread(), open_reporter(log_format, quiet=quiet, stream=stream, memory=resident_bytes) as reporter:

        def work(source: Any) -> Any:
            reporter.started(str(source), readings=2 if options["priors"] == "auto" else 1)
            with last_outputs(source == inputs[-1]):
                return classify_file(
                    source, classifier=classifier, progress=reporter.progress, **place(source), **options
                )

        for outcome in each(inputs, work):
            _tell(reporter, outcome)
            outcomes.append(outcome)
    if report is not None or as_json:
        from insar_runtime._terminal.run_report import describe_run, write_run_report

        facts = describe_run(outcomes, started, time.perf_counter() - begin)
        if report is not None:
            write_run_report(facts, report, overwrite=overwrite or skip_existing)
        if as_json and not alone:
            print_report(facts, "", as_json=True)
        elif as_json and outcomes[0].summary is not None:
            print_report({**facts["files"][0], "peak_memory_mb": facts["peak_memory_mb"]}, "", as_json=True)
    if code := first_failure(outcomes):
        raise typer.Exit(code)


def _tell(reporter: "Reporter", outcome: "Outcome") -> None:
    if outcome.error is not None:
        reporter.failed(outcome.error)
    elif outcome.summary is not None and outcome.summary.skipped:
        reporter.skipped(outcome.input, f"{outcome.summary.output} is there, of the same input, model and parameters")
    elif outcome.summary is not None:
        reporter.finished(outcome.summary)


def _located(path: Path | None) -> Path | None:
    """Return where an output is that was named, which may be an address."""
    from insar_runtime._input.locations import locate

    return None if path is None else locate(path, output=True)
