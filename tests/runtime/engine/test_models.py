"""Shipped models are found and unchanged, and refused if a bit differs."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from insar_runtime import Classifier, ModelIntegrityError, UnavailableError, list_models, load_model
from insar_runtime.models import DEFAULT_MODEL, FasterOnCpu

CLASSES = len(load_model().classes)
SHIPPED = Path(str(files("insar_runtime"))) / "models"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the default model that a test may damage."""
    return Path(shutil.copytree(SHIPPED / list_models()[0], tmp_path / "model"))


def test_default_model_comes_first_and_loads() -> None:
    assert list_models()[0] == load_model().name == DEFAULT_MODEL
    assert set(load_model().precisions) == {"fp32", "int8"}


@pytest.mark.parametrize("name", list_models())
def test_shipped_files_are_those_of_the_record(name: str, artifacts: Path) -> None:
    card = json.loads((artifacts / name / "model.json").read_text())
    assert (SHIPPED / name / "model.json").read_bytes() == (artifacts / name / "model.json").read_bytes()
    shipped = (*card["files"].values(), *card["golden"].values())
    for entry in (*shipped, card["keras"]):
        data = (artifacts / name / entry["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
    for entry in shipped:
        assert hashlib.sha256((SHIPPED / name / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("place", [100, 0.5, -1])
def test_one_flipped_bit_is_refused(copy: Path, precision: str, place: float) -> None:
    path = copy / json.loads((copy / "model.json").read_text())["files"][precision]["file"]
    data = bytearray(path.read_bytes())
    data[int(place * len(data)) if 0 < place < 1 else int(place)] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelIntegrityError, match="SHA-256"):
        Classifier(copy, precision=precision)  # type: ignore[arg-type]


def _without(key: str) -> Callable[[str], str]:
    return lambda text: json.dumps({name: value for name, value in json.loads(text).items() if name != key})


def _with(**changed: Any) -> Callable[[str], str]:
    return lambda text: json.dumps({**json.loads(text), **changed})


def _edit(copy: Path, edit: Callable[[str], str]) -> Path:
    path = copy / "model.json"
    path.write_text(edit(path.read_text()))
    return copy


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text[:50],
        lambda text: "[]",
        _without("limits"),
        _without("files"),
        lambda text: text.replace('"sha256"', '"sha"'),
        _with(limits={"min_epochs": "a", "max_epochs": 512, "max_gap_days": 240, "max_range_mm": 1500}),
        _with(files=["a"]),
        _with(schema=2),
        lambda text: text.replace('"Quadratic"', '"Cubic"'),
        _with(training_priors=[0.5, 0.5]),
        _with(training_priors=[*[1] * (CLASSES - 1), 0]),
        _with(training_priors=[1] * (CLASSES - 1 if CLASSES > 5 else CLASSES + 1)),
        _with(stable_rate_mm_yr=0),
        _with(training_priors="none"),
        _with(faster_on_cpu={"plain": "int4"}),
        _with(faster_on_cpu={"abacus": "int8"}),
        _with(faster_on_cpu=["int8"]),
    ],
)
def test_damaged_description_is_refused(copy: Path, edit: Callable[[str], str]) -> None:
    with pytest.raises(ModelIntegrityError):
        Classifier(_edit(copy, edit))


def test_what_a_description_may_leave_out(copy: Path) -> None:
    plain = load_model(_edit(_edit(copy, _without("training_priors")), _without("faster_on_cpu")))
    np.testing.assert_allclose(plain.training_priors.array, 1 / CLASSES)
    assert plain.faster_on_cpu == FasterOnCpu("int8", "int8")
    shares = [CLASSES - 1, *[1] * (CLASSES - 1)]
    told = load_model(_edit(copy, _with(training_priors=shares, faster_on_cpu={"plain": "fp32"})))
    assert told.training_priors.shares["Stable"] == 0.5
    assert told.faster_on_cpu == FasterOnCpu("int8", "fp32")


@pytest.mark.parametrize("name", ["no-such-model", "..", ".", "", "/"])
def test_unknown_model_names_the_shipped_ones(name: str) -> None:
    with pytest.raises(UnavailableError, match=list_models()[0]):
        load_model(name)


def test_folder_of_the_same_name_takes_no_models_place(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = list_models()[0]
    decoy = copy.rename(copy.with_name(name))
    _edit(decoy, _with(version="decoy"))
    monkeypatch.chdir(decoy.parent)
    assert load_model(name).version != "decoy"
    assert load_model().version != "decoy"
    assert load_model(f"./{name}").version == "decoy"


def test_missing_file_is_unavailable(copy: Path) -> None:
    for path in copy.glob("*.onnx"):
        path.unlink()
    with pytest.raises(UnavailableError, match="is missing"):
        Classifier(copy)


def test_missing_precision_is_unavailable(copy: Path) -> None:
    path = copy / "model.json"
    card = json.loads(path.read_text())
    del card["files"]["int8"]
    path.write_text(json.dumps(card))
    assert Classifier(copy).precision == "fp32"
    with pytest.raises(UnavailableError, match="no int8 file; it has fp32"):
        Classifier(copy, precision="int8")
