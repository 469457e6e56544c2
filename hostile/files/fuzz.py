"""Run the real command on damaged files, and judge the outcome."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from hostile.ended import Ended, snapshot
from hostile.files.case import FileCase, make_case
from hostile.files.expected import compare
from hostile.files.further_commands import OTHER_CLASSES, POINTS
from hostile.files.releases import ALERT, COMMANDS, OTHER, compare_releases
from hostile.fork_server import ForkServer
from hostile.judge import Verdict, judge_files, judge_process
from hostile.real_process import run_process
from hostile.results import CaseResult
from insar_runtime import Classifier
from insar_runtime.errors import MemoryLimitError

MOST_MB: Final = 1500
"""Memory that a run on a file of some kilobytes may hold."""
_ALLOWED: Final = frozenset({0, 65, 71})
"""A file that says it is huge may end with the memory that there is."""
_REAL_EACH: Final = 50
"""Each so many-th case is run once more, as a process of its own, and must end in the same way."""


def fuzz_files(numbers: Sequence[int], seed: int, work: Path, *, keep: bool = False) -> Iterator[CaseResult]:
    """Try cases, and yield their results in order.

    Parameters
    ----------
    numbers : sequence of int
        Of the cases.
    seed : int
    work : Path
        Folder for the files; each case has one of its own there while it runs.
    keep : bool
        Whether the folders stay.
    """
    classifier = Classifier(threads=1)
    with ForkServer() as server:
        for number in numbers:
            case = make_case(seed, number)
            folder = work / f"case-{number}"
            folder.mkdir(parents=True)
            (folder / case.name).write_bytes(case.content)
            if case.other is not None:
                (folder / OTHER).write_bytes(case.other)
            result = _try_case(case, folder, server, classifier)
            if not keep:
                shutil.rmtree(folder)
            yield result


def _try_case(case: FileCase, folder: Path, server: ForkServer, classifier: Classifier) -> CaseResult:
    before = snapshot(folder)
    ended = server.run(case.arguments, folder, stdin=folder / case.name if case.from_stdin else None)
    outcome, detail = _judge(case, folder, before, ended, server, classifier)
    if case.number % _REAL_EACH == 0 and outcome in {"ok", "refused"} and not case.from_stdin:
        outcome, detail = _compare_real(case, folder, ended) or (outcome, detail)
    call = " ".join(case.arguments)
    return CaseResult("files", case.number, case.kind, case.tried, call, outcome, ended.code, detail)


def _judge(
    case: FileCase, folder: Path, before: dict[str, str], ended: Ended, server: ForkServer, classifier: Classifier
) -> Verdict:
    """Judge process, files and contents, in this order."""
    if ended.code == ALERT and "--alert" in case.arguments:
        ended = replace(ended, code=0)
    verdict = judge_process(ended, _ALLOWED, most_mb=MOST_MB)
    if verdict[0] not in {"ok", "refused"}:
        return verdict
    files = judge_files(ended, before, snapshot(folder), case.outputs, must_write=False)
    if files is not None:
        return files
    if ended.code == 0 and case.arguments[0] in {"classify", "convert"}:
        output = folder / case.arguments[case.arguments.index("-o") + 1]
        return _judge_rows(case, folder, server, classifier, output) or verdict
    if ended.code == 0 and case.arguments[0] == "areas" and POINTS in case.outputs:
        return _judge_rows(case, folder, server, classifier, folder / POINTS) or verdict
    if ended.code == 0 and case.arguments[0] in COMMANDS:
        return _judge_releases(case, folder, server) or verdict
    if case.must_be_taken and ended.code != 0 and case.arguments[0] == "classify":
        return "wrong result", f"a valid file is refused: {ended.error_text.strip()[:200]}"
    return verdict


def _judge_rows(
    case: FileCase, folder: Path, server: ForkServer, classifier: Classifier, output: Path
) -> Verdict | None:
    """Judge the rows of an output against those of the input."""
    if not output.is_file():
        return "wrong result", f"{output.name} not written"
    out = server.read(output)
    if out is None:
        return "wrong result", f"{output.name} cannot be read by another reader"
    if case.kind in {"transposed", "h5", "geojson", "absurd"}:
        return None
    made = server.read(folder / case.name)
    judge = None if OTHER_CLASSES.intersection(case.arguments) else classifier
    verdict = None if made is None else compare(made, out, judge, id_name=case.id_name)
    if verdict is not None and case.kind == "parquet":
        # Readers differ in what they make of damaged pages: what none of them reads is wrong.
        again = server.read(folder / case.name, by_arrow=True)
        verdict = verdict if again is None else compare(again, out, judge, id_name=case.id_name)
    return verdict


def _judge_releases(case: FileCase, folder: Path, server: ForkServer) -> Verdict | None:
    """Judge the points of an output against those of both releases."""
    output = folder / case.arguments[case.arguments.index("-o") + 1]
    if not output.is_file():
        return "wrong result", f"{output.name} not written"
    out = server.read(output)
    if out is None:
        return "wrong result", f"{output.name} cannot be read by another reader"
    old, new = (server.read(folder / name) for name in case.arguments[1:3])
    if old is None or new is None or "--alert" in case.arguments:
        return None
    return compare_releases(case.arguments[0], old, new, out, id_name=case.id_name)


def _compare_real(case: FileCase, folder: Path, ended: Ended) -> Verdict | None:
    """Run a case as a process of its own; it must end as its fork has, unless that had too little memory."""
    if ended.code == MemoryLimitError.exit_code:
        return None  # forks alone have a limit of the address space
    for name in case.outputs:
        (folder / name).unlink(missing_ok=True)
    real = run_process(case.arguments, folder)
    if real.code != ended.code:
        return "wrong code", f"{real.describe_code()} of a process of its own, {ended.describe_code()} of a fork"
    return None
