"""Texts of usage errors: what is wrong, the value, and which help to read."""

import shlex
from collections.abc import Mapping
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

_MOST_SUGGESTIONS = 3


def describe_usage_error(error: Any, command: Any, path: str, given: Mapping[str, Any]) -> str:
    """Return what is wrong with a command line.

    Parameters
    ----------
    error : Exception
        Raised by typer. Its class is known by name: typer has used the classes of click, and later copies of them.
    command : Command
        Command that was given.
    path : str
        Its name after that of the program, such as ``insar-rt classify``.
    given : mapping
        Texts that were given for the parameters, by names of parameters.
    """
    kind, parameter = type(error).__name__, getattr(error, "param", None)
    if kind == "NoSuchOption":
        what = _unknown("option", error.option_name, [name for item in command.params for name in item.opts])
    elif kind == "MissingParameter" and parameter is not None:
        what = f"{_spelling(parameter)} is missing."
    elif kind == "BadParameter" and parameter is not None:
        what = f"{_name(parameter)} {_shown(given.get(parameter.name))}: {_requirement(error, command, parameter)}."
    elif kind == "BadOptionUsage":
        what = _wrong_use(error, command)
    else:
        what = f"{error.format_message().rstrip('.')}."
        if extra := _surplus(command, given):
            what = f"{extra}: too many arguments."
    return f"{what} See {path} --help."


def unknown_command(name: str, known: list[str], path: str) -> str:
    """Return what is wrong with a name that is not a command."""
    if Path(name).suffix:
        return f"{_shown(name)} is not a command: write {path} classify {_shown(name)}. See {path} --help."
    return f"{_unknown('command', name, known)} See {path} --help."


def _unknown(kind: str, name: str, known: list[str]) -> str:
    begun = sorted((word for word in known if len(name) > 1 and word.startswith(name)), key=len)
    close = begun or get_close_matches(name, known, _MOST_SUGGESTIONS)
    text = f"there is no {kind} {_shown(name)}"
    return f"{text}: did you mean {' or '.join(close[:_MOST_SUGGESTIONS])}?" if close else f"{text}."


def _wrong_use(error: Any, command: Any) -> str:
    """Return what is wrong with an option without its value, or with a value that it does not take."""
    for option in command.params:
        if error.option_name in option.opts:
            spelling = _spelling(option)
            return (
                f"{error.option_name} takes no value." if spelling == _name(option) else f"{spelling}: no value given."
            )
    return f"{error.option_name} is not used as it must be."


def _requirement(error: Any, command: Any, parameter: Any) -> str:
    """Return what a value must be, from the declaration of its parameter."""
    declared = signature(command.callback).parameters.get(parameter.name)
    if declared is None:
        return str(error.message)
    kind, info = get_args(declared.annotation)[:2]
    kinds = [one for one in get_args(kind) or (kind,) if one is not NoneType]
    if get_origin(kind) is Literal:
        return f"must be {_either(kinds)}"
    if get_origin(kinds[0]) is Literal:
        return f"must be {_either(get_args(kinds[0]))}"
    number = {int: "a whole number", float: "a number"}.get(kinds[0])
    if number is None:
        return str(error.message).removeprefix("Value error, ").rstrip(".")
    if info.min is not None and info.max is not None:
        return f"must be {number} from {info.min} to {info.max}"
    return f"must be {number}" if info.min is None else f"must be {number} of at least {info.min}"


def _surplus(command: Any, given: Mapping[str, Any]) -> str | None:
    """Return arguments that are more than the command takes."""
    rest = given.get("")
    if not rest or any(item.nargs != 1 for item in command.params if item.param_type_name == "argument"):
        return None
    return " ".join(map(_shown, rest))


def _either(words: Any) -> str:
    *most, last = map(str, words)
    return f"{', '.join(most)} or {last}" if most else last


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar).rstrip(".")
    return str(max(parameter.opts, key=len))


def _spelling(parameter: Any) -> str:
    """Return an option with the word for its value, as in the help; an argument by its name."""
    if parameter.param_type_name == "argument" or parameter.is_flag:
        return _name(parameter)
    return f"{_name(parameter)} {parameter.metavar or 'VALUE'}"


def _shown(value: Any) -> str:
    return shlex.quote(str(value))
