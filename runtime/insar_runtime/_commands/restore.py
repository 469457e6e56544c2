"""``insar-rt restore``."""

from pathlib import Path
from typing import Annotated

import typer

from insar_runtime._commands.command_options import JsonOption, OverwriteOption, QuietOption
from insar_runtime._commands.console import print_report, say
from insar_runtime._commands.option_groups import OUTPUT
from insar_runtime._printable import printable
from insar_runtime._signals import last_outputs


def restore(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="Table that classify --corrected-out has written.", readable=False)
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File to write: .parquet, .csv or .arrow.",
            rich_help_panel=OUTPUT,
            readable=False,
        ),
    ],
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Undo a correction: write the table as it was, bit for bit."""
    from insar_runtime._findings.wording import noun
    from insar_runtime._pipeline.restore import restore as restore_file

    with last_outputs():
        done = restore_file(source, output, overwrite=overwrite)
    if as_json:
        print_report(done.to_dict(), "", as_json=True)
    if not quiet:
        points = f"{done.rows} {noun(done.rows, 'point')}"
        say(f"{printable(done.output)}: {points}, the series of {done.restored} as they were")
