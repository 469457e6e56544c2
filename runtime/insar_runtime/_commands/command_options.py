"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from insar_runtime.errors import UsageError

if TYPE_CHECKING:
    from insar_runtime._input.column_roles import Role
    from insar_runtime._input.declarations import UserDeclarations
    from insar_runtime.classifier import Classifier

# Kept here rather than imported, so that --help needs neither numpy nor onnxruntime.
DeviceName = Literal["auto", "cpu", "cuda", "coreml", "directml", "openvino"]
JumpRowsName = Literal["flagged", "all"]
PrecisionName = Literal["fp32", "int8"]
UnitName = Literal["mm", "cm", "m", "rad"]

InputArgument = Annotated[
    str,
    typer.Argument(metavar="INPUT", help="Parquet, CSV, EGMS zip or Arrow file; - reads an Arrow stream."),
]
ModelOption = Annotated[str | None, typer.Option(help="Shipped model, or the folder of your own.")]
DeviceOption = Annotated[DeviceName, typer.Option(help="Where to run; all but auto fail if they cannot.")]
PrecisionOption = Annotated[
    PrecisionName | None,
    typer.Option(help="By default the faster one on this kind of CPU, fp32 elsewhere.", show_default=False),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Batches that are worked on at once, by default one per usable CPU.",
        show_default=False,
    ),
]
UnitsOption = Annotated[
    UnitName | None,
    typer.Option(help="Unit of the series, where the file does not prove it.", show_default=False),
]
IdOption = Annotated[str | None, typer.Option("--id", help="Column of point ids.", show_default=False)]
LonOption = Annotated[str | None, typer.Option("--lon", help="Column of longitudes.", show_default=False)]
LatOption = Annotated[str | None, typer.Option("--lat", help="Column of latitudes.", show_default=False)]
VelocityOption = Annotated[
    str | None, typer.Option("--velocity", help="Column of velocities in mm/yr.", show_default=False)
]
CrsOption = Annotated[
    str | None,
    typer.Option(
        metavar="EPSG:N", help="System of the coordinates where they are no degrees: EPSG:32633.", show_default=False
    ),
]
AsTableOption = Annotated[
    bool, typer.Option("--as-table", help="Read a folder as one table in many files, as Spark and Dask write it.")
]
DateFormatOption = Annotated[
    str | None,
    typer.Option(help="Spelling of the dates where it is not a usual one, such as DDMMYYYY.", show_default=False),
]
SensorOption = Annotated[
    str | None,
    typer.Option(
        help="Radar of the series, such as TerraSAR-X. By default Sentinel-1 for a radian, and for "
        "the cycles of jumps what producer and dates prove.",
        show_default=False,
    ),
]
HalfWavelengthOption = Annotated[
    float | None,
    typer.Option(
        "--half-wavelength",
        metavar="MM",
        help="Half its wavelength, where --sensor does not know it.",
        show_default=False,
    ),
]
StableRateOption = Annotated[
    float | None,
    typer.Option(
        "--stable-rate",
        metavar="MM/YR",
        help="Rate below which a point is Stable, and from which on Linear; by default the model's (2 mm/yr).",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")]


def open_classifier(
    model: str | None,
    device: DeviceName,
    precision: PrecisionName | None,
    threads: int | None,
    abstain_below: float | None,
    stable_rate: float | None = None,
) -> Classifier:
    from insar_runtime.classifier import Classifier

    return Classifier(
        model,
        device=device,
        precision=precision,
        threads=threads,
        abstain_below=abstain_below,
        stable_rate=stable_rate,
    )


def declare(
    *,
    units: UnitName | None,
    date_format: str | None,
    sensor: str | None,
    half_wavelength_mm: float | None,
    id_column: str | None,
    lon: str | None,
    lat: str | None,
    velocity: str | None,
    crs: str | None = None,
    as_table: bool = False,
) -> UserDeclarations:
    """Return what the user declares of a table."""
    from insar_runtime._input.declarations import UserDeclarations
    from insar_runtime._input.position import parse_crs

    given: dict[Role, str | None] = {"id": id_column, "longitude": lon, "latitude": lat, "velocity": velocity}
    columns = {role: name for role, name in given.items() if name is not None}
    half_mm = _half_wavelength(sensor, half_wavelength_mm)
    system = None if crs is None else parse_crs(crs)
    return UserDeclarations(units, columns, date_format, half_mm, system, as_table=as_table)


def _half_wavelength(sensor: str | None, given: float | None) -> float | None:
    """Return half the wavelength of the radar in mm, None where nothing is said of it."""
    if sensor is None:
        return given
    if given is not None:
        raise UsageError("--sensor and --half-wavelength say the same; give one of them")
    from insar_runtime._input.units.sensors import half_wavelength_of

    return half_wavelength_of(sensor)
