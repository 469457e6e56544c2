"""``insar-rt areas``: outputs in all formats, the point table, raw tables, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

shapely = pytest.importorskip("shapely")
pytest.importorskip("scipy")
pytest.importorskip("pyproj")

import insar_runtime
from insar_runtime import Classifier, UnavailableError, UsageError, find_areas
from insar_runtime._areas.schema import AREA_SCHEMA, SERIES_FIELDS
from insar_runtime._output.run_metadata import read_block
from insar_runtime._spatial import require as require_module
from insar_runtime.errors import DataError
from tests.runtime.areas.conftest import DATES, EPOCHS, Made
from tests.runtime.outputs import query
from tests.runtime.run_command import refused, run
from tests.runtime.tables import wide, write


@pytest.fixture(scope="module")
def folder(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Areas of one table in all formats, and the point table."""
    into = tmp_path_factory.mktemp("outputs")
    done = run("areas", made.classified, "-o", into / "areas.parquet", "--series", "--points", into / "points.parquet")
    assert done.returncode == 0, done.stderr.decode()
    assert re.search(
        r"areas\.parquet: 2 areas \(2 of quality 1\), \d+ of \d+ moving points in them", done.stderr.decode()
    )
    for name in ("areas.gpkg", "areas.geojson", "areas.csv"):
        find_areas(made.classified, into / name, series=True)
    return into


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_areas_are_those_that_move(folder: Path, made: Made) -> None:
    table = pq.read_table(folder / "areas.parquet")
    assert table.schema.names == [*AREA_SCHEMA.names, *(field.name for field in SERIES_FIELDS), "geometry", "bbox"]
    assert table.schema.types[: len(AREA_SCHEMA)] == AREA_SCHEMA.types
    rows = {row["class_name"]: row for row in table.to_pylist()}
    assert sorted(row["area_id"] for row in rows.values()) == [1, 2]
    ring, band = rows["Linear"], rows["Bilinear"]
    assert ring["rate_mm_yr"] == pytest.approx(-12, abs=0.5)
    assert ring["displacement_mm"] == pytest.approx(-12 * 79 * 12 / 365.25, abs=6)
    assert ring["break_date"] is None
    assert band["share_bilinear"] > 0.5
    assert abs((np.datetime64(band["break_date"]) - DATES[40]).astype(int)) < 30
    x, y = made.points_m.T
    for row, number in ((ring, 1), (band, 2)):
        shape = shapely.from_wkb(row["geometry"])
        inside = shapely.contains_xy(shape, x, y)
        assert overlap(inside, made.area == number) > 0.85
        assert row["points"] == inside.sum()
        assert row["moving_share"] == pytest.approx(row["moving_points"] / row["points"])
        assert row["area_m2"] == pytest.approx(shape.area)
        assert row["bbox"]["xmin"] == shape.bounds[0]
        assert len(row["median_mm"]) == len(row["dates"]) == EPOCHS
        assert all(low <= mid <= high for low, mid, high in zip(
            row["lower_quartile_mm"], row["median_mm"], row["upper_quartile_mm"], strict=True))  # fmt: skip
    # The points in the middle of the ring do not move.
    assert len(shapely.from_wkb(ring["geometry"]).interiors) == 1


def test_the_point_table_has_the_area_of_each_point(folder: Path, made: Made) -> None:
    before, after = pq.read_table(made.classified), pq.read_table(folder / "points.parquet")
    assert after.drop_columns(["area_id"]).equals(before)
    of_point = after["area_id"].fill_null(0).to_numpy()
    areas = pq.read_table(folder / "areas.parquet", columns=["area_id", "class_name"]).to_pylist()
    for row in areas:
        assert overlap(of_point == row["area_id"], made.area == {"Linear": 1, "Bilinear": 2}[row["class_name"]]) > 0.85
    block = read_block(folder / "points.parquet")
    assert block is not None
    assert block["areas"]["count"] == 2
    assert block["classes"] == (read_block(made.classified) or {})["classes"]
    assert json.loads(after.schema.metadata[b"geo"])["primary_column"] == "geometry"


def test_metadata_say_what_was_searched(folder: Path) -> None:
    file = pq.read_metadata(folder / "areas.parquet")
    assert sorted(file.metadata) == [b"ARROW:schema", b"geo", b"insar_runtime"]
    assert pq.read_schema(folder / "areas.parquet").metadata[b"geo"] == file.metadata[b"geo"]
    for name in ("areas.parquet", "areas.gpkg", "areas.csv"):
        block = read_block(folder / name)
        assert block is not None
        assert block["package_version"] == insar_runtime.__version__
        assert block["areas"]["classes"] == ["Linear", "Quadratic", "Bilinear", "Other"]
        assert block["areas"]["search"]["distance_m"] == pytest.approx(2.3 * 1000 / 1500**0.5, rel=0.2)
        assert block["areas"]["search"]["rates_from"] == "diagnosis"


def test_all_formats_hold_the_same_areas(folder: Path) -> None:
    rows = pq.read_table(folder / "areas.parquet").to_pylist()
    collection = json.loads((folder / "areas.geojson").read_text())
    csv = pacsv.read_csv(folder / "areas.csv").to_pylist()
    gpkg = query(folder / "areas.gpkg", "SELECT area_id, class_name, moving_points, median_mm, break_date FROM areas")
    pyproj = pytest.importorskip("pyproj")
    to_degrees = pyproj.Transformer.from_crs("EPSG:32633", "OGC:CRS84", always_xy=True)
    for row, feature, line, in_gpkg in zip(rows, collection["features"], csv, gpkg, strict=True):
        properties = feature["properties"]
        for name in AREA_SCHEMA.names:
            value = row[name]
            text = properties[name] if value is None or isinstance(value, (int, str, float)) else str(value)
            if isinstance(value, float):
                assert properties[name] == pytest.approx(value, rel=1e-5)
                assert line[name] == pytest.approx(value, rel=1e-5)
            else:
                assert text == (value if isinstance(value, (int, str, type(None))) else properties[name])
                assert str(line[name]) == str(value)
        assert in_gpkg[:3] == (row["area_id"], row["class_name"], row["moving_points"])
        assert json.loads(in_gpkg[3]) == pytest.approx(row["median_mm"], rel=1e-5)
        assert in_gpkg[4] == (None if row["break_date"] is None else str(row["break_date"]))
        shape = shapely.from_wkb(row["geometry"])
        assert shapely.from_wkt(line["geometry"]).equals_exact(shape, 1e-3)
        at = to_degrees.transform(shape.centroid.x, shape.centroid.y)
        assert shapely.geometry.shape(feature["geometry"]).centroid.distance(shapely.Point(at)) < 1e-5


def test_other_software_reads_the_outlines(folder: Path) -> None:
    geopandas = pytest.importorskip("geopandas")
    pytest.importorskip("pyogrio")
    frames = [geopandas.read_parquet(folder / "areas.parquet"), *map(
        geopandas.read_file, (folder / "areas.gpkg", folder / "areas.geojson"))]  # fmt: skip
    for frame in frames:
        assert len(frame) == 2
        assert frame.geometry.is_valid.all()
    assert [frame.crs.to_epsg() for frame in frames] == [32633, 32633, 4326]
    assert frames[1].geometry.area.to_numpy() == pytest.approx(frames[0].geometry.area.to_numpy())
    ((style, default),) = query(folder / "areas.gpkg", "SELECT styleQML, useAsDefault FROM layer_styles")
    assert default == 1
    assert 'type="fill"' in style
    assert 'attr="class_name"' in style
    assert query(folder / "areas.gpkg", "SELECT geometry_type_name FROM gpkg_geometry_columns") == [("MULTIPOLYGON",)]
    assert query(folder / "areas.gpkg", "SELECT count(*) FROM rtree_areas_geom") == [(2,)]
    box = frames[0].total_bounds
    within = f"maxx >= {box[0]} AND minx <= {box[2]} AND maxy >= {box[1]} AND miny <= {box[3]}"
    assert query(folder / "areas.gpkg", f"SELECT count(*) FROM rtree_areas_geom WHERE {within}") == [(2,)]


def test_a_raw_table_is_classified_and_diagnosed_first(made: Made, folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "areas.parquet"
    done = run("areas", made.raw, "-o", output, "--units", "mm", "--crs", "EPSG:32633", "--json", "--device", "cpu")
    assert done.returncode == 0, done.stderr.decode()
    facts = json.loads(done.stdout)
    assert facts["areas"] == 2
    assert facts["rows"] == 1500
    assert facts["quality"] == {"1": 2, "2": 0, "3": 0, "4": 0}
    found = pq.read_table(output).drop_columns(["geometry", "bbox"])
    assert found.equals(pq.read_table(folder / "areas.parquet").select(found.column_names))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["areas.parquet"]


def test_rates_come_from_the_series_where_there_is_no_diagnosis(make: Callable[..., Made], tmp_path: Path) -> None:
    plain = make(diagnose=False)
    done = find_areas(plain.classified, tmp_path / "areas.parquet")
    assert done.areas == 2
    rows = pq.read_table(tmp_path / "areas.parquet").to_pylist()
    assert min(row["rate_mm_yr"] for row in rows) == pytest.approx(-12, abs=0.5)
    assert {row["quality"] for row in rows} == {1}
    assert [row["break_date"] for row in rows] == [None, None]


def test_without_series_there_is_no_quality_and_a_note(make: Callable[..., Made], tmp_path: Path) -> None:
    plain = make(diagnose=False, keep_series=False)
    done = run("areas", plain.classified, "-o", tmp_path / "areas.parquet")
    assert done.returncode == 0
    assert "note: the table has no series, so areas have no quality" in done.stderr.decode()
    rows = pq.read_table(tmp_path / "areas.parquet").to_pylist()
    assert len(rows) >= 2
    assert {row["quality"] for row in rows} == {None}


@pytest.mark.parametrize("name", ["areas.gpkg", "areas.parquet", "areas.geojson", "areas.csv"])
def test_a_quiet_table_gives_a_valid_file(name: str, quiet: Path, tmp_path: Path) -> None:
    done = find_areas(quiet, tmp_path / name, points=tmp_path / "points.csv")
    assert done.areas == 0
    if name.endswith(".geojson"):
        assert json.loads((tmp_path / name).read_text())["features"] == []
    elif name.endswith(".parquet"):
        assert pq.read_table(tmp_path / name).num_rows == 0
    elif name.endswith(".gpkg"):
        assert query(tmp_path / name, "SELECT count(*) FROM areas") == [(0,)]
    assert pacsv.read_csv(tmp_path / "points.csv").column("area_id").null_count == 400


@pytest.fixture(scope="module")
def quiet(make: Callable[..., Made]) -> Path:
    return make(count=400, areas=False).classified


def test_classes_and_distance_decide(made: Made, tmp_path: Path) -> None:
    done = run("areas", made.classified, "-o", tmp_path / "a.csv", "--classes", "bilinear,Quadratic", "--json")
    assert json.loads(done.stdout)["areas"] == 1
    done = run("areas", made.classified, "-o", tmp_path / "b.csv", "--distance", "5", "--json")
    assert json.loads(done.stdout)["areas"] == 0
    assert json.loads(done.stdout)["distance_m"] == 5
    done = run("areas", made.classified, "-o", tmp_path / "c.csv", "--min-points", "1000", "--json")
    assert json.loads(done.stdout)["areas"] == 0


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--distance", "0"], 2, ("0 m", "positive")),
        (["--distance", "nan"], 2, ("nan", "positive")),
        (["--min-points", "2"], 2, ("2 points", "3")),
        (["--classes", "Linear,Round"], 2, ("'Round'", "Linear")),
        (["--classes", "Stable"], 2, ("'Stable'", "moving")),
        (["--classes", ""], 2, ("no class",)),
        (["--units", "mm"], 2, ("classified already", "--units")),
        (["-o", "areas.shp"], 2, (".gpkg", ".geojson")),
        (["-o", "areas"], 2, (".gpkg",)),
        (["--points", "points.txt"], 2, ("points.txt", ".parquet")),
        (["--points", "areas.gpkg"], 2, ("named twice",)),
    ],
)
def test_usage_errors_are_one_line(
    made: Made, tmp_path: Path, options: list[str], code: int, words: tuple[str, ...]
) -> None:
    done = run("areas", made.classified, *([] if "-o" in options else ["-o", "areas.gpkg"]), *options, cwd=tmp_path)
    refused(done, code, *words)
    assert list(tmp_path.iterdir()) == []


def test_outputs_are_exclusive_and_all_or_none(made: Made, tmp_path: Path) -> None:
    (tmp_path / "points.parquet").write_text("mine")
    arguments = ("areas", made.classified, "-o", tmp_path / "areas.gpkg", "--points", tmp_path / "points.parquet")
    refused(run(*arguments), 73, "points.parquet", "--overwrite")
    assert [path.name for path in tmp_path.iterdir()] == ["points.parquet"]
    assert run(*arguments, "--overwrite").returncode == 0
    assert pq.read_metadata(tmp_path / "points.parquet").num_rows == 1500
    with pytest.raises(UsageError, match="is the input"):
        find_areas(made.classified, tmp_path / "a.csv", points=made.classified, overwrite=True)


def small(
    tmp_path: Path, classifier: Classifier, points: np.ndarray | None, names: tuple[str, str], **block: Any
) -> Path:
    """A classified table of a few rows with other positions."""
    count = 40 if points is None else len(points)
    displacement = np.random.default_rng(0).normal(0, 1, (count, EPOCHS)) - 20 * np.arange(EPOCHS) / 30
    table = wide(displacement, DATES).drop_columns(["latitude", "longitude"])
    if points is not None:
        for place, name in enumerate(names):
            table = table.append_column(name, pa.array(points[:, place]))
    raw = write(table, tmp_path / "raw.parquet")
    insar_runtime.classify_file(raw, tmp_path / "c.parquet", classifier=classifier, units="mm", **block)
    return tmp_path / "c.parquet"


METRES = ("easting", "northing")
DEGREES = ("longitude", "latitude")


@pytest.mark.parametrize(
    ("points", "names", "words"),
    [
        (None, METRES, ("no columns of coordinates", "--lon-column")),
        (np.full((40, 2), np.nan), DEGREES, ("no point has coordinates",)),
        (np.tile([13.2, 38.7], (40, 1)), METRES, ("in degrees", "--crs")),
        (np.tile([500_000.0, 4_000_000.0], (40, 1)), METRES, ("unknown unit", "--crs")),
        (np.tile([13.2, 38.7], (40, 1)), DEGREES, ("one place",)),
        (np.array([[13.2, 38.7]]), DEGREES, ("one point with coordinates",)),
    ],
)
def test_positions_that_cannot_be_used_are_refused_in_one_line(
    tmp_path: Path, classifier: Classifier, points: np.ndarray | None, names: tuple[str, str], words: tuple[str, ...]
) -> None:
    refused(run("areas", small(tmp_path, classifier, points, names), "-o", tmp_path / "areas.gpkg"), 65, *words)
    assert not (tmp_path / "areas.gpkg").exists()


@pytest.mark.parametrize("name", ["areas.parquet", "areas.gpkg", "areas.csv", "plain.parquet"])
@pytest.mark.parametrize("command", ["areas", "classify", "report"])
def test_a_table_of_areas_in_place_of_points_is_named(folder: Path, tmp_path: Path, name: str, command: str) -> None:
    """With the series of the areas or without them."""
    path = folder / name
    if name == "plain.parquet":
        path = write(pq.read_table(folder / "areas.parquet").select(AREA_SCHEMA.names), tmp_path / name)
    words = "holds moving areas, which insar-rt areas has written: give the classified table of their points"
    refused(run(command, path, "-o", tmp_path / f"out.{'html' if command == 'report' else 'gpkg'}"), 65, words)
    assert {found.name for found in tmp_path.iterdir()} <= {name}


def test_a_table_without_rows_gives_a_file_without_areas(made: Made, tmp_path: Path) -> None:
    pq.write_table(pq.read_table(made.classified).slice(0, 0), tmp_path / "c.parquet")
    done = find_areas(tmp_path / "c.parquet", tmp_path / "areas.gpkg", points=tmp_path / "points.parquet")
    assert (done.areas, done.rows, done.notes) == (0, 0, ())
    assert query(tmp_path / "areas.gpkg", "SELECT count(*) FROM areas") == [(0,)]
    assert pq.read_schema(tmp_path / "points.parquet").names[-1] == "area_id"


def test_a_system_that_the_user_names_holds_for_a_classified_table(tmp_path: Path, classifier: Classifier) -> None:
    points = np.random.default_rng(0).uniform(0, 100, (60, 2)) + np.array([500_000, 4_000_000])
    path = small(tmp_path, classifier, points, METRES)
    done = run("areas", path, "-o", tmp_path / "areas.geojson", "--crs", "EPSG:32633")
    assert done.returncode == 0, done.stderr.decode()
    (feature,) = json.loads((tmp_path / "areas.geojson").read_text())["features"]
    assert feature["geometry"]["coordinates"][0][0] == pytest.approx([15.0, 36.1], abs=0.1)


@pytest.mark.parametrize(
    ("crs", "words"),
    [
        ("EPSG:32633", ("are in degrees", "EPSG:32633 is in metres", "leave --crs out")),
        ("EPSG:3035", ("no point has coordinates of EPSG:3035", "--crs")),
    ],
)
def test_a_system_in_metres_is_refused_for_degrees(
    crs: str, words: tuple[str, ...], tmp_path: Path, classifier: Classifier
) -> None:
    points = np.random.default_rng(0).uniform(0, 0.01, (60, 2)) + np.array([13.2, 38.7])
    path = small(tmp_path, classifier, points, DEGREES)
    refused(run("areas", path, "-o", tmp_path / "areas.geojson", "--crs", crs), 65, *words)
    assert not (tmp_path / "areas.geojson").exists()


@pytest.mark.parametrize("around", [True, False])
def test_near_a_pole_distances_are_right_and_an_area_around_it_is_refused(
    tmp_path: Path, classifier: Classifier, around: bool
) -> None:
    """Points within 1 km of the pole, all of one rate, in degrees; or a tenth of them, 400 m away from it."""
    rng = np.random.default_rng(3)
    metres = rng.uniform(-700, 700, (900, 2))
    if not around:
        metres = metres[metres[:, 0] > 400]
    longitude = np.degrees(np.arctan2(metres[:, 1], metres[:, 0]))
    latitude = 90 - np.hypot(*metres.T) / 111_694.0
    path = small(tmp_path, classifier, np.stack([longitude, latitude], axis=1), DEGREES)
    out = tmp_path / "areas.parquet"
    done = run("areas", path, "-o", out)
    if around:
        refused(done, 65, "an area lies around a pole", "--crs")
        assert not out.exists()
        return
    assert done.returncode == 0, done.stderr.decode()
    table = pq.read_table(out)
    assert table["points"].to_pylist() == [len(metres)]
    assert table["area_m2"][0].as_py() == pytest.approx(300 * 1400, rel=0.2)


def test_a_stream_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    refused(run("areas", "-", "-o", tmp_path / "a.gpkg"), 2, "stream")
    refused(run("areas", tmp_path / "nothing.parquet", "-o", tmp_path / "a.gpkg"), 66, "nothing.parquet")


def test_a_missing_package_is_named_before_anything_is_read(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(module: str) -> None:
        raise ModuleNotFoundError(module)

    monkeypatch.setattr(require_module, "import_module", fail)
    with pytest.raises(UnavailableError, match=r"pip install 'insar-runtime\[spatial\]'"):
        find_areas(made.classified, tmp_path / "areas.gpkg")
    refused(run("areas", made.classified, "-o", tmp_path / "areas.gpkg"), 69, "scipy", "insar-runtime[spatial]")


def test_rows_in_other_batches_give_the_same_areas(made: Made, folder: Path, tmp_path: Path) -> None:
    whole = pq.read_table(made.classified)
    pq.write_table(whole, tmp_path / "c.parquet", row_group_size=170)
    find_areas(tmp_path / "c.parquet", tmp_path / "areas.parquet")
    found = pq.read_table(tmp_path / "areas.parquet")
    assert found.equals(pq.read_table(folder / "areas.parquet").select(found.column_names))


def test_errors_name_the_table_of_the_user(tmp_path: Path, classifier: Classifier) -> None:
    """Not the temporary one with its classes."""
    small(tmp_path, classifier, None, METRES)
    with pytest.raises(DataError, match=r"^\S*raw\.parquet has no columns of coordinates"):
        find_areas(tmp_path / "raw.parquet", tmp_path / "areas.gpkg", units="mm", classifier=classifier)
    small(tmp_path, classifier, np.array([[13.2, 38.7], [13.2, 38.701]]), DEGREES, overwrite=True)
    table = pq.read_table(tmp_path / "raw.parquet")
    pq.write_table(table.append_column("area_id", pa.array([1, 2])), tmp_path / "raw.parquet")
    with pytest.raises(DataError, match=r"^\S*raw\.parquet has a column area_id already; drop it, or leave --points"):
        find_areas(
            tmp_path / "raw.parquet",
            tmp_path / "areas.gpkg",
            points=tmp_path / "points.parquet",
            units="mm",
            classifier=classifier,
        )
    assert [path.name for path in tmp_path.glob("*.gpkg")] == []


def test_metadata_in_another_encoding_pass(made: Made, tmp_path: Path) -> None:
    table = pq.read_table(made.classified)
    metadata = {**(table.schema.metadata or {}), b"insar_runtime:note": b"caf\xe9"}
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "c.parquet")
    find_areas(tmp_path / "c.parquet", tmp_path / "areas.gpkg", points=tmp_path / "points.parquet")
    written = pq.read_schema(tmp_path / "points.parquet").metadata
    assert written[b"insar_runtime:note"] == "caf\ufffd".encode()
    assert pq.read_metadata(tmp_path / "points.parquet").num_rows == len(table)
