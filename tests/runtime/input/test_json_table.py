"""GeoJSON, JSON lines and lists of objects: read by convert alone, a row for each point."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._convert.run import convert
from insar_runtime._input.opening import open_source
from insar_runtime._input.readers.json_elements import JsonElements
from insar_runtime._output.geometry import find_geometry, points_of
from insar_runtime.errors import DataError
from tests.runtime import tables


def feature(place: Any = (7.5, 45.5), **properties: Any) -> dict[str, Any]:
    shape = None if place is None else {"type": "Point", "coordinates": list(place)}
    return {"type": "Feature", "properties": properties, "geometry": shape}


def collection(*features: Any, **members: Any) -> str:
    return json.dumps({"type": "FeatureCollection", **members, "features": list(features)})


def read(path: Path) -> pa.Table:
    with open_source(path, reads_json=True) as source:
        assert source.kind == "json"
        table = pa.Table.from_batches(source.batches(), source.schema)
        assert source.rows == len(table)
        return table


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "a.geojson"
    path.write_text(text, "utf-8")
    return path


ROWS = [{"CODE": f"Ä{i}", "VEL": i / 4, "D20200103": i, "D20200109": i / 8 if i else None} for i in range(5)]


@pytest.mark.parametrize(
    "text",
    [
        collection(*(feature(**row) for row in ROWS)),
        "\ufeff" + collection(*(feature(**row) for row in ROWS)) + "\n",
        json.dumps(json.loads(collection(*(feature(**row) for row in ROWS))), indent=2),
        "\n".join(json.dumps(feature(**row)) for row in ROWS),
        "".join(f"\x1e{json.dumps(feature(**row))}\n" for row in ROWS),
        "\r\n\r\n".join(json.dumps(row) for row in ROWS) + "\r\n",
        json.dumps(ROWS),
        " ".join(json.dumps(row, indent=1) for row in ROWS),
    ],
)
def test_every_way_of_writing_it(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for chunk in (7, 64, 1 << 20):
        monkeypatch.setattr("insar_runtime._input.readers.json_elements._CHUNK", chunk)
        table = read(write(tmp_path, text))
        assert table["CODE"].to_pylist() == [f"Ä{i}" for i in range(5)]
        assert table["VEL"].to_pylist() == [0, 0.25, 0.5, 0.75, 1]
        assert table["D20200103"].type == pa.float32()
        assert table["D20200109"].to_pylist() == [None, 0.125, 0.25, 0.375, 0.5]
        assert ("geometry" in table.schema.names) == ("Point" in text)


def test_a_geojson_is_converted_to_the_same_as_a_parquet(tmp_path: Path) -> None:
    table = tables.wide(*tables.series(points=40), prefix="D")
    tables.write(table, tmp_path / "a.parquet")
    rows = [
        feature((row["longitude"], row["latitude"]), **{k: None if v != v else v for k, v in row.items()})  # noqa: PLR0124
        for row in table.to_pylist()
    ]
    path = write(tmp_path, collection(*rows))
    done = convert([path], tmp_path / "b.parquet")
    convert([tmp_path / "a.parquet"], tmp_path / "c.parquet")
    assert done.rows == 40
    ours, same = pq.read_table(tmp_path / "b.parquet"), pq.read_table(tmp_path / "c.parquet")
    assert ours["displacement"].equals(same["displacement"])
    assert ours["geometry"].equals(same["geometry"])


def test_classify_names_convert(tmp_path: Path) -> None:
    path = write(tmp_path, collection(feature(**ROWS[0])))
    message = r"is GeoJSON: bring it to Parquet: insar-rt convert .*a\.geojson -o OUT"
    with pytest.raises(DataError, match=message), open_source(path):
        pass


def test_types_of_properties(tmp_path: Path) -> None:
    rows = [
        {"id": 7, "whole": 1 << 60, "mixed": 1, "yes": True, "list": [1, 2.5], "words": ["a"], "deep": {"a": [1]}},
        {"whole": 2, "mixed": "x", "list": [None], "words": [], "late": 1.5, "D20200103": "1.25"},
        {"D20200103": "", "D20200109": 4},
    ]
    table = read(write(tmp_path, json.dumps(rows)))
    assert table.to_pydict() == {
        "id": [7, None, None],
        "whole": [1 << 60, 2, None],
        "mixed": ["1", "x", None],
        "yes": [True, None, None],
        "list": [[1, 2.5], [None], None],
        "words": [["a"], [], None],
        "deep": ['{"a": [1]}', None, None],
        "late": [None, 1.5, None],
        "D20200103": [None, 1.25, None],
        "D20200109": [None, None, 4],
    }


def test_ids_of_features_and_places(tmp_path: Path) -> None:
    features = [
        {**feature(D20200103=1, D20200109=2), "id": 12},
        {**feature(None, D20200103=1, D20200109=2), "id": "b"},
        {**feature((1, 2, 3), D20200103=1, D20200109=2)},
        {**feature(), "geometry": {"type": "MultiPoint", "coordinates": [[3, 4]]}},
        {**feature(), "properties": None},
    ]
    table = read(write(tmp_path, collection(*features)))
    assert table["id"].to_pylist() == ["12", "b", None, None, None]
    geometry = find_geometry(table.schema)
    assert geometry is not None
    assert geometry.is_longitude_latitude
    points = points_of(table.combine_chunks().to_batches()[0], geometry)
    wanted = np.array([[7.5, 45.5], [np.nan, np.nan], [1, 2], [3, 4], [7.5, 45.5]])
    assert np.array_equal(points, wanted, equal_nan=True)


@pytest.mark.parametrize(
    ("name", "code"),
    [("urn:ogc:def:crs:EPSG::32632", 32632), ("EPSG:3035", 3035), ("urn:ogc:def:crs:OGC:1.3:CRS84", None)],
)
def test_systems_as_geojson_of_2008_names_them(tmp_path: Path, name: str, code: int | None) -> None:
    crs = {"type": "name", "properties": {"name": name}}
    table = read(write(tmp_path, collection(feature(**ROWS[1]), crs=crs)))
    column = json.loads(table.schema.metadata[b"geo"])["columns"]["geometry"]
    assert (column["crs"]["id"]["code"] if code else column.get("crs", "none")) == (code or "none")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (collection(feature(**ROWS[1]))[:-20], "no JSON that can be read .*: write it again"),
        ('{"type": "FeatureCollection", "features": [', "the text ends within a value"),
        ('[{"a": 1}, {"a" 2}]', "no JSON that can be read"),
        ('[{"a": 1} {"a": 2}]', "elements are separated by commas"),
        ('[{"a": 1}] x', "something follows the list"),
        ('{"a": 1.x}', "no JSON that can be read"),
        ('[{"a": ' + "[" * 100_000, "no JSON that can be read|damaged or incomplete"),
        ('[{"a": ' + "9" * 5000 + "}]", "no JSON that can be read"),
        ('[{"a": 1}, 2]', "element 2 is no object"),
        ("[{}]", "no features or objects with properties"),
        (collection(), "no features or objects with properties"),
        (collection(feature(**ROWS[0]), {"type": "Feature", "properties": 3}), "properties of feature 2 are no object"),
        (
            collection({**feature(**ROWS[0]), "geometry": {"type": "Polygon", "coordinates": []}}),
            "feature 1 is a Polygon, and only points are read",
        ),
        (collection(feature(("x", 2), **ROWS[0])), "coordinates that are not numbers"),
        (json.dumps([{"a": 1}, {"a": 1 << 70}]), "property 'a' holds what is no int64"),
        (json.dumps([{"D20200103": "x", "D20200109": 1}]), "property 'D20200103' holds what is no float"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(write(tmp_path, text))
    assert "\n" not in str(caught.value)


@given(
    st.lists(
        st.dictionaries(
            st.text(max_size=3),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
                lambda inner: st.lists(inner, max_size=3),
                max_leaves=5,
            ),
            max_size=4,
        ),
        max_size=6,
    ),
    st.integers(1, 30),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_elements_are_those_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], chunk: int, indent: int | None, as_list: bool
) -> None:
    path = tmp_path_factory.mktemp("json") / "a.json"
    whole = json.dumps(rows, indent=indent) if as_list else "\n".join(json.dumps(row, indent=indent) for row in rows)
    path.write_text(whole, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("insar_runtime._input.readers.json_elements._CHUNK", chunk)
        assert list(JsonElements(path)) == [row for row in rows if as_list or "features" not in row]
