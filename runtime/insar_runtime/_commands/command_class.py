"""Commands with help in groups, examples, the width of the terminal, and ``-h``."""

from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand

from insar_runtime._commands.option_groups import GROUPS, MESSAGES

CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 160}
"""Of all commands; lines of more than 160 characters are hard to read."""


class Command(TyperCommand):
    """Command whose help lists the options in groups and ends with examples.

    Attributes
    ----------
    examples : sequence of (str, str)
        Command lines, and what each does; set by the application.
    """

    examples: Sequence[tuple[str, str]] = ()

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the usage after the name of the command, with arguments as they are named in the help."""
        return ["[OPTIONS]", *(_name(argument) for argument in self.get_params(ctx) if _is_argument(argument))]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, then the options in their groups."""
        groups: dict[str, list[tuple[str, str]]] = {group: [] for group in GROUPS}
        arguments: list[tuple[str, str]] = []
        parameters: list[Any] = self.get_params(ctx)
        for parameter in parameters:
            if _is_argument(parameter):
                arguments.append((_name(parameter), parameter.help or ""))
            elif record := parameter.get_help_record(ctx):
                group = getattr(parameter, "rich_help_panel", None) or MESSAGES
                groups[group].append((record[0], _meaning(parameter)))
        for title, records in {"Arguments": arguments, **groups}.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples, and below each what it does."""
        del ctx
        if self.examples:
            with formatter.section("Examples"):
                for line, meaning in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")
                    with formatter.indentation():
                        formatter.write_text(meaning)


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _name(argument: Any) -> str:
    return str(argument.metavar)


def _meaning(option: Any) -> str:
    """Return the help of an option and its default, in the same words whatever the version of typer."""
    default = option.default
    shown = isinstance(default, (str, int, float)) and not isinstance(default, bool)
    return f"{option.help}  [default: {default}]" if shown else str(option.help)
