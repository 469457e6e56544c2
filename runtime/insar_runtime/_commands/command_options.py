"""Options that several commands share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_type_hints

import typer

from insar_runtime._commands.option_groups import CLASSES, DIAGNOSIS, MACHINE, MATCHING, MESSAGES, OUTPUT, TABLE
from insar_runtime.errors import UsageError

if TYPE_CHECKING:
    from insar_runtime._input.column_roles import Role
    from insar_runtime._input.declarations import UserDeclarations
    from insar_runtime.classifier import Classifier

# Kept here rather than imported, so that --help needs neither numpy nor onnxruntime.
DeviceName = Literal["auto", "cpu", "cuda", "coreml", "directml", "openvino"]
JumpRowsName = Literal["flagged", "all"]
MatchName = Literal["auto", "id", "position"]
PrecisionName = Literal["fp32", "int8"]
UnitName = Literal["mm", "cm", "m", "rad"]
LogFormatName = Literal["text", "json"]


def _shipped_models() -> list[str]:
    """Return the names of the shipped models, for the completion of shells, which must be fast: without numpy."""
    return sorted(path.name for path in (Path(__file__).parents[1] / "models").iterdir() if path.is_dir())


InputArgument = Annotated[
    str,
    typer.Argument(
        metavar="INPUT", help="Parquet, CSV, GeoPackage, shapefile, EGMS zip or Arrow file; - reads an Arrow stream."
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Shipped model, or the folder of your own.",
        autocompletion=_shipped_models,
        rich_help_panel=MACHINE,
    ),
]
DeviceOption = Annotated[
    DeviceName,
    typer.Option(help="Where to run; all but auto fail if they cannot.", rich_help_panel=MACHINE),
]
PrecisionOption = Annotated[
    PrecisionName | None,
    typer.Option(help="By default the faster one on this kind of CPU, fp32 elsewhere.", rich_help_panel=MACHINE),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Number of batches to work on at once; by default one for each usable CPU.",
        rich_help_panel=MACHINE,
    ),
]
UnitsOption = Annotated[
    UnitName | None,
    typer.Option(help="Unit of the series, if the file does not prove it.", rich_help_panel=TABLE),
]
IdColumnOption = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Column of point ids.", rich_help_panel=TABLE)
]
LonColumnOption = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Column of longitudes.", rich_help_panel=TABLE)
]
LatColumnOption = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Column of latitudes.", rich_help_panel=TABLE)
]
VelocityColumnOption = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Column of velocities in mm/yr.", rich_help_panel=TABLE)
]
CrsOption = Annotated[
    str | None,
    typer.Option(
        metavar="EPSG:N",
        help="System of the coordinates, if they are no degrees, such as EPSG:32633.",
        rich_help_panel=TABLE,
    ),
]
AsTableOption = Annotated[
    bool,
    typer.Option(
        "--as-table",
        help="Read a folder as one table in many files, as Spark and Dask write it.",
        rich_help_panel=TABLE,
    ),
]
DateFormatOption = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        help="How the dates are written, if not in one of the usual ways, such as DDMMYYYY.",
        rich_help_panel=TABLE,
    ),
]
SensorOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Radar of the series, such as TerraSAR-X, for radians and whole cycles; by default what the file proves, "
        "or Sentinel-1.",
        rich_help_panel=TABLE,
    ),
]
HalfWavelengthOption = Annotated[
    float | None,
    typer.Option(
        "--half-wavelength",
        metavar="MM",
        help="Half the wavelength of the radar, if --sensor does not know it.",
        rich_help_panel=TABLE,
    ),
]
StableRateOption = Annotated[
    float | None,
    typer.Option(
        "--stable-rate",
        metavar="MM/YR",
        help="Rate below which a point is Stable, and from which on it is Linear; by default the model's (2 mm/yr).",
        rich_help_panel=CLASSES,
    ),
]
JumpRowsOption = Annotated[
    JumpRowsName | None,
    typer.Option(
        help="Search for jumps: points that look like class PUE (flagged, the default), or all.",
        rich_help_panel=DIAGNOSIS,
    ),
]
RepairDampedOption = Annotated[
    bool,
    typer.Option("--repair-damped", help="Also repair jumps that are not whole cycles.", rich_help_panel=DIAGNOSIS),
]
RecentDaysOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="DAYS",
        help="Length of the window at the end of the series whose rate is compared with that before; by default 180.",
        rich_help_panel=DIAGNOSIS,
    ),
]
MatchOption = Annotated[
    MatchName,
    typer.Option(
        help="By ids and, of points without an equal one, by position (auto); or by one.", rich_help_panel=MATCHING
    ),
]
WithinOption = Annotated[
    float | None,
    typer.Option(
        metavar="METRES",
        help="Greatest distance of the two positions of a point; by default half the spacing of points, 5 to 50 m.",
        rich_help_panel=MATCHING,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the facts as JSON on standard output.", rich_help_panel=MESSAGES)
]
LogFormatOption = Annotated[
    LogFormatName, typer.Option(help="Format of the messages on standard error.", rich_help_panel=MESSAGES)
]
LogEveryOption = Annotated[
    float,
    typer.Option(
        min=0, metavar="S", help="Seconds between two messages of progress in JSON.", rich_help_panel=MESSAGES
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.", rich_help_panel=MESSAGES)]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace an output that exists.", rich_help_panel=OUTPUT)
]


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


@dataclass(frozen=True, slots=True)
class TableOptions:
    """Options that say how a table is read, each with its declaration for typer; see ``with_table_options``."""

    units: UnitsOption = None
    date_format: DateFormatOption = None
    sensor: SensorOption = None
    half_wavelength_mm: HalfWavelengthOption = None
    id_column: IdColumnOption = None
    lon_column: LonColumnOption = None
    lat_column: LatColumnOption = None
    velocity_column: VelocityColumnOption = None
    crs: CrsOption = None
    as_table: AsTableOption = False

    def declare(self) -> UserDeclarations:
        """Return what the user declares of a table.

        Raises
        ------
        UsageError
            If an option has a value that it cannot have, or two say the same thing.
        """
        return declare(
            units=self.units,
            date_format=self.date_format,
            sensor=self.sensor,
            half_wavelength_mm=self.half_wavelength_mm,
            id_column=self.id_column,
            lon=self.lon_column,
            lat=self.lat_column,
            velocity=self.velocity_column,
            crs=self.crs,
            as_table=self.as_table,
        )


NO_TABLE_OPTIONS: Final = TableOptions()
_TABLE: Final = "table"
"""Parameter of a command in whose place the options stand."""


def with_table_options(*without: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that gives a command the options of ``TableOptions``, in place of its parameter ``table``.

    Parameters
    ----------
    *without : str
        Fields of ``TableOptions`` that the command has no option for.
    """
    hints = get_type_hints(TableOptions, include_extras=True)
    options = [
        inspect.Parameter(
            field.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=field.default, annotation=hints[field.name]
        )
        for field in fields(TableOptions)
        if field.name not in without
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**given: Any) -> None:
            table = TableOptions(**{option.name: given.pop(option.name) for option in options})
            command(table=table, **given)

        signature = inspect.signature(command)
        parameters = [
            parameter
            for own in signature.parameters.values()
            for parameter in (options if own.name == _TABLE else [own])
        ]
        # typer reads both.
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


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
        raise UsageError("--sensor and --half-wavelength mean the same thing; give one of them")
    from insar_runtime._input.units.sensors import half_wavelength_of

    return half_wavelength_of(sensor)
