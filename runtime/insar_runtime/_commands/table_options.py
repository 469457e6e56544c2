"""Options that say how a table is read, and what the user declares of it by them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_type_hints

import typer

from insar_runtime._commands.option_groups import TABLE
from insar_runtime.errors import UsageError

if TYPE_CHECKING:
    from insar_runtime._input.column_roles import Role
    from insar_runtime._input.declarations import UserDeclarations

# Kept here rather than imported, so that --help needs neither numpy nor onnxruntime.
UnitName = Literal["mm", "cm", "m", "rad"]

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
        from insar_runtime._input.declarations import UserDeclarations
        from insar_runtime._input.position import parse_crs

        given: dict[Role, str | None] = {
            "id": self.id_column,
            "longitude": self.lon_column,
            "latitude": self.lat_column,
            "velocity": self.velocity_column,
        }
        columns = {role: name for role, name in given.items() if name is not None}
        half_mm = _half_wavelength(self.sensor, self.half_wavelength_mm)
        system = None if self.crs is None else parse_crs(self.crs)
        return UserDeclarations(self.units, columns, self.date_format, half_mm, system, as_table=self.as_table)


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


def _half_wavelength(sensor: str | None, given: float | None) -> float | None:
    """Return half the wavelength of the radar in mm, None where nothing is said of it."""
    if sensor is None:
        return given
    if given is not None:
        raise UsageError("--sensor and --half-wavelength mean the same thing; give one of them")
    from insar_runtime._input.units.sensors import half_wavelength_of

    return half_wavelength_of(sensor)
