"""The part of the scripts that starts the command: its environment, and sentences for what goes wrong."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from insar_runtime._qgis.script.command import CommandError, Run, command_line, own_environment

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")


class Feedback:
    """Stands in for that of QGIS."""

    def __init__(self) -> None:
        self.log: list[Any] = []

    def isCanceled(self) -> bool:  # noqa: N802
        return False

    def __getattr__(self, name: str) -> Any:
        return self.log.append


def failure(program: Path, text: str | None, tmp_path: Path, mode: int = 0o755) -> str:
    if text is not None:
        program.write_text(text)
        program.chmod(mode)
    with pytest.raises(CommandError) as error:
        Run(str(program), Feedback()).follow(["classify"], tmp_path / "out.gpkg")
    return str(error.value)


def test_variables_of_qgis_do_not_leak() -> None:
    of_qgis = {
        "PYTHONHOME": "/qgis",
        "PYTHONPATH": "/qgis",
        "PythonStartup": "/qgis",
        "LD_LIBRARY_PATH": "/qgis",
        "DYLD_LIBRARY_PATH": "/qgis",
        "__PYVENV_LAUNCHER__": "/qgis",
        "PATH": "/qgis/bin",
        "HOME": "/home/a",
    }
    assert own_environment(of_qgis, str(Path("env") / "bin" / "python")) == {
        "PATH": os.pathsep.join([str(Path("env") / "bin"), "/qgis/bin"]),
        "HOME": "/home/a",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONSAFEPATH": "1",
    }


def test_the_program_is_a_python_or_the_command() -> None:
    assert command_line("/env/bin/python3", ["models"]) == ["/env/bin/python3", "-m", "insar_runtime", "models"]
    assert command_line("/env/bin/insar-rt", ["models"]) == ["/env/bin/insar-rt", "models"]


@posix
def test_what_goes_wrong_is_a_sentence(tmp_path: Path) -> None:
    program = tmp_path / "python"
    gone = failure(program, None, tmp_path)
    assert gone.startswith(
        f"insar-rt is not where it was installed: there is no {program}. Run 'insar-rt qgis install'"
    )
    assert "starts here" in failure(program, "no program\n", tmp_path)
    no_module = failure(program, "#!/bin/sh\necho 'python: No module named insar_runtime' >&2; exit 1\n", tmp_path)
    assert no_module.startswith(f"the Python {program} has no insar-runtime (any more). Run 'insar-rt qgis install'")
    assert "(code -9); perhaps the memory" in failure(program, "#!/bin/sh\nkill -9 $$\n", tmp_path)
    error = '{"event": "error", "message": "no input a.zip", "exit_code": 66}'
    assert failure(program, f"#!/bin/sh\necho '{error}' >&2; exit 66\n", tmp_path) == "no input a.zip"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may start what nobody may")
def test_a_program_without_the_right_to_start(tmp_path: Path) -> None:
    assert "permission denied" in failure(tmp_path / "python", "#!/bin/sh\n", tmp_path, 0o644)


@posix
def test_partial_files_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    mine, other = (tmp_path / f".out.gpkg.partial-{number}" for number in (1, 2))
    other.touch()
    failure(tmp_path / "python", f"#!/bin/sh\ntouch {mine}; kill -9 $$\n", tmp_path)
    assert (mine.exists(), other.exists()) == (False, True)


@posix
def test_progress_and_messages_are_passed_on(tmp_path: Path) -> None:
    program, feedback = tmp_path / "python", Feedback()
    lines = (
        '{"event": "progress", "rows_done": 1500, "rows_total": 6000, "share": 0.225}',
        '{"event": "progress", "rows_done": 2000, "rows_total": null, "share": null}',
        '{"event": "note", "text": "a note"}',
        "a line of a library",
        '{"event": "done", "summary": {"rows": 6000}}',
    )
    program.write_text("#!/bin/sh\n" + "".join(f"echo '{line}' >&2\n" for line in lines))
    program.chmod(0o755)
    run = Run(str(program), feedback)
    run.follow(["classify"], tmp_path / "out.gpkg")
    assert feedback.log == ["1,500 of 6,000 points", 22.5, "2,000 points", "a note", "a line of a library"]
    assert run.summary == {"rows": 6000}
