"""``insar-rt inspect``."""

from typing import Annotated

import typer

from insar_runtime._commands.command_options import (
    AsTableOption,
    CrsOption,
    DateFormatOption,
    DeviceOption,
    HalfWavelengthOption,
    IdOption,
    InputArgument,
    JsonOption,
    LatOption,
    LonOption,
    ModelOption,
    PrecisionOption,
    SensorOption,
    ThreadsOption,
    UnitsOption,
    VelocityOption,
    declare,
)
from insar_runtime._commands.console import print_report
from insar_runtime._printable import printable


def inspect(
    source: InputArgument,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = None,
    threads: ThreadsOption = None,
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
    quick: Annotated[
        bool, typer.Option("--quick", help="Only a glance: no ids of all rows, no trial of the model.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what was understood of a file, what is odd, and what classify will do; nothing is written."""
    import pyarrow as pa

    from insar_runtime._engine.onnx_runtime import usable_cpus
    from insar_runtime._input.locations import locate
    from insar_runtime._inspect.inspection import inspect_file
    from insar_runtime._inspect.inspection_text import describe_inspection
    from insar_runtime._inspect.planned_run import InspectOptions
    from insar_runtime._pipeline.many import OutputNaming

    # As classify does, so that reading is timed as it will be.
    pa.set_cpu_count(threads or usable_cpus())
    facts = inspect_file(
        source,
        InspectOptions(
            model=model,
            device=device,
            precision=precision,
            threads=threads,
            declared=declare(
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
            ),
            output=str(OutputNaming().output(locate(source))) if source != "-" and locate(source).name else None,
            quick=quick,
        ),
    )
    print_report(facts, describe_inspection(printable(facts)), as_json=as_json)
