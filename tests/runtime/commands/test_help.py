"""The help of all commands: groups, short texts, examples that parse, widths, and names that mean one thing each."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

import insar_runtime
from insar_runtime._commands.app import app
from insar_runtime._commands.examples import EXAMPLES
from insar_runtime._commands.option_groups import GROUPS, MESSAGES
from tests.runtime.run_command import run

ROOT: Any = typer.main.get_command(app)
COMMANDS: dict[str, Any] = ROOT.commands
SHORT = {"-o": "--output", "-q": "--quiet", "-h": "--help"}
PACKAGE = Path(insar_runtime.__file__).parent


def parameters(kind: str) -> Iterator[tuple[str, Any]]:
    """Yield all parameters of a kind, each with the name of its command."""
    for name, command in COMMANDS.items():
        for parameter in command.params:
            if parameter.param_type_name == kind:
                yield name, parameter


OPTIONS = list(parameters("option"))


def help_of(name: str, monkeypatch: pytest.MonkeyPatch, columns: int) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    done = run(name, "--help")
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().splitlines()


@pytest.mark.parametrize(("name", "option"), OPTIONS, ids=[f"{name} {option.opts[0]}" for name, option in OPTIONS])
def test_each_option_has_a_group_and_a_text(name: str, option: Any) -> None:
    del name
    assert option.rich_help_panel in GROUPS
    assert option.help[0].isupper() or option.help.startswith("insar-rt")
    assert option.help.endswith(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_lists_all_options_in_groups_with_at_most_two_lines_each(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = help_of(name, monkeypatch, 100)
    titles = [line[:-1] for line in lines if re.fullmatch(r"\w.*:", line)]
    begin, end = int("Arguments" in titles), len(titles) - 1
    assert titles[end] == "Examples"
    assert titles[begin:end] == [group for group in GROUPS if group in titles]
    assert titles[end - 1] == MESSAGES
    body = lines[: lines.index("Examples:")]
    listed = [match[0] for line in body if (match := re.search(r"(?<=^  )(-\w, )?--[a-z-]+", line))]
    wanted = [", ".join(sorted(option.opts, key=len)) for owner, option in OPTIONS if owner == name]
    assert sorted(listed) == sorted([*wanted, "-h, --help"])
    texts = "\n".join(body).split("\n  -")[1:]
    for text in texts:
        # An option whose values take the whole first column has its text below it.
        below = [line for line in text.split("\n\n")[0].splitlines()[1:] if line.startswith("   ")]
        assert len(below) <= 1 + ("<" in text or "[" in text.splitlines()[0]), text


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("columns", [60, 80, 150])
def test_help_uses_the_width_of_the_terminal(name: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = help_of(name, monkeypatch, columns)
    prose = [line for line in lines if "insar-rt " not in line and "<" not in line and "EGMS_" not in line]
    assert max(map(len, prose)) <= columns
    if name == "classify":
        assert max(map(len, prose)) > columns - 15


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)])
def test_h_is_help(arguments: list[str]) -> None:
    done = run(*arguments, "-h")
    assert done.returncode == 0
    assert done.stdout == run(*arguments, "--help").stdout


def test_the_list_of_commands_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = run("--help").stdout.decode()
    assert [name for name in COMMANDS if re.search(rf"^  {name} +\S.*\w\.$", text, re.MULTILINE)] == list(COMMANDS)
    assert "..." not in text.partition("Commands:")[2]


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in EXAMPLES.items() for line, _ in lines])
def test_examples_parse(name: str, line: str) -> None:
    program, command, *arguments = shlex.split(line)
    assert (program, command) == ("insar-rt", name)
    with COMMANDS[name].make_context(name, arguments):
        pass


def test_each_command_has_two_to_four_examples() -> None:
    assert list(EXAMPLES) == list(COMMANDS)
    assert {len(lines) for lines in EXAMPLES.values()} <= {2, 3, 4}


def test_a_name_means_one_thing_in_all_commands() -> None:
    meanings: dict[str, set[tuple[object, ...]]] = {}
    for name, option in OPTIONS:
        del name
        for spelling in option.opts:
            what = (option.name, option.metavar, option.rich_help_panel)
            meanings.setdefault(spelling, set()).add(what)
    assert {spelling: what for spelling, what in meanings.items() if len(what) > 1} == {}
    shorts = {(s, max(option.opts, key=len)) for _, option in OPTIONS for s in option.opts if not s.startswith("--")}
    assert shorts <= set(SHORT.items())


def test_no_option_has_the_name_of_a_command() -> None:
    """But for ``report --areas``, which takes the file that ``areas`` writes."""
    spellings = {spelling for _, option in OPTIONS for spelling in option.opts}
    assert spellings & {f"--{name}" for name in COMMANDS} == {"--areas"}


def test_options_that_messages_name_exist() -> None:
    known = {spelling for _, option in OPTIONS for spelling in option.opts}
    known |= {"--help", "--version", "--install-completion", "--show-completion"}
    unknown = {
        (str(path.relative_to(PACKAGE)), option)
        for path in PACKAGE.rglob("*.py")
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+\b", path.read_text(encoding="utf-8"))
        if option not in known
    }
    assert unknown == set()


def test_help_of_a_command_needs_nothing_heavy() -> None:
    code = (
        "import sys; from insar_runtime import cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "heavy = ('numpy', 'pyarrow', 'onnxruntime')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    for arguments in (["classify", "-h"], ["-h"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, check=True)
        assert done.stdout.decode().splitlines()[-1] == "[]"
