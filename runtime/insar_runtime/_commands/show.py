"""``insar-rt show``."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from insar_runtime._commands.command_options import (
    DeviceOption,
    InputArgument,
    JsonOption,
    JumpRowsOption,
    ModelOption,
    OverwriteOption,
    PrecisionOption,
    RecentDaysOption,
    RepairDampedOption,
    StableRateOption,
    open_classifier,
)
from insar_runtime._commands.console import loading, print_report, say, watched
from insar_runtime._commands.option_groups import PLOT, POINT
from insar_runtime._commands.table_options import NO_TABLE_OPTIONS, TableOptions, with_table_options
from insar_runtime._printable import printable
from insar_runtime._signals import last_outputs


@with_table_options()
def show(
    source: InputArgument,
    point_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="Id of the point, as it is in the file.", rich_help_panel=POINT),
    ] = None,
    row: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Number of its row instead, counted from 0.", rich_help_panel=POINT),
    ] = None,
    png: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the plot to this PNG file (needs the extra plot).",
            rich_help_panel=PLOT,
            readable=False,
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    plain: Annotated[
        bool, typer.Option("--ascii", help="Draw with ASCII characters only.", rich_help_panel=PLOT)
    ] = False,
    stable_rate: StableRateOption = None,
    jumps: JumpRowsOption = None,
    repair_damped: RepairDampedOption = False,
    recent_days: RecentDaysOption = None,
    table: TableOptions = NO_TABLE_OPTIONS,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Show one point: its series, class, trend, break and jumps.

    Class and diagnosis are those of the file, if classify has written it; --model and --stable-rate
    classify the point again.
    """
    with loading(source):
        from insar_runtime._diagnosis.options import RECENT_DAYS, Diagnose
        from insar_runtime._input.locations import locate
        from insar_runtime._output.output_checks import refuse_input
        from insar_runtime._show.find_point import find_point
        from insar_runtime._show.png import check_png, write_png
        from insar_runtime._show.point_text import Look, describe_point
        from insar_runtime.models import load_model

    if png is not None:
        check_png(png, overwrite=overwrite)
        refuse_input(png, [locate(source)])
    declared = table.declare()
    with watched(source) as progress:
        point = find_point(
            source,
            declared,
            point_id=point_id,
            row=row,
            open_classifier=partial(open_classifier, model, device, precision, 1, None, stable_rate),
            reclassify=model is not None or stable_rate is not None,
            diagnose=Diagnose(jumps or "flagged", repair_damped=repair_damped, recent_days=recent_days or RECENT_DAYS)
            if jumps or repair_damped or recent_days
            else None,
            radar_mm=load_model(model).half_wavelength_mm,
            progress=progress,
        )
    if png is not None:
        with last_outputs():
            write_png(printable(point), png, overwrite=overwrite)
        say(f"{printable(str(png))}: written")
    look = Look.of(sys.stdout, plain=plain)
    print_report(point.to_dict(), describe_point(printable(point), look), as_json=as_json)
