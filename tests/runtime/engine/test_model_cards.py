"""A ``model.json`` may come from anyone: each field has a type and a range, and what is off is one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from insar_runtime import ModelIntegrityError, load_model
from insar_runtime.models import DEFAULT_MODEL

CARD: dict[str, Any] = json.loads((files("insar_runtime") / "models" / DEFAULT_MODEL / "model.json").read_bytes())
LIMITS, THRESHOLDS = CARD["limits"], CARD["thresholds"]
FILES: dict[str, Any] = CARD["files"]
GOLDEN = {"file": "a", "bytes": 1, "sha256": "0" * 64, "rows": 48, "epochs": 60, "tolerance": 0.02}


def forge(folder: Path, text: str | bytes) -> Path:
    (folder / "model.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def limits(**changed: Any) -> dict[str, Any]:
    return {"limits": {**LIMITS, **changed}}


def file(**changed: Any) -> dict[str, Any]:
    return {"files": {"fp32": {**FILES["fp32"], **changed}}}


def golden(**changed: Any) -> dict[str, Any]:
    return {"golden": {"int8": {**GOLDEN, **changed}}}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": None}, "name"),
        ({"name": 7}, "name"),
        ({"name": ""}, "name"),
        ({"name": "\x1b[31mred\x1b[0m"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "\u202eevil"}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"version": ["1"]}, "version"),
        ({"schema": "1"}, "schema"),
        ({"schema": True}, "schema"),
        ({"classes": "Stable"}, "classes"),
        ({"classes": [["Stable"]]}, "classes"),
        ({"limits": []}, "limits"),
        (limits(min_epochs=0), "limits.min_epochs"),
        (limits(min_epochs=-30), "limits.min_epochs"),
        (limits(min_epochs=True), "limits.min_epochs"),
        (limits(min_epochs=30.5), "limits.min_epochs"),
        (limits(min_epochs=600), "limits.max_epochs"),
        (limits(max_epochs=10**9), "limits.max_epochs"),
        (limits(max_gap_days=None), "limits.max_gap_days"),
        (limits(max_range_mm="far"), "limits.max_range_mm"),
        ({"thresholds": {**THRESHOLDS, "abstain_below": 1.5}}, "thresholds.abstain_below"),
        ({"thresholds": {**THRESHOLDS, "unsure_below": -0.1}}, "thresholds.unsure_below"),
        ({"thresholds": 0.5}, "thresholds"),
        ({"half_wavelength_mm": 0}, "half_wavelength_mm"),
        ({"half_wavelength_mm": 1e308}, "half_wavelength_mm"),
        ({"stable_rate_mm_yr": False}, "stable_rate_mm_yr"),
        ({"training_priors": [[0.2]] * 6}, "training_priors"),
        ({"training_priors": [0.2] * 1000}, "training_priors"),
        ({"training_priors": [-1, 1, 1, 1, 1, 1]}, "priors"),
        ({"faster_on_cpu": {"plain": ["fp32"]}}, "fp32"),
        ({"metrics": {}}, "metrics"),
        ({"metrics": "good"}, "metrics"),
        ({"definitions": []}, "definitions"),
        ({"training": "long"}, "training"),
        ({"operators": 3}, "operators"),
        ({"keras": None}, "keras"),
        ({"files": {}}, "files"),
        ({"files": {"fp16": FILES["fp32"]}}, "fp16"),
        ({"files": {"fp32": "a.onnx"}}, "files.fp32"),
        (file(bytes=-1), "files.fp32.bytes"),
        (file(bytes=10**9), "files.fp32.bytes"),
        (file(sha256="0" * 63), "files.fp32.sha256"),
        (file(sha256=None), "files.fp32.sha256"),
        (file(file="../a.onnx"), "../a.onnx"),
        (file(file="/etc/passwd"), "/etc/passwd"),
        (file(file="a/b.onnx"), "a/b.onnx"),
        (file(file="..\\a.onnx"), "a.onnx"),
        (file(file="C:a.onnx"), "C:a.onnx"),
        (file(file=".."), ".."),
        (file(file="a\0b"), "files.fp32.file"),
        (file(file=["a.onnx"]), "files.fp32.file"),
        ({"golden": []}, "golden"),
        ({"golden": {"fp64": GOLDEN}}, "fp64"),
        (golden(rows=0), "golden.int8.rows"),
        (golden(rows=10**9), "golden.int8.rows"),
        (golden(rows=513), "golden.int8.rows is 513; it must be a whole number from 1 to 512"),
        (golden(epochs=1366), "golden.int8.epochs is 1366; it must be a whole number from 1 to 1365"),
        (golden(epochs="60"), "golden.int8.epochs"),
        (golden(tolerance=-1), "golden.int8.tolerance"),
        (golden(file="../../a"), "../../a"),
    ],
)
def test_each_field_is_checked(tmp_path: Path, changed: dict[str, Any], field: str) -> None:
    _is_refused(forge(tmp_path, json.dumps({**CARD, **changed})), field)


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda text: text.replace('"abstain_below": 0.6', '"abstain_below": NaN'), "NaN"),
        (lambda text: text.replace('"abstain_below": 0.6', '"abstain_below": 1e999'), "not finite"),
        (lambda text: text.replace('"test_accuracy": 0', '"test_accuracy": -Infinity, "a": 0'), "Infinity"),
        (lambda text: text.replace('"seed": 2026', f'"seed": {"9" * 30}'), "2^53"),
        (lambda text: text.replace('"seed": 2026', f'"seed": {"9" * 5000}'), "damaged"),
        (lambda text: text.replace('"seed": 2026', '"seed": "\\ud800"'), "not Unicode"),
        (lambda text: text.replace('"seed": 2026', f'"seed": "{"a" * 20_000}"'), "20000 characters"),
        (lambda text: text.replace('"seed": 2026', '"seed": ' + "[" * 40 + "]" * 40), "deep"),
        (lambda text: "[" * 200_000 + "]" * 200_000, "deep"),
        (lambda text: '{"a":' * 150_000 + "1" + "}" * 150_000, "deep"),
        (lambda text: text + " " * 1_000_000, "1000000 bytes"),
        (lambda text: text.encode("utf-16")[:101], "damaged"),
        (lambda text: b"\xff\xfe\xfd", "damaged"),
        (lambda text: "", "damaged"),
        (lambda text: "null", "no object"),
        (lambda text: '"model"', "no object"),
    ],
)
def test_json_is_bounded(tmp_path: Path, damage: Callable[[str], str | bytes], what: str) -> None:
    _is_refused(forge(tmp_path, damage(json.dumps(CARD))), what)


def test_what_is_shown_of_a_stranger_is_escaped_and_short(tmp_path: Path) -> None:
    name = "\x1b]0;title\x07" + "x" * 9000
    message = _is_refused(forge(tmp_path, json.dumps({**CARD, "name": name})), "name is ")
    assert len(message) < 400


def test_a_card_as_it_is_passes(tmp_path: Path) -> None:
    forge(tmp_path, json.dumps(CARD))
    assert load_model(tmp_path).limits == load_model().limits
    assert not load_model(tmp_path).shipped
    assert load_model().shipped


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b", "\udc80"])
def test_a_name_that_no_folder_can_have_is_unavailable(name: str) -> None:
    with pytest.raises(Exception, match="there is no model") as caught:
        load_model(name)
    assert type(caught.value).__name__ == "UnavailableError"
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


def test_links_within_the_folder_and_to_it_are_taken(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(str(files("insar_runtime") / "models" / DEFAULT_MODEL), tmp_path / "model"))
    (folder / "model.json").rename(folder / "card.json")
    (folder / "model.json").symlink_to("card.json")
    (tmp_path / "link").symlink_to(folder)
    assert load_model(tmp_path / "link").read("fp32")


def _is_refused(folder: Path, what: str) -> str:
    with pytest.raises(ModelIntegrityError) as caught:
        load_model(folder)
    message = str(caught.value)
    assert what in message
    assert message.isprintable()
    return message
