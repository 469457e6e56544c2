"""Commands with help in groups, examples, the width of the terminal, ``-h``, and usage errors of one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperCommand, TyperGroup

from insar_runtime._commands.option_groups import GROUPS, MESSAGES
from insar_runtime.errors import UsageError

CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 160}
"""Of all commands; lines of more than 160 characters are hard to read."""


class Command(TyperCommand):
    """Command whose help lists the options in groups and ends with examples."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line.

        Raises
        ------
        UsageError
            If it is wrong.
        """
        with _usage_errors(self, ctx, list(args)):
            return super().parse_args(ctx, args)

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
        from insar_runtime._commands.examples import EXAMPLES

        with formatter.section("Examples"):
            for line, meaning in EXAMPLES[str(self.name)]:
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")
                with formatter.indentation():
                    formatter.write_text(meaning)


class Commands(TyperGroup):
    """All commands; names that are none of them, and wrong options, are reported in the same way."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse options before the name of the command.

        Raises
        ------
        UsageError
            If they are wrong.
        """
        with _usage_errors(self, ctx, list(args)):
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is named first.

        Raises
        ------
        UsageError
            If there is none of that name.
        """
        name = args[0]
        if not ctx.resilient_parsing and not name.startswith("-") and self.get_command(ctx, name) is None:
            from insar_runtime._commands.usage_text import unknown_command

            raise UsageError(unknown_command(name, self.list_commands(ctx), ctx.command_path))
        return super().resolve_command(ctx, args)


@contextmanager
def _usage_errors(command: Any, ctx: Any, args: list[str]) -> Iterator[None]:
    """Turn errors of typer about the command line into ours."""
    try:
        yield
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        from insar_runtime._commands.usage_text import describe_usage_error

        text = describe_usage_error(error, command, ctx.command_path, _texts(command, ctx, args))
        raise UsageError(text) from None


def _texts(command: Any, ctx: Any, args: list[str]) -> dict[str, Any]:
    """Return what was given for each parameter, as it was given, and surplus arguments under an empty name."""
    try:
        given, surplus, _ = command.make_parser(ctx).parse_args(args)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return {}
    return {**given, "": surplus}


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _name(argument: Any) -> str:
    return str(argument.metavar)


def _meaning(option: Any) -> str:
    """Return the help of an option and its default, in the same words whatever the version of typer."""
    default = option.default
    shown = isinstance(default, (str, int, float)) and not isinstance(default, bool)
    return f"{option.help}  [default: {default}]" if shown else str(option.help)
