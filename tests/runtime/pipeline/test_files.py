"""Whole files: every layout gives the same classes, nothing is lost, outputs appear whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, DataError, OutputExistsError, UsageError, classify_file, load_model
from insar_runtime._engine.priors import damped, estimate_priors, for_classes_of, make_priors, reweight
from insar_runtime._pipeline.class_mix import MIX_ROWS
from insar_runtime.result import RESULT_SCHEMA
from tests.runtime.tables import as_lists, series, wide, write


def _classify(source: Any, tmp_path: Path, classifier: Classifier, **options: Any) -> pa.Table:
    classify_file(source, tmp_path / "out.parquet", classifier=classifier, overwrite=True, **options)
    return pq.read_table(tmp_path / "out.parquet")


def _equal(a: pa.Table, b: pa.Table) -> bool:
    return all(a[name].to_pylist() == b[name].to_pylist() for name in ("pid", *RESULT_SCHEMA.names))


def test_all_layouts_give_the_same_bits(tmp_path: Path, classifier: Classifier) -> None:
    displacement, dates = series()
    displacement[::9, ::4] = np.nan
    displacement[5] = np.nan
    table = wide(displacement, dates)
    wanted = _classify(write(table, tmp_path / "wide.parquet"), tmp_path, classifier)
    assert wanted["pid"].to_pylist() == table["pid"].to_pylist()
    assert set(wanted["status"].to_pylist()) >= {"ok", "too_few_epochs"}
    shuffled = table.select(np.random.default_rng(0).permutation(table.schema.names).tolist())
    for name, variant in {
        "wide.csv": table,
        "wide.arrows": table,
        "shuffled.parquet": shuffled,
        "prefix.parquet": wide(displacement, dates, prefix="D"),
        "fixed.parquet": as_lists(table, "fixed_size_list"),
        "list.parquet": as_lists(table, "list"),
        "list.arrows": as_lists(table, "list"),
    }.items():
        assert _equal(_classify(write(variant, tmp_path / name), tmp_path, classifier), wanted), name


def test_pipes_give_the_same_as_files(tmp_path: Path, classifier: Classifier) -> None:
    path = write(wide(*series()), tmp_path / "in.arrows")
    wanted = _classify(path, tmp_path, classifier)
    out = io.BytesIO()
    summary = classify_file(io.BytesIO(path.read_bytes()), out, classifier=classifier)
    table = pa.ipc.open_stream(out.getvalue()).read_all()
    assert _equal(table, wanted)
    assert summary.rows == 300
    assert json.loads(table.schema.metadata[b"insar_runtime"])["model"] == classifier.model.name


def test_series_are_kept_only_when_asked(tmp_path: Path, classifier: Classifier) -> None:
    table = wide(*series(50), height=np.arange(50.0))
    path = write(table, tmp_path / "in.parquet")
    plain = _classify(path, tmp_path, classifier)
    assert plain.schema.names[:4] == ["pid", "latitude", "longitude", "height"]
    assert not any(name.isdigit() for name in plain.schema.names)
    kept = _classify(path, tmp_path, classifier, keep_series=True)
    assert kept.select(table.schema.names).equals(table)
    assert _equal(kept, plain)


@pytest.mark.parametrize("kind", ["fixed_size_list", "list"])
def test_kept_lists_can_be_read_again(tmp_path: Path, classifier: Classifier, kind: str) -> None:
    path = write(as_lists(wide(*series(50)), kind), tmp_path / "in.parquet")
    kept = _classify(path, tmp_path, classifier, keep_series=True)
    again = tmp_path / "again.parquet"
    pq.write_table(kept.drop_columns([*RESULT_SCHEMA.names, "geometry", "bbox"]), again)
    assert _equal(_classify(again, tmp_path, classifier), kept)


def test_declared_units_are_applied(tmp_path: Path, classifier: Classifier) -> None:
    displacement, dates = series()
    wanted = _classify(write(wide(displacement, dates), tmp_path / "mm.parquet"), tmp_path, classifier)
    metres = _classify(write(wide(displacement / 1000, dates), tmp_path / "m.parquet"), tmp_path, classifier, units="m")
    # A thousandth and back rounds in the last bit.
    np.testing.assert_allclose(metres["p_linear"], wanted["p_linear"], atol=1e-2)
    with pytest.raises(DataError, match="--units"):
        _classify(tmp_path / "m.parquet", tmp_path, classifier)


def test_metadata_tells_where_classes_come_from(tmp_path: Path, classifier: Classifier) -> None:
    path = write(wide(*series(120)), tmp_path / "in.parquet")
    classify_file(path, tmp_path / "a.parquet", classifier=classifier)
    classify_file(path, tmp_path / "b.parquet", classifier=classifier)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    block = json.loads(pq.read_metadata(tmp_path / "a.parquet").metadata[b"insar_runtime"])
    early = json.loads(pq.read_schema(tmp_path / "a.parquet").metadata[b"insar_runtime"])
    late = {"rows", "classes", "statuses", "findings", "input_sha256", "run_key"}
    assert early == {key: value for key, value in block.items() if key not in late}
    assert block["input_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert block["model_sha256"] == classifier.model.sha256(classifier.precision)
    assert (block["precision"], block["provider"]) == (classifier.precision, "CPUExecutionProvider")
    assert block["device_reason"].startswith("asked for")
    assert (block["priors"]["origin"], block["priors"]["rows"]) == ("estimated", 120)
    assert list(block["priors"]["estimate"]) == list(classifier.priors.shares)
    assert block["parameters"]["priors"] == "auto"
    assert block["rows"] == sum(block["statuses"].values()) == 120
    assert block["input"]["name"] == "in.parquet"
    assert len(block["input"]["dates"]) == 60


P_COLUMNS = [f"p_{name.lower()}" for name in load_model().classes]


def _probabilities(table: pa.Table) -> np.ndarray:
    return np.stack([table[name].to_numpy() for name in P_COLUMNS], axis=1)


def test_priors_of_the_call_take_the_place_of_the_classifiers(tmp_path: Path, classifier: Classifier) -> None:
    path = write(wide(*series(120)), tmp_path / "in.parquet")
    plain = _classify(path, tmp_path, classifier, priors="trained")
    shares = {"Stable": 36, "Linear": 1, "Quadratic": 1, "Bilinear": 1, "PUE": 1}
    table = _classify(path, tmp_path, classifier.with_priors([1, 2, 3, 4, 5]), priors=shares)
    training = classifier.model.training_priors
    priors = for_classes_of(make_priors(shares), "", training).array
    np.testing.assert_allclose(priors[:5] / priors[:5].sum(), [0.9, *[0.025] * 4])
    wanted = reweight(_probabilities(plain), priors, training.array)
    np.testing.assert_allclose(_probabilities(table), wanted, atol=1e-6)


def test_priors_estimated_from_the_file(tmp_path: Path, classifier: Classifier) -> None:
    displacement, dates = series()
    displacement[::10] = np.nan
    path = write(wide(displacement, dates), tmp_path / "in.parquet")
    plain = _probabilities(_classify(path, tmp_path, classifier, priors="trained"))
    calls: list[int] = []
    summary = classify_file(
        path,
        tmp_path / "auto.parquet",
        # Priors of the classifier itself do not colour the estimate.
        classifier=classifier.with_priors([1, 2, 3, 4, 5]),
        priors="auto",
        progress=lambda rows, _: calls.append(rows),
    )
    assert calls == [300]
    assert (summary.priors.origin, summary.priors.rows) == ("estimated", 270)
    training = classifier.model.training_priors.array
    estimate = estimate_priors(plain[~np.isnan(plain[:, 0])], training)
    assert summary.priors.estimate is not None
    np.testing.assert_allclose(list(summary.priors.estimate.values()), estimate, rtol=1e-9)
    np.testing.assert_allclose(summary.priors.array, damped(estimate, training), rtol=1e-9)
    given = _classify(path, tmp_path, classifier, priors=summary.priors.shares)
    table = pq.read_table(tmp_path / "auto.parquet")
    assert _equal(given, table)
    block = json.loads(table.schema.metadata[b"insar_runtime"])
    assert block["priors"] == asdict(summary.priors)


def test_the_mix_of_a_file_is_the_default_unless_the_classifier_has_one(tmp_path: Path, classifier: Classifier) -> None:
    path = write(wide(*series(300)), tmp_path / "in.parquet")
    usual, asked = (_classify(path, tmp_path, classifier, **how) for how in ({}, {"priors": "auto"}))
    assert _equal(usual, asked)
    trained = _classify(path, tmp_path, classifier, priors="trained")
    assert not _equal(usual, trained)
    as_arrays = classifier.classify(*series(300)).probabilities[:, : len(P_COLUMNS)]
    np.testing.assert_array_equal(_probabilities(trained), as_arrays)
    own = _classify(path, tmp_path, classifier.with_priors([1, 2, 3, 4, 5]))
    block = json.loads(own.schema.metadata[b"insar_runtime"])
    assert block["priors"]["origin"] == "given"
    back = _classify(path, tmp_path, classifier.with_priors([1, 2, 3, 4, 5]), priors="trained")
    assert _equal(back, trained)


@pytest.mark.parametrize("extension", ["arrows", "csv", "groups.parquet"])
def test_the_mix_is_the_same_in_any_container_and_number_of_threads(
    tmp_path: Path, classifier: Classifier, extension: str
) -> None:
    table = wide(*series(600))
    whole = classify_file(
        write(table, tmp_path / "in.parquet"), tmp_path / "o.parquet", classifier=classifier, units="mm"
    )
    path = tmp_path / f"in.{extension}"
    if extension == "groups.parquet":
        pq.write_table(table, path, row_group_size=50)
    else:
        write(table, path)
    other = classify_file(path, tmp_path / "p.parquet", classifier=classifier.with_threads(2), units="mm")
    assert other.priors == whole.priors


def test_rows_spread_over_the_head_stand_for_a_large_file(tmp_path: Path, classifier: Classifier) -> None:
    values, dates = series(600)
    # Only one row in four of a head of 8,192 rows counts, and none behind it.
    many = np.tile(values, (15, 1))
    many[8192:] = many[:1]
    path = write(wide(many, dates), tmp_path / "in.parquet")
    priors = classify_file(path, tmp_path / "o.parquet", classifier=classifier).priors
    every = classify_file(
        write(wide(values, dates), tmp_path / "few.parquet"), tmp_path / "few_out.parquet", classifier=classifier
    ).priors
    assert (priors.rows, every.rows) == (MIX_ROWS, 600)
    np.testing.assert_allclose(priors.array, every.array, atol=0.02)


@pytest.mark.parametrize("points", [0, 99])
def test_few_points_keep_the_priors_of_the_training(tmp_path: Path, classifier: Classifier, points: int) -> None:
    path = write(wide(*series(99)).slice(0, points), tmp_path / "in.parquet")
    plain = _classify(path, tmp_path, classifier, priors="trained")
    table = _classify(path, tmp_path, classifier)
    assert _equal(table, plain)
    priors = json.loads(table.schema.metadata[b"insar_runtime"])["priors"]
    assert (priors["origin"], priors["rows"]) == ("too_few_rows", points)
    assert priors["shares"] == classifier.model.training_priors.shares


def test_the_mix_of_a_stream_is_that_of_the_file(tmp_path: Path, classifier: Classifier) -> None:
    path = write(wide(*series(120)), tmp_path / "in.arrows")
    with path.open("rb") as stream:
        read_once = classify_file(stream, tmp_path / "out.parquet", classifier=classifier)
    whole = classify_file(
        write(wide(*series(120)), tmp_path / "in.parquet"), tmp_path / "o.parquet", classifier=classifier
    )
    assert read_once.priors == whole.priors
    assert read_once.priors.origin == "estimated"


def test_summary_counts_what_the_file_holds(tmp_path: Path, classifier: Classifier) -> None:
    displacement, dates = series(200)
    displacement[:7] = np.nan
    path = write(wide(displacement, dates), tmp_path / "in.parquet")
    seen: list[tuple[int, int | None]] = []
    summary = classify_file(
        path, tmp_path / "out.parquet", classifier=classifier, progress=lambda *rows: seen.append(rows)
    )
    table = pq.read_table(tmp_path / "out.parquet")
    names = table["class_name"].to_pylist()
    assert summary.classes == {name: names.count(name) for name in summary.classes}
    assert summary.statuses["too_few_epochs"] == 7
    assert sum(summary.statuses.values()) == summary.rows == 200
    assert seen[-1] == (200, 200)


def test_file_without_rows_gives_a_file_without_rows(tmp_path: Path, classifier: Classifier) -> None:
    table = wide(*series(5)).slice(0, 0)
    for name in ("in.parquet", "in.csv", "in.arrows"):
        out = _classify(write(table, tmp_path / name), tmp_path, classifier)
        assert out.num_rows == 0
        assert set(RESULT_SCHEMA.names) < set(out.schema.names)


def test_large_output_has_few_row_groups(tmp_path: Path, classifier: Classifier) -> None:
    displacement, dates = series(1000, 40)
    path = write(wide(displacement, dates), tmp_path / "in.parquet")
    assert pq.ParquetFile(path).num_row_groups > 5
    classify_file(path, tmp_path / "out.parquet", classifier=classifier)
    assert pq.ParquetFile(tmp_path / "out.parquet").num_row_groups == 1


def test_existing_output_stays_without_overwrite(tmp_path: Path, classifier: Classifier) -> None:
    path = write(wide(*series(40)), tmp_path / "in.parquet")
    (tmp_path / "out.parquet").write_text("precious")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        classify_file(path, tmp_path / "out.parquet", classifier=classifier)
    assert (tmp_path / "out.parquet").read_text() == "precious"


def _bad_late(path: Path) -> Path:
    """A CSV whose last rows cannot be read: the error comes when most of the output is written."""
    write(wide(*series(20_000, 40)), path)
    with path.open("a") as file:
        file.write("p,45,7," + ",".join(["oops"] * 40) + "\n")
    return path


@pytest.mark.parametrize("before", [None, "precious"])
def test_failure_on_the_way_leaves_what_was_there(tmp_path: Path, classifier: Classifier, before: str | None) -> None:
    path, output = _bad_late(tmp_path / "in.csv"), tmp_path / "out.parquet"
    if before:
        output.write_text(before)
    with pytest.raises(DataError, match="oops"):
        classify_file(path, output, classifier=classifier, overwrite=True)
    assert (output.read_text() if output.exists() else None) == before
    assert {p.name for p in tmp_path.iterdir()} <= {"in.csv", "out.parquet"}


def test_output_is_not_the_input(tmp_path: Path, classifier: Classifier) -> None:
    path = write(wide(*series(40)), tmp_path / "in.parquet")
    (tmp_path / "link.parquet").symlink_to(path)
    content = path.read_bytes()
    for output in (path, tmp_path / "link.parquet", tmp_path / "." / "in.parquet"):
        with pytest.raises(UsageError, match="is the input"):
            classify_file(path, output, classifier=classifier, overwrite=True)
    assert path.read_bytes() == content


def test_list_rows_of_another_length_are_refused(tmp_path: Path, classifier: Classifier) -> None:
    table = as_lists(wide(*series(40)), "list")
    lists = table["displacements"].to_pylist()
    lists[33] = lists[33][:-1]
    broken = table.set_column(table.schema.names.index("displacements"), "displacements", pa.array(lists))
    with pytest.raises(DataError, match="33"):
        _classify(write(broken, tmp_path / "in.parquet"), tmp_path, classifier)
    assert not (tmp_path / "out.parquet").exists()


def test_ustica_in_every_container(tmp_path: Path, classifier: Classifier, real: Callable[[str], Path]) -> None:
    """The acceptance of the main job: the same classes for all 11,590 points however they come."""
    path = real("egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv")
    wanted = _classify(path, tmp_path, classifier)
    assert wanted.num_rows == 11_590
    table = pacsv.read_csv(path, convert_options=pacsv.ConvertOptions(column_types={"pid": pa.string()}))
    for name, variant in {
        "wide.parquet": table,
        "fixed.parquet": as_lists(table, "fixed_size_list"),
        "list.parquet": as_lists(table, "list"),
        "stream.arrows": table,
    }.items():
        assert _equal(_classify(write(variant, tmp_path / name), tmp_path, classifier), wanted), name


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("egms_l3_ustica/EGMS_L3_E45N17_100km_U_2020_2024_1.csv", 522),
        ("egms_l2_carpathians/102_100.csv", 100),
        ("egms_l2_wroclaw/124_0770_IW3_VV.csv", 846),
        ("egms_l2_wroclaw/175_0304_IW1_VV.csv", 146),
        ("egms_l2_wroclaw/022_0771_IW1_VV.csv", 0),
    ],
)
def test_real_files_lose_no_row(
    tmp_path: Path, classifier: Classifier, real: Callable[[str], Path], name: str, rows: int
) -> None:
    table = _classify(real(name), tmp_path, classifier)
    assert table.num_rows == rows
    assert table["status"].null_count == 0
    if rows:
        ids = pacsv.read_csv(real(name), convert_options=pacsv.ConvertOptions(column_types={"pid": pa.string()}))
        assert table["pid"].to_pylist() == ids["pid"].to_pylist()


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("egms_l2_wroclaw_transposed/wroclaw_caly_filtered.csv", "transposed"),
        ("depsi_amsterdam/example.csv", "metres.*--units m"),
    ],
)
def test_real_files_that_are_refused(
    tmp_path: Path, classifier: Classifier, real: Callable[[str], Path], name: str, match: str
) -> None:
    with pytest.raises(DataError, match=match):
        _classify(real(name), tmp_path, classifier)
    assert not (tmp_path / "out.parquet").exists()


def test_metres_declared_but_too_short(tmp_path: Path, classifier: Classifier, real: Callable[[str], Path]) -> None:
    with pytest.raises(DataError, match="11 epochs are too few"):
        _classify(real("depsi_amsterdam/example.csv"), tmp_path, classifier, units="m")


@pytest.mark.parametrize("name", ["t.csv", "t.zip", "t.parquet", "t.arrows"])
def test_progress_knows_how_many_rows_there_are(tmp_path: Path, classifier: Classifier, name: str) -> None:
    table, path = wide(*series(20_000, 40)), tmp_path / name
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(write(table, tmp_path / "t.csv"), "t.csv")
    else:
        write(table, path)
    told: list[tuple[int, int | None]] = []
    options: dict[str, Any] = {"classifier": classifier, "progress": lambda *rows: told.append(rows)}
    classify_file(path, tmp_path / "o.parquet", **options)
    assert told[-1][0] == 20_000
    if path.suffix == ".arrows":
        assert {total for _, total in told} == {None}
    else:
        assert all(total == pytest.approx(20_000, rel=0.03) for _, total in told)
