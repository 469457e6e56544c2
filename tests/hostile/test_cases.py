"""The cases of the harness: the same for the same seed, valid where nothing is damaged, of every kind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hostile.chance import case_generator
from hostile.files.byte_damage import DAMAGES as BYTE_DAMAGES
from hostile.files.byte_damage import damage_bytes
from hostile.files.case import make_case
from hostile.files.container_damage import DAMAGES as CONTAINER_DAMAGES
from hostile.files.containers import EXTENSIONS, WRITERS
from hostile.files.expected import find_points
from hostile.files.independent import read_plain
from hostile.files.made_table import ID_NAMES, make_table
from hostile.files.table_damage import DAMAGES as TABLE_DAMAGES
from hostile.json_damage import forge
from tests.conftest import ROOT

CASES = 25


def test_a_case_is_the_same_in_any_process() -> None:
    code = (
        "import hashlib; from hostile.files.case import make_case\n"
        f"for n in range({CASES}):\n"
        "    case = make_case(5, n)\n"
        "    print(hashlib.sha256(case.content).hexdigest(), case.tried, *case.arguments)"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONPATH": f"{ROOT}:{ROOT / 'runtime'}", "PYTHONHASHSEED": str(k), "TZ": f"UTC{k}"},
            capture_output=True,
            check=True,
        ).stdout
        for k in (1, 2)
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].splitlines()) == CASES


def test_seeds_and_numbers_make_different_cases() -> None:
    contents = {make_case(seed, number).content for seed in (1, 2) for number in range(10)}
    assert len(contents) == 20


def test_many_containers_damages_and_commands_are_tried() -> None:
    cases = [make_case(9, number) for number in range(240)]
    assert {case.kind for case in cases} >= set(WRITERS) - {"h5"}
    commands = {"classify", "inspect", "show", "report", "convert", "compare", "join", "areas"}
    assert {case.arguments[0] for case in cases} == commands
    for case in cases:
        assert (case.other is not None) == (case.arguments[0] in {"compare", "join"})
    tried = " ".join(case.tried for case in cases)
    for damages in (BYTE_DAMAGES, TABLE_DAMAGES):
        assert sum(name in tried for name in damages) > 0.7 * len(damages)
    assert sum(name in tried for known in CONTAINER_DAMAGES.values() for name in known) > 20
    assert sum(case.must_be_taken for case in cases) > 5


@pytest.mark.parametrize("kind", ["parquet", "arrow", "arrows", "csv", "zip", "csv.gz", "csv.bz2", "gpkg"])
def test_undamaged_files_hold_what_was_made(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("duckdb", reason="duckdb is not installed (group neighbours)")
    for number in range(12):
        rng = case_generator(3, kind, number)
        made = make_table(rng, "wide", plain_types=True)
        path = tmp_path / f"table-{number}{EXTENSIONS[kind]}"
        path.write_bytes(WRITERS[kind](rng, made.table))
        found = read_plain(path)
        assert found is not None
        assert found.rows == len(made.table)
        id_name = next(name for name in made.table.schema.names if name in ID_NAMES)
        points = find_points(found, id_name)
        assert points is not None
        assert points.ids == made.table[id_name].to_pylist()
        assert points.values.shape == (len(made.table), made.epochs)
        series = [name for name in made.table.schema.names if sum(map(str.isdigit, name)) >= 8]
        by_date = sorted(series, key=lambda name: "".join(filter(str.isdigit, name)))
        wanted = np.array([made.table[name].to_pylist() for name in by_date], dtype=float).T
        assert np.array_equal(points.values, wanted, equal_nan=True)


@pytest.mark.parametrize("layout", ["list", "fixed", "long"])
def test_other_layouts_are_read_as_well(layout: str, tmp_path: Path) -> None:
    for number in range(8):
        rng = case_generator(4, layout, number)
        made = make_table(rng, layout)  # type: ignore[arg-type]
        path = tmp_path / f"table-{number}.arrow"
        path.write_bytes(WRITERS["arrow"](rng, made.table))
        found = read_plain(path)
        assert found is not None
        id_name = next(name for name in made.table.schema.names if name in ID_NAMES)
        points = find_points(found, id_name)
        assert points is not None
        assert points.ids == list(dict.fromkeys(made.table[id_name].to_pylist()))
        assert len(points.dates) == made.epochs


@pytest.mark.parametrize("name", sorted(BYTE_DAMAGES))
def test_bytes_are_damaged(name: str) -> None:
    content, other = bytes(range(256)) * 20, b"other" * 900
    changed = [BYTE_DAMAGES[name](case_generator(1, name, k), content, other) for k in range(10)]
    assert sum(data != content for data in changed) >= 8


def test_nothing_is_too_short_to_damage() -> None:
    for content in (b"", b"x", b"xy"):
        for number in range(100):
            damage_bytes(case_generator(2, "short", number), content, b"z")


def test_forged_json_differs() -> None:
    value = {"rows": 3, "input": {"unit": "mm", "dates": ["2020-01-01"]}, "classes": [1, 2, 3]}
    texts = {forge(case_generator(1, "forge", number), value)[0] for number in range(60)}
    assert len(texts) > 30
