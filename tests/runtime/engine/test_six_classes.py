"""Models of six and of five classes have the same columns; a class that a model does not know has no probability."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from insar_runtime import (
    CLASS_NAMES,
    Classifier,
    ModelIntegrityError,
    RowStatus,
    TrendClass,
    UsageError,
    classify_file,
    definitions,
    load_model,
)
from insar_runtime._classified.classify_first import Classification
from insar_runtime._engine.priors import damped, estimate_priors, known_rows, reweight
from insar_runtime._report.write import write_report
from insar_runtime._show.find_point import find_point
from insar_runtime._show.png import write_png
from insar_runtime._show.point_text import Look, describe_point
from insar_runtime.class_meanings import describe_classes
from insar_runtime.classes import SEED_CLASS_NAMES
from insar_runtime.engines.job import plan
from insar_runtime.result import RESULT_SCHEMA
from tests.runtime.outputs import query
from tests.runtime.report.pages import read_page
from tests.runtime.run_command import refused, run
from tests.runtime.small_models import small_model
from tests.runtime.tables import as_lists, wide, write

DATES = np.datetime64("2019-01-04") + np.arange(100) * 12
DAYS = (DATES - DATES[0]).astype(np.float32)
KINDS = ("Stable", "Linear", "PUE", "Other")
"""What the rows of ``mixed`` show, by turns."""
FIVE = "paper-cnn"


def mixed(rows: int, seed: int = 0) -> np.ndarray:
    """Noise of 1 mm, with a line, a jump or a slow wave in three rows of four."""
    values = np.random.default_rng(seed).normal(0, 1, (rows, len(DAYS)))
    values[1::4] += 30 * DAYS / DAYS[-1]
    values[2::4, 50:] += 27.7
    values[3::4] += 15 * np.sin(DAYS / 60)
    return np.round(values, 1).astype(np.float32)


@pytest.fixture(scope="module")
def classifier(six_classes: Path) -> Classifier:
    return Classifier(six_classes, device="cpu", threads=2)


@pytest.fixture(scope="module")
def five() -> Classifier:
    return Classifier(FIVE, device="cpu", threads=2)


def test_the_sixth_class_comes_last() -> None:
    assert (*SEED_CLASS_NAMES, "Other") == CLASS_NAMES
    assert CLASS_NAMES.index("Other") == int(TrendClass.OTHER) == 5
    assert RESULT_SCHEMA.names[RESULT_SCHEMA.names.index("p_pue") + 1] == "p_other"
    assert RESULT_SCHEMA.field("p_other").type == pa.float32()


def test_a_model_of_six_gives_the_sixth(classifier: Classifier) -> None:
    values = mixed(40)
    values[8] = np.nan
    result = classifier.classify(values, DATES)
    seen = np.arange(40) != 8
    wanted = [KINDS[row % 4] if row != 8 else None for row in range(40)]
    assert result.class_name == wanted
    assert set(result.class_id[3::4].tolist()) == {TrendClass.OTHER}
    np.testing.assert_allclose(result.probabilities[seen].sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(result.confidence[3::4], result.probabilities[3::4, TrendClass.OTHER])
    columns = result.to_arrow()
    assert columns.schema.equals(RESULT_SCHEMA)
    assert columns["p_other"].null_count == 1
    assert columns["class_name"].to_pylist() == wanted


def test_a_model_of_five_says_nothing_of_the_sixth(five: Classifier) -> None:
    assert five.model.classes == SEED_CLASS_NAMES
    result = five.classify(mixed(40), DATES)
    assert result.probabilities.shape == (40, 6)
    assert np.isnan(result.probabilities[:, TrendClass.OTHER]).all()
    np.testing.assert_allclose(result.probabilities[:, :5].sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(result.class_top, result.probabilities[:, :5].argmax(axis=1))
    columns = result.to_arrow()
    assert columns["p_other"].null_count == 40
    assert columns["p_pue"].null_count == 0


def test_a_model_folder_of_version_1_loads_as_before(tmp_path: Path) -> None:
    """Without a rate of its own, and without priors: what a folder of five outputs of version 1 may lack."""
    folder = small_model(tmp_path / "mine", 5)
    card = json.loads((folder / "model.json").read_text())
    del card["stable_rate_mm_yr"], card["training_priors"]
    (folder / "model.json").write_text(json.dumps(card))
    model = load_model(folder)
    assert (model.classes, model.stable_rate_mm_yr) == (SEED_CLASS_NAMES, None)
    np.testing.assert_allclose(model.training_priors.array, 0.2)
    result = Classifier(folder, device="cpu").classify(mixed(8), DATES)
    assert "Other" not in result.class_name
    assert result.to_arrow()["p_other"].null_count == 8


@pytest.mark.parametrize("open_width", [False, True], ids=["fixed", "open"])
@pytest.mark.parametrize(("outputs", "named"), [(5, 6), (6, 5)])
def test_outputs_that_are_not_the_classes_are_refused(
    tmp_path: Path, outputs: int, named: int, open_width: bool
) -> None:
    card = {"classes": list(CLASS_NAMES[:named]), "training_priors": [1] * named}
    folder = small_model(tmp_path / "m", outputs, open_width=open_width, **card)
    with pytest.raises(ModelIntegrityError, match=f"gives {outputs} probabilities and its model.json names {named}"):
        Classifier(folder, device="cpu")
    source = write(wide(mixed(4), DATES), tmp_path / "in.parquet")
    refused(run("classify", source, "--model", folder), 77, f"gives {outputs} probabilities", "export the model again")


@pytest.mark.parametrize(
    "card",
    [
        {"classes": list(CLASS_NAMES[:4])},
        {"classes": ["Other", *CLASS_NAMES[:5]]},
        {"training_priors": [1] * 5},
        {"stable_rate_mm_yr": 0},
        {"stable_rate_mm_yr": -2.0},
        {"stable_rate_mm_yr": "fast"},
    ],
)
def test_damaged_descriptions_of_six_are_refused(tmp_path: Path, card: dict[str, Any]) -> None:
    with pytest.raises(ModelIntegrityError):
        Classifier(small_model(tmp_path / "m", **card), device="cpu")


def test_priors_of_six_and_of_five(classifier: Classifier) -> None:
    values = mixed(40, seed=1)
    plain = classifier.classify(values, DATES).probabilities
    training = classifier.model.training_priors.array
    six = [0.5, 0.1, 0.1, 0.1, 0.1, 0.1]
    found = classifier.with_priors(six)
    np.testing.assert_array_equal(
        found.classify(values, DATES).probabilities, reweight(plain, found.priors.array, training)
    )
    np.testing.assert_allclose(found.priors.array, six)
    # Other keeps its fifth, the five divide the rest.
    by_name = classifier.with_priors({"stable": 6, "linear": 1, "quadratic": 1, "bilinear": 1, "pue": 1})
    np.testing.assert_allclose(by_name.priors.array, [0.48, 0.08, 0.08, 0.08, 0.08, 0.2])
    np.testing.assert_array_equal(
        by_name.classify(values, DATES).probabilities, reweight(plain, by_name.priors.array, training)
    )


def test_six_priors_are_too_many_for_five_classes(tmp_path: Path, five: Classifier) -> None:
    with pytest.raises(UsageError, match="paper-cnn has no class Other: give shares of its 5 classes alone"):
        five.with_priors([1] * 6)
    np.testing.assert_allclose(five.with_priors([4, 1, 1, 1, 1]).priors.array, [0.5, *[0.125] * 4])
    source = write(wide(mixed(4), DATES), tmp_path / "in.parquet")
    done = run("classify", source, "--model", FIVE, "--priors", "1,1,1,1,1,1", "--units", "mm")
    refused(done, 2, "no class Other")


def test_priors_are_estimated_for_all_six(tmp_path: Path, classifier: Classifier) -> None:
    values = mixed(400)
    values[200:] = np.random.default_rng(1).normal(0, 1, (200, len(DAYS)))
    source = write(wide(values, DATES), tmp_path / "in.parquet")
    priors = classify_file(source, tmp_path / "o.parquet", classifier=classifier, units="mm", priors="auto").priors
    assert tuple(priors.shares) == CLASS_NAMES
    plain = classifier.classify(values, DATES).probabilities
    training = classifier.model.training_priors.array
    wanted = damped(estimate_priors(known_rows(plain, classifier.model.unsure_below), training), training)
    np.testing.assert_allclose(priors.array, wanted, rtol=1e-6)
    assert priors.rows == 400
    five = classify_file(
        source, tmp_path / "five.parquet", classifier=Classifier(FIVE, device="cpu"), units="mm", priors="auto"
    )
    assert tuple(five.priors.shares) == SEED_CLASS_NAMES


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(wide(mixed(40), DATES), tmp_path_factory.mktemp("in") / "in.parquet")


@pytest.mark.parametrize("extension", ["parquet", "csv", "arrow", "gpkg"])
def test_every_output_has_the_sixth(tmp_path: Path, source: Path, classifier: Classifier, extension: str) -> None:
    output = tmp_path / f"o.{extension}"
    summary = classify_file(source, output, classifier=classifier, units="mm")
    assert summary.classes == {name: 10 * (name in KINDS) for name in CLASS_NAMES}
    read: dict[str, Callable[[], list[tuple[Any, ...]]]] = {
        "parquet": lambda: _pairs(pq.read_table(output)),
        "csv": lambda: _pairs(pacsv.read_csv(output)),
        "arrow": lambda: _pairs(pa.ipc.open_file(output).read_all()),
        "gpkg": lambda: query(output, "SELECT class_name, p_other FROM o"),
    }
    pairs = read[extension]()
    assert [name for name, _ in pairs] == list(KINDS) * 10
    assert all((share > 0.6) == (name == "Other") for name, share in pairs)


def _pairs(table: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(table["class_name"].to_pylist(), table["p_other"].to_pylist(), strict=True))


def test_no_output_of_five_classes_has_a_share_of_the_sixth(tmp_path: Path, source: Path, five: Classifier) -> None:
    outputs = [tmp_path / f"o.{extension}" for extension in ("parquet", "csv", "arrow", "gpkg")]
    summary = classify_file(source, outputs[0], classifier=five, units="mm", also=outputs[1:])
    assert summary.classes["Other"] == 0
    assert pq.read_table(outputs[0])["p_other"].null_count == 40
    assert pacsv.read_csv(outputs[1])["p_other"].null_count == 40
    assert pa.ipc.open_file(outputs[2]).read_all()["p_other"].null_count == 40
    assert query(outputs[3], "SELECT count(*) FROM o WHERE p_other IS NULL") == [(40,)]


def test_the_metadata_hold_the_definitions(tmp_path: Path, source: Path, classifier: Classifier) -> None:
    classify_file(source, tmp_path / "o.parquet", classifier=classifier, units="mm")
    block = json.loads(pq.read_schema(tmp_path / "o.parquet").metadata[b"insar_runtime"])
    assert block["class_names"] == list(CLASS_NAMES)
    assert block["definitions"] == definitions.class_definitions(definitions.STABLE_RATE_MM_YR)
    named = {name for name in vars(definitions) if name.isupper()} - {"DAYS_PER_YEAR", "MAD_TO_STD"}
    assert {name.lower() for name in named} == set(block["definitions"])


def test_rows_of_other_are_diagnosed(tmp_path: Path, source: Path, classifier: Classifier) -> None:
    """They have rates; jumps are looked for where the class is PUE."""
    corrected = tmp_path / "c.parquet"
    classify_file(source, tmp_path / "o.parquet", classifier=classifier, units="mm", diagnose=True, corrected=corrected)
    rows = pq.read_table(tmp_path / "o.parquet").to_pylist()
    assert [row["class_name"] for row in rows] == list(KINDS) * 10
    assert all(np.isfinite(row["velocity_mm_yr"]) for row in rows)
    assert [row["n_jumps"] is not None for row in rows] == [name == "PUE" for name in KINDS] * 10
    repaired = [row["class_after_repair"] for row in rows if row["class_name"] == "PUE"]
    assert set(repaired) <= {*CLASS_NAMES, None}
    assert "Stable" in repaired


def test_workers_give_what_the_command_gives(tmp_path: Path, source: Path, six_classes: Path) -> None:
    classify_file(source, tmp_path / "o.parquet", classifier=Classifier(six_classes, device="cpu"), units="mm")
    expected = pq.read_table(tmp_path / "o.parquet").select(RESULT_SCHEMA.names)
    lists = as_lists(pq.read_table(source), "list")
    job = plan(lists, units="mm", model=six_classes)
    out = pa.Table.from_batches(job(lists.to_batches(max_chunksize=7)), job.schema)
    assert job.schema.field("p_other").type == pa.float32()
    assert out["p_other"].to_pylist() == expected["p_other"].to_pylist()
    assert out["class_name"].to_pylist() == expected["class_name"].to_pylist()


def test_show_and_its_picture_have_a_row_a_class(
    tmp_path: Path, source: Path, classifier: Classifier, five: Classifier
) -> None:
    for opened in (classifier, five):
        point = find_point(source, row=3, open_classifier=partial(_opened, opened))
        answer = point.to_dict()["answer"]
        assert list(answer["probabilities"]) == list(opened.model.classes)
        text = describe_point(point, Look(100, plain=True, coloured=False))
        assert ("\n  Other" in text) == ("Other" in opened.model.classes)
        pytest.importorskip("matplotlib")
        write_png(point, tmp_path / f"{opened.model.name}.png")
        assert (tmp_path / f"{opened.model.name}.png").read_bytes().startswith(b"\x89PNG")


def _opened(classifier: Classifier) -> Classifier:
    return classifier


def test_a_report_counts_and_explains_six(tmp_path: Path, source: Path, classifier: Classifier) -> None:
    write_report(source, tmp_path / "r.html", classification=Classification(lambda: classifier))
    page = read_page(tmp_path / "r.html")
    assert page.facts["groups"] == [*CLASS_NAMES, "No class"]
    assert page.facts["counts"]["groups"] == [10, 10, 0, 0, 10, 10, 0]
    assert len(page.facts["colours"]) == len(page.facts["groups"])
    assert page.facts["meanings"] == list(describe_classes().values())
    assert ["Stable", "below 2 mm/yr"] in page.facts["about"]


def test_class_lines_have_the_numbers_of_the_definitions() -> None:
    lines = describe_classes()
    assert tuple(lines) == CLASS_NAMES
    assert f"below {definitions.STABLE_RATE_MM_YR:g} mm/yr" in lines["Stable"]
    assert f"jumps of {definitions.JUMP_MM:g} mm" in lines["PUE"]
    assert "15 to 85 %" in lines["Bilinear"]
    assert "6 to 10 mm" in lines["Other"]
    assert "1.5 mm/yr" in describe_classes(1.5)["Linear"]
    assert "mm/yr" not in " ".join(describe_classes(None).values())


def test_tables_from_before_the_sixth_are_still_read(tmp_path: Path, source: Path, five: Classifier) -> None:
    classify_file(source, tmp_path / "new.parquet", classifier=five, units="mm", keep_series=True)
    table = pq.read_table(tmp_path / "new.parquet").drop_columns(["p_other"])
    pq.write_table(table, tmp_path / "old.parquet")
    for name in ("new", "old"):
        _report(tmp_path / f"{name}.parquet", tmp_path / f"{name}.html")
    old, new = read_page(tmp_path / "old.html"), read_page(tmp_path / "new.html")
    assert old.facts["counts"] == new.facts["counts"]
    np.testing.assert_array_equal(old.arrays["shares"], new.arrays["shares"])
    point = find_point(tmp_path / "old.parquet", row=1, open_classifier=_unasked)
    assert point.answer is not None
    assert point.answer.probabilities is not None
    assert tuple(point.answer.probabilities) == SEED_CLASS_NAMES


def _report(path: Path, output: Path) -> None:
    write_report(path, output, classification=Classification(_unasked))


def _unasked() -> Classifier:
    raise AssertionError("no model is needed")


def test_other_abstains_like_any_class(classifier: Classifier) -> None:
    values = mixed(40)
    sure = classifier.classify(values, DATES)
    strict = Classifier(classifier.model.folder, device="cpu", abstain_below=1.0)  # type: ignore[arg-type]
    result = strict.classify(values, DATES)
    assert (result.status == RowStatus.ABSTAINED).all()
    assert np.array_equal(result.class_top, sure.class_top)
    assert (result.class_id == -1).all()
