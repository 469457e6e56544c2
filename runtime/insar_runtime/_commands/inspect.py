"""``insar-rt inspect``."""

from typing import Annotated

import typer

from insar_runtime._commands.command_options import (
    DeviceOption,
    InputArgument,
    JsonOption,
    ModelOption,
    PrecisionOption,
    ThreadsOption,
)
from insar_runtime._commands.console import loading, print_report, watched
from insar_runtime._commands.option_groups import MESSAGES
from insar_runtime._commands.table_options import NO_TABLE_OPTIONS, TableOptions, with_table_options
from insar_runtime._printable import printable


@with_table_options()
def inspect(
    source: InputArgument,
    table: TableOptions = NO_TABLE_OPTIONS,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Look at the first rows only: do not compare all ids, and do not time the model.",
            rich_help_panel=MESSAGES,
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show how a file is understood, and what classify will do.

    Also what is unusual in it, on what evidence its unit is known, and how long classify will take. Nothing is
    written.
    """
    with loading(source):
        import pyarrow as pa

        from insar_runtime._engine.onnx_runtime import usable_cpus
        from insar_runtime._input.locations import locate
        from insar_runtime._inspect.inspection import inspect_file
        from insar_runtime._inspect.inspection_text import describe_inspection
        from insar_runtime._inspect.planned_run import InspectOptions
        from insar_runtime._pipeline.many import OutputNaming
    # As classify does, so that reading is timed as it will be.
    pa.set_cpu_count(threads or usable_cpus())
    with watched(source, phase="inspecting"):
        facts = inspect_file(
            source,
            InspectOptions(
                model=model,
                device=device,
                precision=precision,
                threads=threads,
                declared=table.declare(),
                output=str(OutputNaming().output(locate(source))) if source != "-" and locate(source).name else None,
                quick=quick,
            ),
        )
    print_report(facts, describe_inspection(printable(facts)), as_json=as_json)
