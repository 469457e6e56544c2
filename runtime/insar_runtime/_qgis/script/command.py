"""Start ``insar-rt`` in its own environment and follow what it reports.

A part of the scripts that QGIS loads: any Python from 3.9 on, and the standard library alone.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PROGRAM = ""
"""Python of the environment that has insar-runtime; written by ``insar-rt qgis install``."""

_PREFIXES = ("PYTHON", "DYLD_", "__PYVENV")
_NAMES = ("LD_LIBRARY_PATH",)
"""Variables of QGIS, by their beginnings and by name, that would make another Python load the files of QGIS."""
_SECONDS_BETWEEN = 0.2
_SECONDS_TO_LEAVE = 20
_LAST_LINES = 5
_REPAIR = (
    "Run 'insar-rt qgis install' in a terminal of the environment that has insar-runtime, and restart QGIS; or set "
    "'Program of insar-rt' among the advanced parameters"
)


class CommandError(Exception):
    """The command could not be started, or it failed; the message is a sentence for people."""


class CommandCancelledError(Exception):
    """The command was ended because the user asked for it."""


def own_environment(environment: Mapping[str, str], program: str) -> dict[str, str]:
    """Return the environment of the command: that of QGIS, without what makes another Python load files of QGIS."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.upper().startswith(_PREFIXES) and name.upper() not in _NAMES
    }
    # Libraries beside the program come before those of QGIS; on Windows they are found by PATH.
    kept["PATH"] = os.pathsep.join(filter(None, (os.path.dirname(program), kept.get("PATH", ""))))  # noqa: PTH120
    kept.update(PYTHONIOENCODING="utf-8", PYTHONSAFEPATH="1")
    return kept


def command_line(program: str, arguments: Sequence[str]) -> list[str]:
    """Return the whole command line; the program is a Python, or ``insar-rt`` itself."""
    is_command = os.path.basename(program).lower().startswith("insar-rt")  # noqa: PTH119 - PATH may have to find it
    return [program, *arguments] if is_command else [program, "-m", "insar_runtime", *arguments]


class Run:
    """One run of the command, whose messages go to the log of QGIS.

    Parameters
    ----------
    program : str
        Python, or ``insar-rt``.
    feedback : QgsProcessingFeedback
        Receives progress and messages, and says whether the user cancels.

    Attributes
    ----------
    summary : dict
        What the run did; empty if it does not say.
    """

    def __init__(self, program: str, feedback: Any) -> None:
        self.summary: dict[str, Any] = {}
        self._program = program
        self._feedback = feedback
        self._error = ""
        self._last: list[str] = []

    def follow(self, arguments: Sequence[str], output: Path, fine: Sequence[int] = ()) -> None:
        """Run the command to its end.

        Parameters
        ----------
        arguments : sequence of str
            Of ``insar-rt``.
        output : Path
            File that it writes, whose hidden partial files are removed if it had to be killed.
        fine : sequence of int, optional
            Exit codes beside 0 of a run that has done its work.

        Raises
        ------
        CommandError
            If it cannot be started, or fails.
        CommandCancelledError
            If the user cancels; the output is as it was before.
        """
        before = _partial_files(output)
        process = self._start(command_line(self._program, arguments))
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_read_lines, args=(process, lines), daemon=True).start()
        try:
            self._report(lines)
            code = process.wait()
        except BaseException:
            if _end(process) == 0:
                return  # complete before it could be ended
            _remove(_partial_files(output) - before)
            raise
        if code and code not in fine:
            _remove(_partial_files(output) - before)
            raise CommandError(self._error or self._unexplained(code))

    def _start(self, command: list[str]) -> subprocess.Popen[str]:
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env=own_environment(os.environ, self._program),
                # No black window on Windows.
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except FileNotFoundError as error:
            raise CommandError(
                f"insar-rt is not where it was installed: there is no {self._program}. {_REPAIR}"
            ) from error
        except PermissionError as error:
            raise CommandError(
                f"QGIS may not start {self._program} (permission denied). Make it executable, or allow QGIS to start "
                f"programs in the settings of your security software. {_REPAIR}"
            ) from error
        except (OSError, ValueError) as error:
            raise CommandError(f"{self._program} is no program that starts here ({error}). {_REPAIR}") from error

    def _report(self, lines: queue.Queue[str | None]) -> None:
        """Pass on what the command writes until it closes its output."""
        while True:
            if self._feedback.isCanceled():
                raise CommandCancelledError
            try:
                line = lines.get(timeout=_SECONDS_BETWEEN)
            except queue.Empty:
                continue
            if line is None:
                return
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            if isinstance(event, dict) and "event" in event:
                self._report_event(event)
            elif line.startswith("insar-rt: error: "):
                self._error = line[len("insar-rt: error: ") :]
            elif line.strip():
                self._last = [*self._last, line][-_LAST_LINES:]
                self._feedback.pushConsoleInfo(line)

    def _report_event(self, event: dict[str, Any]) -> None:
        kind, done, total = event["event"], event.get("rows_done"), event.get("rows_total")
        if kind == "progress" and done:
            of_all = f" of {total:,}" if total else ""
            self._feedback.setProgressText(f"{done:,}{of_all} points")
            share = event.get("share")
            if share is not None:
                self._feedback.setProgress(100 * share)
        elif kind == "note":
            self._feedback.pushInfo(event.get("text", ""))
        elif kind == "error":
            self._error = event.get("message", "")
        elif kind == "done":
            self.summary = event.get("summary") or {}

    def _unexplained(self, code: int) -> str:
        """Return a sentence for a run that failed without one of its own."""
        text = " / ".join(self._last)
        if "No module named insar_runtime" in text:
            return f"the Python {self._program} has no insar-runtime (any more). {_REPAIR}"
        if Path("/.flatpak-info").exists():
            return (
                f"{self._program} does not run within the Flatpak of QGIS ({text or code}). Use a QGIS that is no "
                "Flatpak, or run insar-rt classify in a terminal and open the GeoPackage"
            )
        if code < 0 or code > 255:
            return (
                f"insar-rt was ended by the system (code {code}); perhaps the memory was not enough. Close other "
                f"programs, or add --memory-limit 1G to the additional options. {text}"
            )
        return f"insar-rt failed (exit code {code}): {text}. {_REPAIR}"


def _read_lines(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    if process.stderr is not None:
        with process.stderr as messages:
            for line in messages:
                lines.put(line.rstrip("\r\n"))
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> int:
    """End the process, which removes its partial files where the system can ask it to, and return its exit code."""
    process.terminate()
    try:
        return process.wait(_SECONDS_TO_LEAVE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _partial_files(output: Path) -> set[Path]:
    """Return the hidden files that runs have beside an output until it is complete."""
    try:
        return {path for path in output.parent.iterdir() if path.name.startswith(f".{output.name}.partial-")}
    except OSError:
        return set()


def _remove(paths: set[Path]) -> None:
    for path in paths:
        try:  # noqa: SIM105 - contextlib is one import more for the script
            path.unlink()
        except OSError:
            pass
