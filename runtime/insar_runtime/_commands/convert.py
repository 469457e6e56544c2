"""``insar-rt convert``."""

from typing import Annotated

import typer

from insar_runtime._commands.command_options import (
    CrsOption,
    DateFormatOption,
    HalfWavelengthOption,
    IdOption,
    JsonOption,
    LatOption,
    LonOption,
    OverwriteOption,
    QuietOption,
    SensorOption,
    UnitsOption,
    declare,
)
from insar_runtime._commands.console import print_report, quiet_when_unread, say, watched
from insar_runtime._printable import printable
from insar_runtime._signals import last_outputs


def convert(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="MintPy timeseries.h5 or .he5, LiCSBAS cum.h5, a folder or the files of OPERA DISP-S1, or any table.",
        ),
    ],
    output: Annotated[str, typer.Option("--output", "-o", help="Parquet file.", show_default=False)],
    geometry: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="MintPy geometry; by default the one beside the input.", show_default=False),
    ] = None,
    mask: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Mask; by default the one beside or in the input; none keeps all.", show_default=False
        ),
    ] = None,
    velocity: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="MintPy velocities, by default those beside the input; for a table their column.",
            show_default=False,
        ),
    ] = None,
    coherence: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="MintPy coherence; by default the one beside the input.", show_default=False),
    ] = None,
    points: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Positions for a table with one row a date.", show_default=False),
    ] = None,
    min_coherence: Annotated[
        float | None, typer.Option(min=0, max=1, help="Leave out pixels below it.", show_default=False)
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Take every so many-th line and pixel.")] = 1,
    units: UnitsOption = None,
    date_format: DateFormatOption = None,
    sensor: SensorOption = None,
    half_wavelength_mm: HalfWavelengthOption = None,
    id_column: IdOption = None,
    lon: LonOption = None,
    lat: LatOption = None,
    crs: CrsOption = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Turn maps or tables of displacement into Parquet that reads fast: one row a point, the series as a list."""
    from insar_runtime._convert.companions import CompanionFiles
    from insar_runtime._convert.conversion_text import describe_conversion
    from insar_runtime._convert.run import convert as run

    with quiet_when_unread(), last_outputs(), watched(sources[0], hidden=quiet) as progress:
        done = run(
            sources,
            output,
            named=CompanionFiles(
                declare(
                    units=units,
                    date_format=date_format,
                    sensor=sensor,
                    half_wavelength_mm=half_wavelength_mm,
                    id_column=id_column,
                    lon=lon,
                    lat=lat,
                    velocity=None,
                    crs=crs,
                ),
                geometry=geometry,
                mask=mask,
                velocity=velocity,
                coherence=coherence,
            ),
            points=points,
            min_coherence=min_coherence,
            every=every,
            overwrite=overwrite,
            progress=progress,
        )
    if as_json:
        print_report(done.to_dict(), "", as_json=True)
    if not quiet:
        say(describe_conversion(printable(done)))
