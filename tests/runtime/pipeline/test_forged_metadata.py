"""Metadata of ours that somebody has changed: at most one line of an error, in every command that reads them."""

from __future__ import annotations

import base64
import copy
import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, DataError, InsarRuntimeError, classify_file, restore
from insar_runtime._classified.classify_first import Classification
from insar_runtime._output.block_shape import parse_block
from insar_runtime._output.run_metadata import METADATA_KEY, read_block
from insar_runtime._printable import printable
from insar_runtime._report.write import write_report
from insar_runtime._show.find_point import find_point
from insar_runtime._show.point_text import Look, describe_point
from tests.runtime.tables import series, wide, write

DEEP = "[" * 100_000
ODD: list[Any] = [
    None, True, -1, 1.5, float("nan"), float("inf"), 10**400, "", "x" * 5000, "\x1b[31m", "\ud800", "2020-13-01", [],
    {}, [1], ["2020-01-01"], {"a": 1}, {"shares": {}}, 1 << 70, [[[[]]]], "class_id",
]  # fmt: skip
"""Values that no key, or hardly one, has."""


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(device="cpu", threads=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, classifier: Classifier) -> Path:
    """Folder of an input, its classified table as Parquet and CSV, and its corrected one."""
    folder = tmp_path_factory.mktemp("made")
    displacement, dates = series(40, 60, seed=1)
    displacement[3:6, 30:] += 28
    source = write(wide(displacement, dates), folder / "in.parquet")
    options: dict[str, Any] = {"classifier": classifier, "diagnose": True, "keep_series": True}
    classify_file(source, folder / "o.parquet", also=[folder / "o.csv"], corrected=folder / "c.parquet", **options)
    classify_file(source, folder / "plain.parquet", classifier=classifier)
    return folder


def _places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if here:
        yield here
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else list(enumerate(value))[:2]:
            yield from _places(item, (*here, key))


def _forged(block: dict[str, Any], rng: random.Random) -> str:
    block = copy.deepcopy(block)
    *way, last = rng.choice(list(_places(block)))
    part = block
    for key in way:
        part = part[key]
    if rng.random() < 0.2:
        del part[last]
    else:
        part[last] = rng.choice(ODD)
    return json.dumps(block)


def _show(path: Path, classifier: Classifier) -> None:
    point = find_point(path, row=3, open_classifier=lambda: classifier)
    describe_point(printable(point), Look(80, plain=True, coloured=False))


def _try(path: Path, folder: Path, classifier: Classifier) -> None:
    """Show and report a table; an error of ours is one line, and no other one comes."""
    page = folder / "page.html"
    for work in (
        lambda: _show(path, classifier),
        lambda: write_report(path, page, classification=Classification(lambda: classifier), overwrite=True),
    ):
        try:
            work()
        except InsarRuntimeError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017 - there need be no error


@pytest.mark.parametrize("name", ["o.parquet", "o.csv"])
def test_values_of_wrong_types(made: Path, tmp_path: Path, classifier: Classifier, name: str) -> None:
    rng = random.Random(name)
    block = read_block(made / name)
    assert block is not None
    texts = [*(_forged(block, rng) for _ in range(25)), "", "[]", "null", "NaN", DEEP, '{"input": ' + DEEP, "9" * 9999]
    path = tmp_path / name
    path.write_bytes((made / name).read_bytes())
    table = pq.read_table(path) if name == "o.parquet" else None
    for text in texts:
        if table is not None:
            pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b"insar_runtime": text}), path)
        else:
            size = path.stat().st_size
            path.with_name("o.csv.json").write_text(f'{{"insar_runtime": {text}, "bytes": {size}}}', errors="replace")
        _try(path, tmp_path, classifier)


@pytest.mark.parametrize("key", ["geo", "insar_runtime:dates"])
@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "1", DEEP, '["x"]', '{"primary_column": [], "columns": []}',
     '{"primary_column": "geometry", "columns": {"geometry": {"crs": {"id": {"authority": "EPSG", "code": 1e999}}}}}',
     '{"primary_column": "geometry", "columns": {"geometry": {"crs": {"name": "\\ud800", "id": {"authority": "EPSG", '
     '"code": 99999999999999999999}}}}}'],
)  # fmt: skip
def test_other_keys(made: Path, tmp_path: Path, classifier: Classifier, key: str, text: str) -> None:
    table = pq.read_table(made / "c.parquet")
    names = [name for name in table.schema.names if not name.startswith("corrected")]
    table = table.select(names).replace_schema_metadata({**(table.schema.metadata or {}), key: text})
    table = table.append_column("geometry", pa.array([b""] * len(table)))
    pq.write_table(table, tmp_path / "in.parquet")
    for extension in ("parquet", "gpkg"):
        classify_file(
            tmp_path / "in.parquet", tmp_path / f"o.{extension}", quarantine=tmp_path / "b.csv", overwrite=True,
            classifier=classifier,
        )  # fmt: skip
    _try(tmp_path / "o.parquet", tmp_path, classifier)


def test_an_output_whose_metadata_lack_something_is_made_anew(
    made: Path, tmp_path: Path, classifier: Classifier
) -> None:
    """Even if it says that it comes from this very run."""
    table = pq.read_table(made / "plain.parquet")
    block = json.loads(table.schema.metadata[b"insar_runtime"])
    output = tmp_path / "o.parquet"
    for key in (*block, *(("input", key) for key in block["input"])):
        less = copy.deepcopy(block)
        if isinstance(key, tuple):
            del less[key[0]][key[1]]
        else:
            del less[key]
        pq.write_table(table.replace_schema_metadata({"insar_runtime": json.dumps(less)}), output)
        summary = classify_file(made / "in.parquet", output, classifier=classifier, skip_existing=True)
        assert summary.rows == 40


def _corrected(made: Path, path: Path, **changes: Any) -> Path:
    table = pq.read_table(made / "c.parquet")
    block = json.loads(table.schema.metadata[b"insar_runtime"])
    block["corrected"] = {**block["corrected"], **changes}
    pq.write_table(table.replace_schema_metadata({"insar_runtime": json.dumps(block)}), path)
    return path


def _text(schema: pa.Schema) -> str:
    return base64.b64encode(schema.serialize()).decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"series": []},
        {"series": ["pid"]},
        {"series": ["none"]},
        {"series": 5},
        {"series": [None]},
        {"schema": "%%%"},
        {"schema": ""},
        {"schema": None},
        {"schema": base64.b64encode(b"\xff" * 64).decode()},
        {"schema": _text(pa.schema([]))},
        {"schema": _text(pa.schema([("pid", pa.int64()), ("latitude", pa.list_(pa.int8()))])), "series": ["latitude"]},
        {"schema": _text(pa.schema([("pid", pa.string()), ("latitude", pa.float64())])), "series": ["latitude", "pid"]},
    ],
)
def test_a_correction_that_is_none(made: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    source = _corrected(made, tmp_path / "c.parquet", **changes)
    with pytest.raises(DataError, match=r"corrected|columns"):
        restore(source, tmp_path / "back.parquet")
    with pytest.raises(InsarRuntimeError):
        restore(source, tmp_path / "back.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["c.parquet"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gpkg_metadata SET metadata = x'ff00'",
        "UPDATE gpkg_metadata SET metadata = 5",
        "UPDATE gpkg_metadata SET metadata = '[[[['",
        "DELETE FROM gpkg_metadata",
        "DROP TABLE gpkg_metadata",
        "DROP TABLE gpkg_metadata; CREATE VIEW gpkg_metadata AS WITH RECURSIVE n(metadata, md_standard_uri) AS "
        "(SELECT 1, 'x' UNION ALL SELECT metadata + 1, 'x' FROM n) SELECT * FROM n",
    ],
)
def test_tables_of_a_geopackage(made: Path, tmp_path: Path, classifier: Classifier, statement: str) -> None:
    output = tmp_path / "o.gpkg"
    classify_file(made / "in.parquet", output, classifier=classifier)
    with closing(sqlite3.connect(output)) as database:
        database.executescript(statement)
    assert read_block(output) is None
    assert not classify_file(made / "in.parquet", output, classifier=classifier, skip_existing=True).skipped


def test_what_we_write_is_ours(made: Path) -> None:
    for name in ("o.parquet", "o.csv", "c.parquet", "plain.parquet"):
        block = read_block(made / name)
        assert block is not None, name
        assert parse_block(json.dumps(block)) == block
    metadata = pq.read_metadata(made / "o.parquet").metadata
    assert json.loads(metadata[METADATA_KEY.encode()]) == read_block(made / "o.parquet")
