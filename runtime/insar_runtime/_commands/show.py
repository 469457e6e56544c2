"""``insar-rt show``."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from insar_runtime._commands.command_options import (
    AsTableOption,
    CrsOption,
    DateFormatOption,
    DeviceOption,
    HalfWavelengthOption,
    InputArgument,
    JsonOption,
    JumpRowsName,
    LatOption,
    LonOption,
    ModelOption,
    OverwriteOption,
    PrecisionOption,
    SensorOption,
    StableRateOption,
    UnitsOption,
    VelocityOption,
    declare,
    open_classifier,
)
from insar_runtime._commands.console import print_report, say, watched
from insar_runtime._printable import printable
from insar_runtime._signals import last_outputs


def show(
    source: InputArgument,
    point_id: Annotated[
        str | None, typer.Option("--id", help="Id of the point, as the file spells it.", show_default=False)
    ] = None,
    row: Annotated[
        int | None, typer.Option(min=0, help="Number of the row in place of an id, from 0.", show_default=False)
    ] = None,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = None,
    stable_rate: StableRateOption = None,
    units: UnitsOption = None,
    date_format: DateFormatOption = None,
    sensor: SensorOption = None,
    half_wavelength_mm: HalfWavelengthOption = None,
    id_column: Annotated[
        str | None, typer.Option("--id-column", help="Column of point ids.", show_default=False)
    ] = None,
    lon: LonOption = None,
    lat: LatOption = None,
    velocity: VelocityOption = None,
    crs: CrsOption = None,
    as_table: AsTableOption = False,
    jumps: Annotated[
        JumpRowsName | None,
        typer.Option(help="Search the point for jumps if its class is PUE (flagged), or in any case (all)."),
    ] = None,
    repair_damped: Annotated[
        bool, typer.Option("--repair-damped", help="Take out jumps that are no whole cycles, too.")
    ] = False,
    png: Annotated[
        Path | None,
        typer.Option(help="Write the plot to this PNG file (needs the extra plot).", show_default=False),
    ] = None,
    overwrite: OverwriteOption = False,
    plain: Annotated[bool, typer.Option("--ascii", help="Draw with ASCII characters only.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show one point: its series, its class, and what happened: trend, break, jumps.

    A file that classify has written keeps its classes, and its diagnosis; --model and --stable-rate
    classify the point again.
    """
    from insar_runtime._diagnosis.options import Diagnose
    from insar_runtime._input.locations import locate
    from insar_runtime._output.output_checks import refuse_input
    from insar_runtime._show.find_point import find_point
    from insar_runtime._show.png import check_png, write_png
    from insar_runtime._show.point_text import Look, describe_point
    from insar_runtime.models import load_model

    if png is not None:
        check_png(png, overwrite=overwrite)
        refuse_input(png, [locate(source)])
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
    with watched(source) as progress:
        point = find_point(
            source,
            declared,
            point_id=point_id,
            row=row,
            open_classifier=partial(open_classifier, model, device, precision, 1, None, stable_rate),
            reclassify=model is not None or stable_rate is not None,
            diagnose=Diagnose(jumps or "flagged", repair_damped=repair_damped) if jumps or repair_damped else None,
            radar_mm=load_model(model).half_wavelength_mm,
            progress=progress,
        )
    if png is not None:
        with last_outputs():
            write_png(printable(point), png, overwrite=overwrite)
        say(f"{printable(str(png))}: written")
    look = Look.of(sys.stdout, plain=plain)
    print_report(point.to_dict(), describe_point(printable(point), look), as_json=as_json)
