"""Usage errors: one line that names the value, what it must be, and the help of the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.runtime.commands.test_help import COMMANDS, OPTIONS
from tests.runtime.run_command import refused, run


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("classify a --units km", "--units km: must be mm, cm, m or rad"),
        ("inspect a --device abacus", "--device abacus: must be auto, cpu, cuda, coreml, directml or openvino"),
        ("classify a --threads two", "--threads two: must be a whole number of at least 1"),
        ("classify a --threads 0", "--threads 0: must be a whole number of at least 1"),
        ("report a --max-points 1e6", "--max-points 1e6: must be a whole number of at least 1"),
        ("show a --row -1", "--row -1: must be a whole number of at least 0"),
        ("classify a --repair-above 2", "--repair-above 2: must be a number from 0 to 1"),
        ("classify a --abstain-below -1", "--abstain-below -1: must be a number from 0 to 1"),
        ("classify a --stable-rate fast", "--stable-rate fast: must be a number"),
        ("classify a --model", "--model NAME: no value given"),
        ("classify a --json=yes", "--json takes no value"),
        ("classify", "INPUT is missing"),
        ("show --row 1", "INPUT is missing"),
        ("restore a", "--output FILE is missing"),
        ("inspect a b c", "b c: too many arguments"),
    ],
)
def test_wrong_values_name_what_they_must_be_and_the_help_of_the_command(line: str, message: str) -> None:
    command, *arguments = line.split()
    done = run(command, *arguments)
    refused(done, 2)
    assert done.stderr.decode().strip() == f"insar-rt: error: {message}. See insar-rt {command} --help."


def test_an_empty_value_is_quoted() -> None:
    refused(run("classify", "a", "--units", ""), 2, "--units '': must be mm")


@pytest.mark.parametrize(
    ("line", "message", "page"),
    [
        ("classify a --modell x", "there is no option --modell: did you mean --model", "classify "),
        ("classify a --id x", "there is no option --id: did you mean --id-column?", "classify "),
        ("classify a --out x", "there is no option --out: did you mean --output or --output-dir?", "classify "),
        ("show a -x", "there is no option -x.", "show "),
        ("klassify a", "there is no command klassify: did you mean classify?", ""),
        ("frobnicate", "there is no command frobnicate.", ""),
        ("points.csv", "points.csv is not a command: write insar-rt classify points.csv.", ""),
        ("--versoin", "there is no option --versoin: did you mean --version?", ""),
    ],
)
def test_names_that_do_not_exist_get_the_nearest_one(line: str, message: str, page: str) -> None:
    refused(run(*line.split()), 2, message, f" See insar-rt {page}--help.")


@pytest.mark.parametrize("name", COMMANDS)
def test_no_words_of_a_library_are_in_an_error_of_an_option(name: str) -> None:
    """Whatever the option is: a value that is not a number and no choice, or no value at all."""
    for owner, option in OPTIONS:
        spelling = max(option.opts, key=len)
        if owner != name or option.is_flag:
            continue
        refused(run(name, spelling), 2, f"{spelling} ", ": no value given. See insar-rt", f"{name} --help")
        text = run(name, "none.parquet", spelling, "\x07?").stderr.decode()
        assert not any(word in text for word in ("Value error", "Invalid", "Input should", "Traceback")), text
        assert "\x07" not in text


def test_an_error_is_an_event_if_json_is_asked_for() -> None:
    done = run("classify", "a", "--log-format", "json", "--units", "km")
    event = json.loads(done.stderr)
    assert (event["event"], event["exit_code"]) == ("error", 2)
    assert "--units km: must be" in event["message"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for name in ("inspect", "classify", "report", "show"):
        options = ["--row", "0"] if name == "show" else []
        refused(run(name, "none.parquet", *options, cwd=tmp_path), 66, "none.parquet")
