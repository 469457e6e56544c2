"""The application: all commands, and ``--version``."""

from typing import Annotated

import typer

from insar_runtime._commands.about import bench, demo, doctor, models
from insar_runtime._commands.classify import classify
from insar_runtime._commands.convert import convert
from insar_runtime._commands.inspect import inspect
from insar_runtime._commands.page import page
from insar_runtime._commands.report import report
from insar_runtime._commands.restore import restore
from insar_runtime._commands.show import show
from insar_runtime._version import __version__

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Classify InSAR displacement time series: Stable, Linear, Quadratic, Bilinear, PUE or Other.",
)
for command in (classify, restore, inspect, show, report, page, convert, demo, models, doctor, bench):
    app.command()(command)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"insar-rt {__version__}")
        raise typer.Exit
