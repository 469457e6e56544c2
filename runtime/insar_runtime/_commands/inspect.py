"""``insar-rt inspect``."""

from __future__ import annotations

from insar_runtime._commands.console import print_report
from insar_runtime._commands.options import (
    IdOption,
    InputArgument,
    JsonOption,
    LatOption,
    LonOption,
    ModelOption,
    UnitsOption,
    VelocityOption,
    named_columns,
)


def inspect(
    source: InputArgument,
    model: ModelOption = None,
    units: UnitsOption = None,
    id_column: IdOption = None,
    lon: LonOption = None,
    lat: LatOption = None,
    velocity: VelocityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was understood of a file, without classifying it."""
    from insar_runtime._pipeline.reading import open_understood
    from insar_runtime._views.inspection import describe_source
    from insar_runtime._views.texts import describe_mapping
    from insar_runtime.models import load_model

    chosen = load_model(model)
    columns = named_columns(id_column, lon, lat, velocity)
    half_wavelength_mm = chosen.half_wavelength_mm
    with open_understood(source, units=units, columns=columns, half_wavelength_mm=half_wavelength_mm) as table:
        facts = describe_source(table.source, table.understanding, chosen.limits)
    print_report(facts, describe_mapping(facts), as_json=as_json)
