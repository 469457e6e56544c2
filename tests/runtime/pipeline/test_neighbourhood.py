"""Local priors and neighbours of jumps over whole files: bits, columns, repairs, metadata, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from insar_runtime import Classifier, DataError, LocalPriors, UnavailableError, UsageError, classify_file
from insar_runtime._input.units.sensors import SENTINEL1_MM
from insar_runtime._pipeline import survey as survey_module
from insar_runtime._pipeline.local_priors import estimate_local_mixes
from insar_runtime._pipeline.memory import BatchPlan, Load
from insar_runtime._pipeline.row_classes import RowClasses
from insar_runtime._spatial import require as require_module
from insar_runtime._terminal.texts import describe_summary
from tests.runtime.diagnoses import DATES, EPOCHS
from tests.runtime.run_command import refused, run
from tests.runtime.tables import as_lists, wide, write

pytest.importorskip("scipy")

CRS = "EPSG:32633"
STILL, PLACE, LONE, AWAY = slice(0, 40), slice(40, 60), 60, 61
"""Rows of ``scene``: noise; a place where all step together; a point whose jump is its own; one without neighbours."""


def placed(displacement: NDArray[np.float64], east: NDArray[np.float64], north: NDArray[np.float64]) -> pa.Table:
    """A table with easting and northing, which is none of EGMS L3: half a wavelength is that of Sentinel-1."""
    table = wide(np.round(displacement, 1), DATES).drop_columns(["longitude", "latitude"])
    columns = {"easting": 400_000 + east, "northing": 4_500_000 + north}
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values, from_pandas=True))
    return table.rename_columns({"pid": "point"})


def scene(seed: int = 0) -> pa.Table:
    """Points in two places 5 km apart, and one far from all."""
    rng = np.random.default_rng(seed)
    displacement = rng.normal(0, 1.5, (62, EPOCHS))
    displacement[PLACE, 70:] += SENTINEL1_MM
    displacement[LONE, 90:] -= SENTINEL1_MM
    displacement[AWAY, 100:] += SENTINEL1_MM
    displacement[7] = np.nan
    east, north = rng.uniform(0, 100, (2, 62))
    east[PLACE] += 5000
    east[AWAY] += 50_000
    return placed(displacement, east, north)


@pytest.fixture(scope="module")
def mixed() -> pa.Table:
    """Noise on rates near the limit and above it, of places that differ; a row without position."""
    rng = np.random.default_rng(2)
    east, north = rng.uniform(0, 1000, (2, 400))
    rate = np.where(east < 500, 0, 6) + rng.choice([0, 2.5], 400)
    displacement = rng.normal(0, 3, (400, EPOCHS)) + rate[:, None] * np.arange(EPOCHS) * 6 / 365.25
    displacement[::40, 70:] += 14
    east[3] = np.nan
    return placed(displacement, east, north)


def result(source: Path, out: Path, classifier: Classifier, **options: Any) -> pa.Table:
    classify_file(source, out, classifier=classifier, units="mm", crs=CRS, overwrite=True, **options)
    return pq.read_table(out)


def smaller_batches(monkeypatch: pytest.MonkeyPatch, rows: int, waiting: int) -> None:
    def plan(load: Load, threads: int, **_: Any) -> BatchPlan:
        return BatchPlan(threads, rows, waiting if load.diagnosed and not load.written else 1)

    monkeypatch.setattr("insar_runtime._pipeline.prepare.plan_batches", plan)
    monkeypatch.setattr(survey_module, "ENOUGH_ROWS", 3)


BOTH = {"priors": "local", "neighbours": True}


@pytest.mark.parametrize("options", [{"priors": "local"}, {"neighbours": True}, BOTH])
def test_bits_do_not_depend_on_batches_threads_and_container(
    tmp_path: Path, mixed: pa.Table, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    one, two = Classifier(device="cpu", threads=1), Classifier(device="cpu", threads=2)
    source = write(mixed, tmp_path / "in.parquet")
    whole = result(source, tmp_path / "out.parquet", one, **options)
    lists = tmp_path / "lists.parquet"
    pq.write_table(as_lists(mixed, "fixed_size_list"), lists)
    assert result(lists, tmp_path / "out.parquet", one, **options).equals(whole)
    smaller_batches(monkeypatch, 37, 3)
    assert result(source, tmp_path / "out.parquet", two, **options).equals(whole)
    kept = result(source, tmp_path / "out.parquet", two, keep_series=True, **options)
    assert kept.select(whole.column_names).equals(whole)


def test_local_classes_do_not_depend_on_the_order_of_the_rows(tmp_path: Path, mixed: pa.Table) -> None:
    one = Classifier(device="cpu", threads=1)
    order = np.random.default_rng(9).permutation(len(mixed))
    whole = result(write(mixed, tmp_path / "in.parquet"), tmp_path / "out.parquet", one, priors="local")
    other = write(mixed.take(pa.array(order)), tmp_path / "other.parquet")
    assert result(other, tmp_path / "out.parquet", one, priors="local").equals(whole.take(pa.array(order)))
    assert not whole.select(["p_stable"]).equals(
        result(write(mixed, tmp_path / "in.parquet"), tmp_path / "out.parquet", one).select(["p_stable"])
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_mixes_do_not_depend_on_the_order_of_the_points(classifier: Classifier, seed: int) -> None:
    """To the bit, also of points at one place and with equal probabilities."""
    rng = np.random.default_rng(seed)
    shares = rng.gamma(0.3, size=(200, 6)) + 1e-6
    probabilities = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
    probabilities[:20] = probabilities[20:40]
    probabilities[50] = np.nan
    points = np.asarray(rng.integers(0, 8, (200, 2)) * 20.0, dtype=np.float64)
    points[60] = np.nan
    order = rng.permutation(200)
    training = classifier.model.training_priors
    one = estimate_local_mixes(probabilities, points, 50.0, training, 0.3)
    other = estimate_local_mixes(probabilities[order], points[order], 50.0, training, 0.3)
    assert np.array_equal(one.mixes[order], other.mixes)
    assert one.priors == other.priors
    assert one.priors.without_neighbours >= 1


def test_points_without_neighbours_have_the_mix_of_the_file(tmp_path: Path, mixed: pa.Table) -> None:
    one = Classifier(device="cpu", threads=1)
    source = write(mixed, tmp_path / "in.parquet")
    summary = classify_file(
        source, tmp_path / "out.parquet", classifier=one, units="mm", crs=CRS, priors="local", neighbour_distance=0.01
    )
    assert isinstance(summary.priors, LocalPriors)
    assert summary.priors.without_neighbours == 400
    plain = result(source, tmp_path / "plain.parquet", one, priors=dict(summary.priors.shares))
    names = ["class_name", "status", *(name for name in plain.column_names if name.startswith("p_"))]
    for name in names:
        left, right = plain[name].to_pylist(), pq.read_table(tmp_path / "out.parquet")[name].to_pylist()
        assert left == (pytest.approx(right, abs=1e-6) if name.startswith("p_") else right), name


def test_the_metadata_and_the_summary_say_how_far_neighbours_were_looked_for(tmp_path: Path, mixed: pa.Table) -> None:
    source = write(mixed, tmp_path / "in.parquet")
    done = run(
        "classify",
        source,
        "-o",
        tmp_path / "out.parquet",
        "--units",
        "mm",
        "--crs",
        CRS,
        "--priors",
        "local",
        "--neighbours",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    block = json.loads(pq.read_schema(tmp_path / "out.parquet").metadata[b"insar_runtime"])
    priors = block["priors"]
    assert priors["origin"] == "local"
    assert priors["rows"] > 300
    assert 100 < priors["distance_m"] < 250
    assert 5 < priors["median_neighbours"] < 60
    assert block["parameters"]["priors"] == "local"
    assert block["parameters"]["neighbours"] is True
    assert block["diagnosis"]["neighbour_distance_m"] == priors["distance_m"]
    assert json.loads(done.stdout)["priors"]["origin"] == "local"
    assert b"around each point it follows the neighbours within 1" in done.stderr
    assert b"of one point" in done.stderr


def test_outputs_without_the_options_hold_nothing_of_them(tmp_path: Path, mixed: pa.Table) -> None:
    table = result(
        write(mixed, tmp_path / "in.parquet"), tmp_path / "out.parquet", Classifier(device="cpu"), diagnose=True
    )
    assert not {"jump_neighbours", "jump_kind"} & set(table.column_names)
    text = table.schema.metadata[b"insar_runtime"].decode()
    assert "neighbour" not in text
    assert "distance_m" not in text
    assert "repair_shared" not in text


def test_kinds_of_jumps_and_their_repair(tmp_path: Path) -> None:
    one = Classifier(device="cpu", threads=1)
    source = write(scene(), tmp_path / "in.parquet")
    options: dict[str, Any] = {"neighbours": True, "neighbour_distance": 200, "corrected": tmp_path / "fixed.parquet"}
    rows = result(source, tmp_path / "out.parquet", one, **options).to_pylist()
    assert {row["jump_kind"] for row in rows[PLACE]} == {"shared"}
    assert min(row["jump_neighbours"] for row in rows[PLACE]) > 0.8
    assert (rows[LONE]["jump_kind"], rows[LONE]["jump_neighbours"]) == ("point", 0)
    assert (rows[AWAY]["jump_kind"], rows[AWAY]["jump_neighbours"]) == (None, None)
    assert rows[AWAY]["n_jumps"] == 1
    assert {row["jump_kind"] for row in rows[STILL]} == {None}
    assert [row["jump_repaired"] for row in (rows[LONE], rows[AWAY])] == [[True], [True]]
    assert not any(any(row["jump_repaired"]) for row in rows[PLACE])
    fixed = pq.read_table(tmp_path / "fixed.parquet")
    assert {dates is None for dates in fixed["corrected_dates"].to_pylist()[PLACE]} == {True}
    assert fixed["corrected_dates"].to_pylist()[LONE] is not None
    again = result(source, tmp_path / "again.parquet", one, repair_shared=True, **options)
    assert all(any(row["jump_repaired"]) for row in again.to_pylist()[PLACE])
    assert [row["jump_kind"] for row in again.to_pylist()] == [row["jump_kind"] for row in rows]
    blocks = [
        json.loads(pq.read_metadata(tmp_path / name).metadata[b"insar_runtime"])
        for name in ("out.parquet", "again.parquet")
    ]
    first, second = (block["diagnosis"]["counts"] for block in blocks)
    assert (first["spared"], first["repaired"], first["jumps_shared"], first["jumps_point"]) == (20, 2, 20, 1)
    assert "spared" not in second
    assert second["repaired"] == 22


def test_a_step_of_the_whole_file_is_one_of_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    displacement = rng.normal(0, 1.5, (300, EPOCHS))
    displacement[rng.random(300) < 0.3, 60:] += 16
    east, north = rng.uniform(0, 500, (2, 300))
    source = write(placed(displacement, east, north), tmp_path / "in.parquet")
    summary = classify_file(
        source, tmp_path / "out.parquet", classifier=Classifier(device="cpu"), units="mm", crs=CRS, neighbours=True
    )
    assert summary.diagnosis is not None
    assert summary.diagnosis["jumps_file"] > 0.9 * summary.diagnosis["jumps"] > 50
    assert "of the whole file" in describe_summary(summary)


def test_a_second_run_is_skipped_unless_it_asks_for_something_else(tmp_path: Path, mixed: pa.Table) -> None:
    source = write(mixed, tmp_path / "in.parquet")
    out, classifier = tmp_path / "out.parquet", Classifier(device="cpu")

    def skipped(**options: Any) -> bool:
        return classify_file(
            source, out, classifier=classifier, units="mm", crs=CRS, skip_existing=True, **options
        ).skipped

    assert not skipped(priors="local")
    assert skipped(priors="local")
    assert not skipped(priors="local", neighbour_distance=80)
    assert not skipped(neighbours=True)
    assert skipped(neighbours=True)
    assert not skipped(diagnose=True)


def test_a_stream_has_no_neighbours(tmp_path: Path, mixed: pa.Table) -> None:
    path = write(mixed, tmp_path / "in.arrows")
    for options, what in (({"priors": "local"}, "priors local"), ({"neighbours": True}, "neighbours")):
        with path.open("rb") as stream, pytest.raises(UsageError, match=f"{what} take the whole table .* name a file"):
            classify_file(stream, tmp_path / "out.parquet", units="mm", **options)
    with pytest.raises(UsageError, match="use classify_file"):
        Classifier(device="cpu").classify(np.zeros((3, EPOCHS)), DATES, priors="local")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--neighbour-distance", "50"], ("a neighbour distance is of use with",)),
        (["--priors", "local", "--neighbour-distance", "0"], ("neighbour distance is 0.0; give metres above 0",)),
        (["--neighbours", "--neighbour-distance", "inf"], ("give metres above 0",)),
    ],
)
def test_distances_that_make_no_sense_are_refused(
    tmp_path: Path, mixed: pa.Table, options: list[str], words: tuple[str, ...]
) -> None:
    source = write(mixed, tmp_path / "in.parquet")
    refused(run("classify", source, "-o", tmp_path / "out.parquet", *options), 2, *words)


def test_tables_without_places_are_refused(tmp_path: Path, mixed: pa.Table) -> None:
    def refusal(table: pa.Table, code: int, *words: str, crs: str = CRS) -> None:
        source = tmp_path / "in.parquet"
        pq.write_table(table, source)
        given = ["--crs", crs] if crs else []
        done = run("classify", source, "-o", tmp_path / "out.parquet", "--units", "mm", *given, "--priors", "local")
        refused(done, code, *words)
        assert not (tmp_path / "out.parquet").exists()

    nowhere = mixed.drop_columns(["easting", "northing"])
    refusal(nowhere, 65, "neighbours need the positions of the points", "--lon-column", crs="")
    refusal(mixed, 65, "neighbours need the positions of the points", "--crs", crs="")
    one_place = nowhere.append_column("easting", pa.array([4e5] * 400)).append_column(
        "northing", pa.array([4.5e6] * 400)
    )
    refusal(one_place, 65, "no two points lie at different places")
    refusal(mixed.slice(0, 1), 65, "no two points lie at different places")


def test_positions_of_a_geometry_count_in_any_system(tmp_path: Path, mixed: pa.Table) -> None:
    """A geometry whose system only a description names, as GIS software writes it."""
    geopandas = pytest.importorskip("geopandas")
    source = write(mixed, tmp_path / "columns.parquet")
    expected = result(source, tmp_path / "out.parquet", Classifier(device="cpu"), priors="local")
    plain = mixed.drop_columns(["easting", "northing"]).to_pandas()
    points = geopandas.points_from_xy(mixed["easting"], mixed["northing"])
    points[3] = None
    geopandas.GeoDataFrame(plain, geometry=points, crs=CRS).to_parquet(tmp_path / "shapes.parquet")
    out = tmp_path / "shaped.parquet"
    done = run("classify", tmp_path / "shapes.parquet", "-o", out, "--units", "mm", "--priors", "local")
    assert done.returncode == 0, done.stderr.decode()
    assert pq.read_table(out)["class_name"].to_pylist() == expected["class_name"].to_pylist()


def test_a_file_without_rows_gives_a_file_without_rows(tmp_path: Path, mixed: pa.Table) -> None:
    source = write(mixed.slice(0, 0), tmp_path / "in.parquet")
    table = result(source, tmp_path / "out.parquet", Classifier(device="cpu"), priors="local", neighbours=True)
    assert len(table) == 0
    assert {"jump_neighbours", "jump_kind"} < set(table.column_names)


def test_what_is_missing_is_said_before_the_file_is_read(
    tmp_path: Path, mixed: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(require_module, "import_module", missing)
    source = write(mixed, tmp_path / "in.parquet")
    seen: list[int] = []
    with pytest.raises(UnavailableError, match=r"needs scipy.*insar-runtime\[spatial\]"):
        classify_file(
            source, tmp_path / "out.parquet", crs=CRS, priors="local", progress=lambda rows, _: seen.append(rows)
        )
    assert not seen


def test_a_table_that_changes_between_two_readings_is_refused(
    tmp_path: Path, mixed: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(mixed, tmp_path / "in.parquet")
    shorter = write(mixed.slice(0, 300), tmp_path / "shorter.parquet")

    def change(rows: int, _: int | None) -> None:
        if rows == 400 and source.stat().st_size != shorter.stat().st_size:
            source.write_bytes(shorter.read_bytes())

    with pytest.raises(DataError, match="had 400 rows when it was read first"):
        classify_file(source, tmp_path / "out.parquet", units="mm", crs=CRS, priors="local", progress=change)
    assert not (tmp_path / "out.parquet").exists()


def test_known_probabilities_give_the_classes_of_the_network(classifier: Classifier, mixed: pa.Table) -> None:
    names = [name for name in mixed.column_names if name.isdigit()]
    series: NDArray[np.float32] = np.stack([mixed[name].to_numpy() for name in names], axis=1).astype(np.float32)
    series[5], series[9, 20:] = np.nan, np.nan
    days = (DATES - DATES[0]).astype(np.float32)
    for runner in (classifier, classifier.with_priors([0.9, 0.02, 0.02, 0.02, 0.02, 0.02])):
        wanted = runner.classify_matrix(series, days)
        known = runner.network_probabilities(series, days)
        assert np.isnan(known[[5, 9]]).all()
        rows = RowClasses(runner, days, known)
        parts = [rows.classify(series[begin : begin + 70], begin) for begin in range(0, 400, 70)]
        for name in ("class_id", "class_top", "status", "n_epochs", "max_gap_days", "confidence", "probabilities"):
            joined = np.concatenate([getattr(part, name) for part in parts])
            assert np.array_equal(joined, getattr(wanted, name), equal_nan=name in {"confidence", "probabilities"})
        again = rows.reclassify(series[[3, 8]], np.array([3, 8]))
        assert np.array_equal(again.probabilities, wanted.probabilities[[3, 8]])
        with pytest.raises(DataError, match="had 400 rows"):
            rows.classify(series[:2], 399)


def test_repaired_series_have_the_mix_of_their_row(classifier: Classifier, mixed: pa.Table) -> None:
    names = [name for name in mixed.column_names if name.isdigit()]
    series: NDArray[np.float32] = np.stack([mixed[name].to_numpy() for name in names], axis=1).astype(np.float32)
    days = (DATES - DATES[0]).astype(np.float32)
    known = classifier.network_probabilities(series, days)
    mixes = np.tile(np.array([0.9, 0.02, 0.02, 0.02, 0.02, 0.02], dtype=np.float32), (400, 1))
    mixes[8] = [0.02, 0.9, 0.02, 0.02, 0.02, 0.02]
    rows = RowClasses(classifier, days, known, mixes)
    again = rows.reclassify(series[[3, 8]], np.array([3, 8]))
    assert np.array_equal(again.probabilities, rows.classify(series, 0).probabilities[[3, 8]])
    assert again.probabilities[1, 1] > classifier.classify_matrix(series[[8]], days).probabilities[0, 1]
