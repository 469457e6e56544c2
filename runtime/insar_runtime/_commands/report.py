"""``insar-rt report``."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from insar_runtime._commands.command_options import (
    DeviceOption,
    JsonOption,
    LogEveryOption,
    LogFormatOption,
    ModelOption,
    OverwriteOption,
    PrecisionOption,
    PriorsOption,
    QuietOption,
    RecentDaysOption,
    StableRateOption,
    ThreadsOption,
    opened_later,
)
from insar_runtime._commands.console import loading, print_report, say, watched
from insar_runtime._commands.option_groups import DIAGNOSIS, OUTPUT, PAGE
from insar_runtime._commands.table_options import NO_TABLE_OPTIONS, TableOptions, with_table_options
from insar_runtime._printable import printable
from insar_runtime._signals import last_outputs
from insar_runtime.errors import UsageError

_AS_IT_IS: Final = (1.0,)
_CLASSIFIED_FIRST: Final = (0.9, 0.1)
"""Parts of the time of a report that its readings take: to classify a table takes some ten times as long as to read
what was classified."""


@with_table_options()
def report(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Table that classify has written, or one that it reads, which is classified first.",
            readable=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="HTML file to write. By default FILE.report.html.",
            rich_help_panel=OUTPUT,
            readable=False,
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    title: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Title of the page; by default the name of the file.", rich_help_panel=PAGE),
    ] = None,
    series_mb: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="MB",
            help="Megabytes for the series of points; by default what keeps the page below some 40.",
            rich_help_panel=PAGE,
        ),
    ] = None,
    max_points: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Number of points on the map at most; of more, a uniform sample is shown.",
            rich_help_panel=PAGE,
        ),
    ] = 1_000_000,
    areas: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Moving areas of this table, as insar-rt areas writes them: outlined on the map, and listed.",
            rich_help_panel=PAGE,
            readable=False,
        ),
    ] = None,
    stable_rate: StableRateOption = None,
    priors: PriorsOption = None,
    diagnose: Annotated[
        bool,
        typer.Option("--diagnose", help="Also estimate rates, dates of breaks, and jumps.", rich_help_panel=DIAGNOSIS),
    ] = False,
    recent_days: RecentDaysOption = None,
    table: TableOptions = NO_TABLE_OPTIONS,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    log_format: LogFormatOption = "text",
    log_every: LogEveryOption = 5.0,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write a page with map, class shares and series, for a browser.

    The page is one file that needs no network.
    """
    hidden = quiet or log_format == "json"
    with loading(str(source), hidden=hidden):
        from insar_runtime._classified.classify_first import Classification, is_classified, refuse_idle
        from insar_runtime._diagnosis.options import Diagnose
        from insar_runtime._engine.priors import parse_priors
        from insar_runtime._findings.wording import noun
        from insar_runtime._input.locations import locate
        from insar_runtime._report.write import write_report

    if str(source) == "-":
        raise UsageError("a report needs a file, not a stream; write the stream to one first")
    source, output = locate(source), None if output is None else locate(output, output=True)
    declared = table.declare()
    given = {
        "--model": model,
        "--precision": precision,
        "--stable-rate": stable_rate,
        "--priors": priors,
        "--diagnose": diagnose or None,
        "--recent-days": recent_days,
        "--units": table.units,
        "--date-format": table.date_format,
        "--sensor": table.sensor,
        "--half-wavelength": table.half_wavelength_mm,
        "--crs": table.crs,
        "--id-column, --lon-column, --lat-column and --velocity-column": declared.columns or None,
    }
    refuse_idle(given, source, as_table=table.as_table)
    classified = is_classified(source, as_table=table.as_table)

    events = None
    if log_format == "json":
        from insar_runtime._terminal.reporter import JsonReporter

        events = JsonReporter(
            sys.stderr, quiet=quiet, seconds_between=log_every, parts=_AS_IT_IS if classified else _CLASSIFIED_FIRST
        )
        events.started(str(source))
    with watched(str(source), hidden=hidden) as drawn, last_outputs():
        done = write_report(
            source,
            output or source.parent / f"{source.stem}.report.html",
            classification=Classification(
                opened_later(model, device, precision, threads, stable_rate),
                declared,
                None if priors is None else parse_priors(priors),
                Diagnose(recent_days=recent_days) if recent_days else diagnose,
            ),
            title=title,
            series_mb=series_mb,
            most_points=max_points,
            areas=None if areas is None else locate(areas),
            overwrite=overwrite,
            progress=drawn if events is None else events.progress,
        )
    facts = {
        "output": done.output,
        "rows": done.rows,
        "points": done.points,
        "series": done.series,
        "bytes": done.size,
    }
    if as_json:
        print_report(facts, "", as_json=True)
    if events is not None:
        events.ended(facts)
    elif not quiet:
        series = f"{done.series} with their series, " if done.series else ""
        say(
            f"{printable(done.output)}: {done.points} of {done.rows} {noun(done.rows, 'point')}, {series}"
            f"{done.size / 1e6:.1f} MB; open it in a browser"
        )
