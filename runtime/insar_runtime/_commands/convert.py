"""``insar-rt convert``."""

from typing import Annotated

import typer

from insar_runtime._commands.command_options import (
    JsonOption,
    OverwriteOption,
    QuietOption,
)
from insar_runtime._commands.console import loading, print_report, quiet_when_unread, say, watched
from insar_runtime._commands.option_groups import MAPS, OUTPUT, TABLE
from insar_runtime._commands.table_options import NO_TABLE_OPTIONS, TableOptions, with_table_options
from insar_runtime._printable import printable
from insar_runtime._signals import last_outputs


@with_table_options("as_table")
def convert(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="MintPy timeseries.h5 or .he5, LiCSBAS cum.h5, a folder or the files of OPERA DISP-S1, or any table.",
        ),
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Parquet file to write.", rich_help_panel=OUTPUT)
    ],
    overwrite: OverwriteOption = False,
    geometry: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="MintPy geometry; by default the file beside the input.", rich_help_panel=MAPS
        ),
    ] = None,
    mask: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Mask; by default the one beside or in the input; none keeps all pixels.",
            rich_help_panel=MAPS,
        ),
    ] = None,
    velocity: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="MintPy velocities; by default the file beside the input.", rich_help_panel=MAPS
        ),
    ] = None,
    coherence: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="MintPy coherence; by default the file beside the input.", rich_help_panel=MAPS
        ),
    ] = None,
    min_coherence: Annotated[
        float | None,
        typer.Option(min=0, max=1, metavar="C", help="Leave out pixels of less coherence.", rich_help_panel=MAPS),
    ] = None,
    every: Annotated[
        int, typer.Option(min=1, metavar="N", help="Take every Nth line and pixel.", rich_help_panel=MAPS)
    ] = 1,
    positions: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Positions of the points of a table with one row per date.", rich_help_panel=TABLE
        ),
    ] = None,
    table: TableOptions = NO_TABLE_OPTIONS,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Convert displacement maps or tables to Parquet that reads fast.

    The output has one row for each point, with its series as a list.
    """
    with loading(sources[0], hidden=quiet):
        from insar_runtime._convert.companions import CompanionFiles
        from insar_runtime._convert.conversion_text import describe_conversion
        from insar_runtime._convert.run import convert as run

    with quiet_when_unread(), last_outputs(), watched(sources[0], hidden=quiet) as progress:
        done = run(
            sources,
            output,
            named=CompanionFiles(
                table.declare(),
                geometry=geometry,
                mask=mask,
                velocity=velocity,
                coherence=coherence,
            ),
            points=positions,
            min_coherence=min_coherence,
            every=every,
            overwrite=overwrite,
            progress=progress,
        )
    if as_json:
        print_report(done.to_dict(), "", as_json=True)
    if not quiet:
        say(describe_conversion(printable(done)))
