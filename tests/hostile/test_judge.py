"""The judge finds each bad outcome, and only where it is one."""

from __future__ import annotations

import csv
import json
import signal
from pathlib import Path

import numpy as np
import pytest

from hostile.ended import Ended, snapshot
from hostile.files.expected import compare, find_points
from hostile.files.independent import PlainTable
from hostile.files.releases import compare_releases
from hostile.judge import judge_files, judge_process
from hostile.record import write_record
from hostile.results import BAD, GOOD, CaseResult, one_line
from insar_runtime import Classifier

REFUSED = b"insar-rt: error: in.csv is empty: fetch or write it again\n"
EPOCHS = 40


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        (Ended(0, b"", b"out.parquet: 3 rows\n"), "ok"),
        (Ended(65, b"", REFUSED), "refused"),
        (Ended(65, b"", b"note: odd\n" + REFUSED), "refused"),
        (Ended(74, b"", REFUSED), "wrong code"),
        (Ended(1, b"", b"Traceback (most recent call last)\n  ...\nKeyError: 'a'\n"), "traceback"),
        (Ended(0, b"", b"Exception ignored in: <a>\n"), "traceback"),
        (Ended(-signal.SIGSEGV, b"", b""), "crash"),
        (Ended(65, b"", b"terminate called after throwing\n" + REFUSED), "crash"),
        (Ended(-signal.SIGALRM, b"", b"", hung=True), "hang"),
        (Ended(0, b"", b"", peak_mb=5000), "memory"),
        (Ended(65, b"", b""), "wrong message"),
        (Ended(65, b"", REFUSED * 2), "wrong message"),
        (Ended(65, b"", REFUSED + b"more\n"), "wrong message"),
        (Ended(65, b"", b"insar-rt: error: " + b"x" * 490 + b"\n"), "wrong message"),
        (Ended(65, b"", b"insar-rt: error: \x1b[31m\n"), "wrong message"),
        (Ended(0, b"", REFUSED), "wrong message"),
        (Ended(65, b"", b"insar-rt: error: /tmp/insar-rt-1/classified.parquet has no ids\n"), "wrong message"),
    ],
)
def test_processes(ended: Ended, outcome: str) -> None:
    assert judge_process(ended, most_mb=1000)[0] == outcome


def test_files(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a")
    (tmp_path / "out.csv").write_text("old")
    before = snapshot(tmp_path)
    done, refused, outputs = Ended(0, b"", b""), Ended(65, b"", REFUSED), {"out.csv"}
    assert judge_files(refused, before, snapshot(tmp_path), outputs) is None
    (tmp_path / "out.csv").write_text("new")
    assert judge_files(done, before, snapshot(tmp_path), outputs) is None
    verdict = judge_files(refused, before, snapshot(tmp_path), outputs)
    assert verdict is not None
    assert verdict[0] == "old output lost"
    (tmp_path / ".out.csv.partial-1").write_text("ne")
    for ended in (done, refused):
        verdict = judge_files(ended, snapshot(tmp_path) | before, snapshot(tmp_path), outputs)
    verdict = judge_files(done, before, snapshot(tmp_path), outputs)
    assert verdict is not None
    assert verdict[0] == "partial output"
    (tmp_path / ".out.csv.partial-1").unlink()
    (tmp_path / "out.csv").unlink()
    for ended in (done, refused):
        verdict = judge_files(ended, before, snapshot(tmp_path), outputs)
        assert verdict is not None
        assert verdict[0] == "old output lost"
    verdict = judge_files(done, {}, {}, outputs)
    assert verdict is not None
    assert verdict[0] == "wrong result"


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(threads=1)


def table(values: list[list[float]], ids: list[str]) -> PlainTable:
    names = [f"2020{month:02d}{day:02d}" for month in range(1, 9) for day in (1, 7, 13, 19, 25)][:EPOCHS]
    columns = [[row[k] for row in values] for k in range(EPOCHS)]
    return PlainTable(["pid", *names], [list(ids), *columns], {})


def test_rows_ids_and_classes(classifier: Classifier) -> None:
    rows = [[0.1 * (k % 3) for k in range(EPOCHS)], [1.5 * k for k in range(EPOCHS)]]
    made = table(rows, ["a", "b"])
    dates = np.array([f"{n[:4]}-{n[4:6]}-{n[6:]}" for n in made.names[1:]], dtype="datetime64[D]")
    classes = classifier.classify(np.array(rows, np.float32), dates).class_id.tolist()
    assert classes[0] != classes[1]

    def outcome(ids: list[str], class_ids: list[int]) -> str | None:
        verdict = compare(made, PlainTable(["pid", "class_id"], [ids, class_ids], {}), classifier, id_name="pid")
        return None if verdict is None else verdict[0]

    assert outcome(["a", "b"], classes) is None
    assert outcome(["a"], classes[:1]) == "lost rows"
    assert outcome(["b", "a"], classes) == "wrong result"
    assert outcome(["a", "b"], classes[::-1]) == "wrong result"


def test_converted_series(classifier: Classifier) -> None:
    made = table([[0.5 * k for k in range(EPOCHS)]], ["a"])
    assert compare(made, made, classifier, id_name="pid") is None
    other = table([[0.5 * k + 0.1 * (k == 7) for k in range(EPOCHS)]], ["a"])
    verdict = compare(made, other, classifier, id_name="pid")
    assert verdict is not None
    assert verdict[0] == "wrong result"
    fewer = PlainTable(made.names[:-1], made.columns[:-1], {})
    verdict = compare(made, fewer, classifier, id_name="pid")
    assert verdict is not None
    assert "dates" in verdict[1]


@pytest.mark.parametrize(
    ("command", "column", "alone"), [("join", "join_release", "old"), ("compare", "match", "gone")]
)
def test_points_of_two_releases(command: str, column: str, alone: str) -> None:
    old, new = table([[0.0] * EPOCHS] * 2, ["a", "b"]), table([[0.0] * EPOCHS] * 2, ["b", "c"])
    name = "id" if command == "compare" else "pid"

    def outcome(ids: list[str], of: list[str], old: PlainTable = old) -> str | None:
        verdict = compare_releases(command, old, new, PlainTable([name, column], [ids, of], {}), id_name="pid")
        return None if verdict is None else verdict[0]

    assert outcome(["b", "c", "a"], ["both", "new", alone]) is None
    assert outcome(["b", "c", "b", "a"], ["new", "new", alone, alone]) is None
    assert outcome(["b", "c"], ["both", "new"]) == "lost rows"
    assert outcome(["c", "a"], ["new", alone]) == "lost rows"
    assert outcome(["c", "b", "a"], ["both", "new", alone]) == "wrong result"


@pytest.mark.parametrize("name", ["00010101", "18991231", "99991231"])
def test_a_column_of_another_era_is_no_date(name: str) -> None:
    made = table([[0.5 * k for k in range(EPOCHS)]], ["a"])
    points = find_points(PlainTable([*made.names, name], [*made.columns, [1.0]], {}), "pid")
    assert points is not None
    assert len(points.dates) == EPOCHS


def test_the_record_counts_every_outcome(tmp_path: Path) -> None:
    cases = [
        CaseResult("files", number, "csv", "nothing", "classify", outcome, 0)
        for number, outcome in enumerate((*GOOD, *BAD))
    ]
    assert [case.is_bad for case in cases] == [False] * len(GOOD) + [True] * len(BAD)
    write_record({"files": cases}, 7, {"files": 90.0}, tmp_path)
    with (tmp_path / "files.csv").open(encoding="utf-8", newline="") as file:
        assert [row["outcome"] for row in csv.DictReader(file)] == [*GOOD, *BAD]
    facts = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert (facts["seed"], facts["counts"], facts["minutes"]) == (7, {"files": len(cases)}, {"files": 1.5})
    text = (tmp_path / "README.md").read_text("utf-8")
    assert f"seed 7: {len(cases)} cases, {len(BAD)} with an outcome that\nmust not be" in text
    assert f"| files | csv | {len(cases)} | 1 | 2 | {len(BAD)} |" in text


def test_details_are_one_printable_line() -> None:
    assert one_line("a\n\x1b[31mb\tä") == "a \\x1b[31mb \\xe4"
    assert len(one_line("x" * 1000)) == 300
