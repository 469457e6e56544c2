"""Completion in the shells themselves: each runs in a terminal, in which a tab is typed."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from insar_runtime import list_models
from tests.conftest import need_program

SECONDS = 60
"""Within which a shell must answer, on the slowest machine."""
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(insar-rt --show-completion)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -Uz compinit && compinit -u -D && eval "$(insar-rt --show-completion)"'),
    "fish": (["fish", "--no-config", "-i"], "insar-rt --show-completion | source"),
}


class Terminal:
    """A shell at the other end of a pseudo-terminal."""

    def __init__(self, master: int) -> None:
        self.master = master
        self.text = ""

    def type(self, keys: str) -> None:
        """Type keys; what the shell wrote before is forgotten."""
        self.text = ""
        os.write(self.master, keys.encode())

    def wait_for(self, wanted: str) -> None:
        """Read until the shell has written a text."""
        end = time.monotonic() + SECONDS
        while wanted not in self.text:
            assert time.monotonic() < end, f"no {wanted!r} in {self.text!r}"
            if select.select([self.master], [], [], 1)[0]:
                self.text += os.read(self.master, 65536).decode(errors="replace")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a shell that finds insar-rt, and writes nothing to the home of the user."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "insar-rt").write_text(f'#!/bin/sh\nexec {sys.executable} -m insar_runtime "$@"\n')
    (folder / "insar-rt").chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "TERM": "xterm",
    }


@contextmanager
def opened(shell: str, environment: dict[str, str], folder: Path) -> Iterator[Terminal]:
    """Open a shell in a terminal, with completion loaded."""
    need_program(shell)
    command, load = SHELLS[shell]
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
    own_terminal = lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # noqa: E731 - without it fish ends
    with subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        cwd=folder,
        start_new_session=True,
        preexec_fn=own_terminal,  # noqa: PLW1509 - one call of the system, no lock
    ) as process:
        os.close(slave)
        terminal = Terminal(master)
        try:
            # The quotes keep the line that is typed from being taken for its output.
            terminal.type(f"{load}; echo rea''dy\n")
            terminal.wait_for("ready")
            yield terminal
        finally:
            process.kill()
            os.close(master)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_tab_completes_commands_options_values_and_files(
    shell: str, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "points_of_granada.csv").write_text("")
    with opened(shell, environment, tmp_path) as terminal:
        for typed, rest in (
            ("insar-rt clas", "sify"),
            ("insar-rt classify --half", "-wavelength"),
            ("insar-rt show --jumps fl", "agged"),
            ("insar-rt bench --model tr", "end-net"),
            ("insar-rt inspect points", "_of_granada.csv"),
        ):
            terminal.type(f"{typed}\t")
            terminal.wait_for(rest)
            terminal.type("\x15")  # the line is deleted


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell_has_no_error_of_syntax(shell: str, environment: dict[str, str]) -> None:
    need_program(shell)
    script = subprocess.run(
        ["insar-rt"], env={**environment, "_INSAR_RT_COMPLETE": f"source_{shell}"}, capture_output=True, check=True
    ).stdout
    assert b"insar-rt" in script
    subprocess.run([shell, "-n"], input=script, check=True)


def test_it_can_be_installed(environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", "insar-rt --install-completion; exit $?"], env=environment, capture_output=True, check=True
    )
    assert b"bash completion installed" in done.stdout
    assert (tmp_path / ".bash_completions" / "insar-rt.sh").is_file()
    assert "insar-rt.sh" in (tmp_path / ".bashrc").read_text()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("insar-rt ", {"classify", "show", "report", "doctor"}),
        ("insar-rt classify --model ", set(list_models())),
        ("insar-rt inspect --units ", {"mm", "cm", "m", "rad"}),
    ],
)
def test_completion_needs_nothing_heavy(words: str, wanted: set[str]) -> None:
    code = (
        "import sys; from insar_runtime import cli\n"
        "try: cli.main()\n"
        "finally: print('loaded', *[m for m in ('numpy', 'pyarrow', 'onnxruntime') if m in sys.modules])"
    )
    environment = {
        **os.environ,
        "_INSAR_RT_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    *completions, loaded = done.stdout.decode().splitlines()
    assert wanted <= set(completions)
    assert loaded == "loaded"
