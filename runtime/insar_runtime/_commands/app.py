"""The application: all commands, ``--version``, and typer's options for the completion of shells."""

from typing import Annotated

import typer

from insar_runtime._commands.about import bench, demo, doctor, models
from insar_runtime._commands.areas import areas
from insar_runtime._commands.classify import classify
from insar_runtime._commands.command_class import CONTEXT_SETTINGS, Command, Commands
from insar_runtime._commands.compare import compare
from insar_runtime._commands.convert import convert
from insar_runtime._commands.inspect import inspect
from insar_runtime._commands.join import join
from insar_runtime._commands.page import page
from insar_runtime._commands.qgis import qgis
from insar_runtime._commands.report import report
from insar_runtime._commands.restore import restore
from insar_runtime._commands.show import show
from insar_runtime._version import __version__

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=CONTEXT_SETTINGS,
    help="Classify InSAR displacement time series: Stable, Linear, Quadratic, Bilinear, PUE or Other.",
)
for command in (
    classify,
    restore,
    inspect,
    show,
    report,
    areas,
    compare,
    join,
    page,
    qgis,
    convert,
    demo,
    models,
    doctor,
    bench,
):
    app.command(cls=Command)(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"insar-rt {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    del version
