"""``insar-rt page``."""

from pathlib import Path
from typing import Annotated

import typer

from insar_runtime._commands.command_options import JsonOption, ModelOption, OverwriteOption, QuietOption
from insar_runtime._commands.console import print_report, say
from insar_runtime._commands.option_groups import OUTPUT, PAGE
from insar_runtime._printable import printable


def page(
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="HTML file to write.", rich_help_panel=OUTPUT, readable=False
        ),
    ] = Path("classify.html"),
    overwrite: OverwriteOption = False,
    runtime: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER",
            help="Folder of onnxruntime-web, as npm install onnxruntime-web makes it.",
            rich_help_panel=PAGE,
            readable=False,
        ),
    ] = Path("node_modules/onnxruntime-web"),
    model: ModelOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write a page that classifies files in any browser, offline."""
    from insar_runtime._report.offline.write import write_page
    from insar_runtime.models import load_model

    size = write_page(output, load_model(model), runtime, overwrite=overwrite)
    if as_json:
        print_report({"output": str(output), "bytes": size}, "", as_json=True)
    if not quiet:
        say(f"{printable(str(output))}: {size / 1e6:.1f} MB; open it in a browser, and drop a file there")
