"""``insar-rt qgis``."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from insar_runtime._commands.command_options import JsonOption, QuietOption
from insar_runtime._commands.console import print_report, say
from insar_runtime._commands.option_groups import QGIS
from insar_runtime._printable import printable
from insar_runtime.errors import UnavailableError, UsageError

ActionName = Literal["install", "uninstall"]


def qgis(
    action: Annotated[
        ActionName,
        typer.Argument(
            metavar="ACTION", help="install puts the algorithms into the toolbox of QGIS, uninstall removes them."
        ),
    ],
    profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Profile of QGIS; by default all that are found.", rich_help_panel=QGIS),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of scripts of QGIS, if it is none of a profile.",
            rich_help_panel=QGIS,
            readable=False,
        ),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Put algorithms into the toolbox of QGIS, or remove them.

    They call this command in its own environment.
    """
    from insar_runtime._qgis.install import install_scripts, remove_scripts
    from insar_runtime._qgis.profiles import script_folders

    if folder is not None and profile is not None:
        raise UsageError("--folder and --profile both say where the scripts go; give one of them")
    if not sys.executable:
        raise UnavailableError("Python does not say where it is, so QGIS could not start it; run insar-rt another way")
    folders = script_folders(profile, os.environ, Path.home()) if folder is None else [folder.absolute()]
    paths = install_scripts(folders, sys.executable) if action == "install" else remove_scripts(folders)
    if as_json:
        print_report({"program": sys.executable, "files": [str(path) for path in paths]}, "", as_json=True)
    if quiet:
        return
    for path in paths:
        say(f"{printable(str(path))}: {'written' if action == 'install' else 'removed'}")
    if action == "install":
        say(
            f"the algorithms start {printable(sys.executable)}; restart QGIS, or click Reload Scripts in the toolbox, "
            "and find Classify InSAR time series under Scripts > InSAR"
        )
    elif not paths:
        say("there are no algorithms of insar-rt to remove")
