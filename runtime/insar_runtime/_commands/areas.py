"""``insar-rt areas``."""

from pathlib import Path
from typing import Annotated

import typer

from insar_runtime._commands.command_options import (
    DeviceOption,
    JsonOption,
    ModelOption,
    OverwriteOption,
    PrecisionOption,
    PriorsOption,
    QuietOption,
    StableRateOption,
    ThreadsOption,
    opened_later,
)
from insar_runtime._commands.console import loading, print_report, say, watched
from insar_runtime._commands.option_groups import AREAS, OUTPUT
from insar_runtime._commands.table_options import NO_TABLE_OPTIONS, TableOptions, with_table_options
from insar_runtime._printable import printable
from insar_runtime._signals import last_outputs
from insar_runtime.errors import UsageError


@with_table_options()
def areas(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Table that classify has written, or one that it reads, which is classified first.",
            readable=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File of the areas: .gpkg, .parquet, .geojson or .csv.",
            rich_help_panel=OUTPUT,
            readable=False,
        ),
    ],
    points: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT",
            help="Also write the point table with its column area_id.",
            rich_help_panel=OUTPUT,
            readable=False,
        ),
    ] = None,
    series: Annotated[
        bool,
        typer.Option(
            "--series", help="Add the median and the quartiles of the series at each date.", rich_help_panel=OUTPUT
        ),
    ] = False,
    overwrite: OverwriteOption = False,
    distance: Annotated[
        float | None,
        typer.Option(
            metavar="METRES",
            help="Distance within which points are neighbours; by default from the spacing of the points.",
            rich_help_panel=AREAS,
        ),
    ] = None,
    min_points: Annotated[
        int, typer.Option(metavar="N", help="Number of moving points of an area at least.", rich_help_panel=AREAS)
    ] = 5,
    classes: Annotated[
        str,
        typer.Option(metavar="NAMES", help="Classes of points that move, with commas.", rich_help_panel=AREAS),
    ] = "Linear,Quadratic,Bilinear,Other",
    stable_rate: StableRateOption = None,
    priors: PriorsOption = None,
    table: TableOptions = NO_TABLE_OPTIONS,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find areas of points that move alike, and outline them.

    Needs the extra spatial: pip install 'insar-runtime[spatial]'.
    """
    with loading(str(source), hidden=quiet):
        from insar_runtime._areas.find import write_areas
        from insar_runtime._areas.settings import parse_settings
        from insar_runtime._classified.classify_first import Classification, refuse_idle
        from insar_runtime._engine.onnx_runtime import usable_cpus
        from insar_runtime._engine.priors import parse_priors
        from insar_runtime._findings.wording import noun
        from insar_runtime._input.locations import locate

    if str(source) == "-":
        raise UsageError("areas need a file, not a stream; write the stream to one first")
    settings = parse_settings(distance, min_points, [name for name in classes.split(",") if name], series=series)
    source, output = locate(source), locate(output, output=True)
    declared = table.declare()
    given = {
        "--model": model,
        "--precision": precision,
        "--stable-rate": stable_rate,
        "--priors": priors,
        "--units": table.units,
        "--date-format": table.date_format,
        "--sensor": table.sensor,
        "--half-wavelength": table.half_wavelength_mm,
    }
    refuse_idle(given, source, as_table=table.as_table)
    with watched(str(source), hidden=quiet) as progress, last_outputs():
        done = write_areas(
            source,
            output,
            points=None if points is None else locate(points, output=True),
            settings=settings,
            classification=Classification(
                opened_later(model, device, precision, threads, stable_rate),
                declared,
                None if priors is None else parse_priors(priors),
                diagnose=True,
            ),
            threads=threads or usable_cpus(),
            overwrite=overwrite,
            progress=progress,
        )
    facts = {
        "output": done.output,
        "points_output": done.points_output,
        "areas": done.areas,
        "rows": done.rows,
        "moving_points": done.moving_points,
        "points_in_areas": done.points_in_areas,
        "distance_m": done.distance_m,
        "quality": {str(level): count for level, count in done.quality.items()},
        "notes": list(done.notes),
    }
    if as_json:
        print_report(facts, "", as_json=True)
    if quiet:
        return
    for note in done.notes:
        say(f"note: {note}")
    counts = ", ".join(f"{count} of quality {level}" for level, count in done.quality.items() if count)
    say(
        f"{printable(done.output)}: {done.areas} {noun(done.areas, 'area')}"
        f"{f' ({counts})' if counts else ''}, {done.points_in_areas} of {done.moving_points} moving "
        f"{noun(done.moving_points, 'point')} in them, of {done.rows} {noun(done.rows, 'row')}"
    )
