"""``insar-rt compare``."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from insar_runtime._commands.command_options import (
    DeviceOption,
    JsonOption,
    MatchOption,
    ModelOption,
    OverwriteOption,
    PrecisionOption,
    PriorsOption,
    QuietOption,
    StableRateOption,
    ThreadsOption,
    WithinOption,
    opened_later,
)
from insar_runtime._commands.console import loading, print_report, say, watched
from insar_runtime._commands.option_groups import ALERTS, CHAINS, OUTPUT
from insar_runtime._commands.table_options import NO_TABLE_OPTIONS, TableOptions, with_table_options
from insar_runtime._printable import printable
from insar_runtime._signals import last_outputs
from insar_runtime.errors import ALERT_EXIT_CODE, UsageError


@with_table_options()
def compare(
    old: Annotated[
        Path,
        typer.Argument(
            metavar="OLD", help="Table that classify --diagnose has written, or one that it reads.", readable=False
        ),
    ],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The same of a later release.", readable=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File to write, one row a point: .parquet, .gpkg, .csv or .arrow. By default, counts are shown only.",
            rich_help_panel=OUTPUT,
            readable=False,
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    match: MatchOption = "auto",
    within: WithinOption = None,
    alert: Annotated[
        str | None,
        typer.Option(
            metavar="RULES",
            help="Write only points with a change by break, jump, rate, recent, class (joined by commas) or any; "
            "exit code 10 if there are some.",
            rich_help_panel=ALERTS,
        ),
    ] = None,
    rate_change: Annotated[
        float,
        typer.Option(
            min=0, metavar="MM/YR", help="Least change of the rate of a whole series (rate).", rich_help_panel=ALERTS
        ),
    ] = 2.0,
    recent_change: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="MM/YR",
            help="Least difference of the recent rate from that of the series (recent).",
            rich_help_panel=ALERTS,
        ),
    ] = 10.0,
    probability: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Least probability of a change of rate (rate, recent).",
            rich_help_panel=ALERTS,
        ),
    ] = 0.99,
    keep_offset: Annotated[
        bool,
        typer.Option(
            "--keep-offset",
            help="Keep the median change of all rates, which is that of the reference and is subtracted otherwise.",
            rich_help_panel=ALERTS,
        ),
    ] = False,
    stable_rate: StableRateOption = None,
    priors: PriorsOption = None,
    table: TableOptions = NO_TABLE_OPTIONS,
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
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Show what has changed between two releases of one place.

    Points are matched by id or position, and their classes, rates, breaks and jumps compared. Releases that are not
    classified are classified and diagnosed first.
    """
    with loading(str(new), hidden=quiet):
        from insar_runtime._classified.classify_first import Classification, refuse_idle
        from insar_runtime._engine.priors import parse_priors
        from insar_runtime._input.locations import locate
        from insar_runtime._output.output_checks import check_output, is_among
        from insar_runtime._releases.alert_rules import RULES, AlertRules, parse_rules
        from insar_runtime._releases.compare import compare as compare_tables
        from insar_runtime._releases.comparison_text import describe_comparison

    if "-" in {str(old), str(new)}:
        raise UsageError("compare needs two files, not a stream; write the stream to one first")
    begin, started = time.perf_counter(), datetime.now(UTC)
    old, new = locate(old), locate(new)
    outputs = [None if path is None else locate(path, output=True) for path in (output, run_report)]
    output, run_report = outputs
    thresholds = AlertRules(RULES if alert is None else parse_rules(alert), rate_change, recent_change, probability)
    if run_report is not None:
        check_output(run_report, overwrite=overwrite)
        if is_among(run_report, [path for path in (old, new, output) if path is not None]):
            raise UsageError(f"the report {run_report} is an input or the output; give it a name of its own")
    declared = table.declare()
    of_classifying = {
        "--model": model,
        "--precision": precision,
        "--stable-rate": stable_rate,
        "--priors": priors,
        "--units": table.units,
        "--date-format": table.date_format,
        "--sensor": table.sensor,
        "--half-wavelength": table.half_wavelength_mm,
    }
    refuse_idle(of_classifying, old, new, as_table=table.as_table)
    with watched(str(new), hidden=quiet) as progress, last_outputs(run_report is None):
        done = compare_tables(
            old,
            new,
            output,
            classification=Classification(
                opened_later(model, device, precision, threads, stable_rate),
                declared,
                None if priors is None else parse_priors(priors),
                diagnose=True,
            ),
            given=of_classifying,
            match=match,
            within_m=within,
            keep_offset=keep_offset,
            thresholds=thresholds,
            alerts_only=alert is not None,
            overwrite=overwrite,
            progress=progress,
        )
    code = ALERT_EXIT_CODE if done.alerts else 0
    if not quiet:
        say(describe_comparison(printable(done)))
    if run_report is not None:
        from insar_runtime._terminal.run_report import describe_environment, write_run_report

        seconds = round(time.perf_counter() - begin, 3)
        facts = {**describe_environment(started, seconds), "exit_code": code, "comparison": done.to_dict()}
        with last_outputs():
            write_run_report(facts, run_report, overwrite=overwrite)
    if as_json:
        print_report(done.to_dict(), "", as_json=True)
    if code:
        raise typer.Exit(code)
