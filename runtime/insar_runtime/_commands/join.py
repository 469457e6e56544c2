"""``insar-rt join``."""

from typing import Annotated

import typer

from insar_runtime._commands.command_options import (
    JsonOption,
    MatchOption,
    OverwriteOption,
    QuietOption,
    WithinOption,
)
from insar_runtime._commands.console import loading, print_report, quiet_when_unread, say, watched
from insar_runtime._commands.option_groups import MATCHING, OUTPUT
from insar_runtime._commands.table_options import NO_TABLE_OPTIONS, TableOptions, with_table_options
from insar_runtime._printable import printable
from insar_runtime._signals import last_outputs


@with_table_options("as_table")
def join(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The earlier release: any table that classify reads.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The later release, whose values and columns hold.")],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Joined table to write: Parquet, CSV, GeoPackage or Arrow, by its extension.",
            rich_help_panel=OUTPUT,
        ),
    ],
    overwrite: OverwriteOption = False,
    match: MatchOption = "auto",
    within: WithinOption = None,
    min_epochs: Annotated[
        int, typer.Option(min=1, metavar="N", help="Least common epochs of a point.", rich_help_panel=MATCHING)
    ] = 10,
    max_difference: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="MM",
            help="Series of a point are not joined if their differences depart by more from a constant.",
            rich_help_panel=MATCHING,
        ),
    ] = 5.0,
    table: TableOptions = NO_TABLE_OPTIONS,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Join two releases that overlap in time: one series per point.

    The old series are moved to the level of the new ones by the median difference at the common epochs.
    """
    with loading(new, hidden=quiet):
        from insar_runtime._releases.join.offsets import JoinLimits
        from insar_runtime._releases.join.run import join_releases
        from insar_runtime._releases.join.summary import describe_join

    with quiet_when_unread(), last_outputs(), watched(new, hidden=quiet) as progress:
        done = join_releases(
            old,
            new,
            output,
            declared=table.declare(),
            match=match,
            within_m=within,
            limits=JoinLimits(min_epochs, max_difference),
            overwrite=overwrite,
            progress=progress,
        )
    if as_json:
        print_report(done.to_dict(), "", as_json=True)
    if not quiet:
        say(describe_join(printable(done)))
