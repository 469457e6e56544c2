"""``insar-rt report``."""

from pathlib import Path
from typing import Annotated

import typer

from insar_runtime._commands.command_options import (
    AsTableOption,
    CrsOption,
    DateFormatOption,
    DeviceOption,
    HalfWavelengthOption,
    IdOption,
    JsonOption,
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
from insar_runtime._commands.console import print_report, say, watched
from insar_runtime._printable import printable
from insar_runtime._signals import last_outputs
from insar_runtime.errors import UsageError


def report(
    source: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Classified table, or one that classify reads: it is classified first."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="HTML file. Default: FILE.report.html.", show_default=False),
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="Of the page; by default the name of the file.", show_default=False)
    ] = None,
    series_mb: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Megabytes of the page for the series of points; by default what keeps it below some 40.",
            show_default=False,
        ),
    ] = None,
    max_points: Annotated[int, typer.Option(min=1, help="On the map; of more, a uniform sample is shown.")] = 1_000_000,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = None,
    threads: ThreadsOption = None,
    stable_rate: StableRateOption = None,
    priors: Annotated[
        str | None, typer.Option(help="Shares of the classes, or auto; see classify.", show_default=False)
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
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write a page with map, class shares and series, to open in any browser, offline."""
    import pyarrow as pa

    from insar_runtime._engine.priors import parse_priors
    from insar_runtime._input.locations import locate
    from insar_runtime._report.classified_table import is_classified
    from insar_runtime._report.write import Classification, write_report
    from insar_runtime.classifier import Classifier

    if str(source) == "-":
        raise UsageError("a report needs a file, not a stream; write the stream to one first")
    source, output = locate(source), None if output is None else locate(output, output=True)
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
    given = {
        "--model": model,
        "--precision": precision,
        "--stable-rate": stable_rate,
        "--priors": priors,
        "--units": units,
        "--date-format": date_format,
        "--sensor": sensor,
        "--half-wavelength": half_wavelength_mm,
        "--crs": crs,
        "--id, --lon, --lat and --velocity": declared.columns or None,
    }
    asked = [name for name, value in given.items() if value is not None]
    if asked and is_classified(source, as_table=as_table):
        raise UsageError(f"{source} is classified already, so {asked[0]} would do nothing; leave it away")

    def classifier() -> Classifier:
        opened = open_classifier(model, device, precision, threads, None, stable_rate)
        # Arrow's own threads are as many as the machine's processors, whatever was asked for.
        pa.set_cpu_count(opened.threads)
        return opened

    with watched(str(source), hidden=quiet) as progress, last_outputs():
        done = write_report(
            source,
            output or source.parent / f"{source.stem}.report.html",
            classification=Classification(classifier, declared, None if priors is None else parse_priors(priors)),
            title=title,
            series_mb=series_mb,
            most_points=max_points,
            overwrite=overwrite,
            progress=progress,
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
    if not quiet:
        say(
            f"{printable(done.output)}: {done.points} of {done.rows} points, {done.series} with their series, "
            f"{done.size / 1e6:.1f} MB; open it in a browser"
        )
