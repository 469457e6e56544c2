"""int8 proves itself where it runs: golden vectors, a fallback with one note, an error where int8 was asked for."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from insar_runtime import (
    Classifier,
    MemoryLimitError,
    ModelIntegrityError,
    UnavailableError,
    classify_file,
    list_models,
    load_model,
)
from insar_runtime._engine import first_call
from insar_runtime._engine import proof as proof_module
from insar_runtime._engine.golden import GoldenVectors, golden_vectors
from insar_runtime._engine.onnx_runtime import import_onnxruntime
from insar_runtime._engine.proof import prove
from insar_runtime._engine.session import open_session
from insar_runtime._inspect.inspection import inspect_file
from insar_runtime._inspect.planned_run import InspectOptions
from insar_runtime.devices import gather_facts
from insar_runtime.models import Model
from tests.runtime.run_command import refused, run

SHIPPED = Path(str(files("insar_runtime"))) / "models"
onnxruntime = import_onnxruntime()
HAS_DOT_PRODUCTS = gather_facts(onnxruntime).int8_dot_product
needs_right_int8 = pytest.mark.skipif(not HAS_DOT_PRODUCTS, reason="int8 may be wrong on this processor")


def onnxruntime_error(message: str) -> Exception:
    """Return an error of the type that onnxruntime raises; it has no built-in base but Exception."""
    error: Exception = onnxruntime.capi.onnxruntime_pybind11_state.Fail(f"[ONNXRuntimeError] : 1 : FAIL : {message}")
    return error


@pytest.fixture(params=list_models())
def model(request: pytest.FixtureRequest) -> Model:
    return load_model(str(request.param))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of a shipped model, which takes int8 on any processor."""
    folder = Path(shutil.copytree(SHIPPED / list_models()[0], tmp_path / "model"))
    return edit(folder, faster_on_cpu={"int8_dot_product": "int8", "plain": "int8"})


def edit(folder: Path, **changed: Any) -> Path:
    path = folder / "model.json"
    card = {**json.loads(path.read_text()), **changed}
    path.write_text(json.dumps({key: value for key, value in card.items() if value is not None}))
    return folder


def answer_otherwise(folder: Path, change: float) -> Path:
    """Record other probabilities than int8 gives, as on a processor that computes wrongly."""
    card = json.loads((folder / "model.json").read_text())
    vectors = golden_vectors(load_model(folder), "int8")
    assert vectors is not None
    probabilities = vectors.probabilities.copy()
    probabilities[-1, 0] += change
    data = GoldenVectors(vectors.tenths, vectors.days, probabilities, vectors.tolerance).to_bytes()
    entry = card["golden"]["int8"]
    (folder / entry["file"]).write_bytes(data)
    return edit(folder, golden={"int8": {**entry, "sha256": hashlib.sha256(data).hexdigest()}})


class Counting:
    """A session that counts its calls, and may answer something else."""

    def __init__(self, session: Any, answer: Any = None) -> None:
        self.session, self.answer, self.calls = session, answer, 0

    def run(self, names: Any, values: Any, options: Any = None) -> Any:
        del options
        self.calls += 1
        return self.session.run(names, values) if self.answer is None else [self.answer]


def test_shipped_models_have_vectors_beyond_the_rows_of_any_kernel(model: Model) -> None:
    vectors = golden_vectors(model, "int8")
    assert vectors is not None
    assert golden_vectors(model, "fp32") is None
    rows, epochs = vectors.displacement.shape
    # AMX takes 32 rows at once; calls of the run time are multiples of 8.
    assert rows > 32
    assert rows % 8 == 0
    assert model.limits.min_epochs <= epochs <= 100
    assert len(vectors.to_bytes()) < 20_000
    assert set(vectors.probabilities.argmax(axis=1)) == set(range(len(model.classes)))
    np.testing.assert_allclose(vectors.probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.isnan(vectors.displacement).any()
    assert (np.diff(vectors.days) > 0).all()
    assert 0 < vectors.tolerance <= 0.02


@needs_right_int8
def test_int8_is_proven_here(model: Model) -> None:
    opened = open_session(model, device="cpu", precision="int8")
    proof = prove(opened.session, model, "int8", opened.choice.provider)
    assert proof.state == "proven"
    assert proof.difference <= proof.tolerance / 4
    assert opened.notes == ()


def test_vectors_are_run_once_for_a_file_in_a_process(model: Model, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SHIPPED / model.name, tmp_path / "model"))
    other = load_model(answer_otherwise(folder, 1e-6))
    session = Counting(open_session(model, device="cpu", precision="fp32").session)
    found = [prove(session, other, "int8", "counted") for _ in range(3)]
    assert session.calls == 1
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("answer", [np.zeros((1, 6)), np.full((48, 6), np.nan), "text"])
def test_what_is_no_answer_refutes(answer: Any) -> None:
    session = Counting(None, answer)
    assert prove(session, load_model(), "int8", f"forged {answer!r}").state == "refuted"


class Failing:
    """A session whose first call fails."""

    def __init__(self, session: Any, error: Exception) -> None:
        self.session, self.error, self.calls = session, error, 0

    def run(self, names: Any, values: Any, options: Any = None) -> Any:
        del options
        self.calls += 1
        if self.calls == 1:
            raise self.error
        return self.session.run(names, values)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("std::bad_alloc"),
        onnxruntime_error("running Abs node. Failed to allocate memory for requested buffer of size 9"),
        onnxruntime_error("running MatMulInteger node. Status Message: std::bad_alloc"),
        RuntimeError("can't start new thread"),
    ],
)
def test_a_call_without_memory_refutes_nothing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model()
    session = Failing(open_session(model, device="cpu", precision="fp32").session, error)
    monkeypatch.setattr(proof_module, "_found", {})
    with pytest.raises(MemoryLimitError, match=f"no memory to open model {model.name}; raise its limit"):
        prove(session, model, "int8", "CPUExecutionProvider")
    assert np.isfinite(prove(session, model, "int8", "CPUExecutionProvider").difference)


def test_a_call_that_fails_is_tried_again() -> None:
    session = Failing(open_session(load_model(), device="cpu", precision="fp32").session, ValueError("no such kernel"))
    found = [prove(session, load_model(), "int8", "fails once") for _ in range(3)]
    assert session.calls == 2
    assert found[0].difference == float("inf")
    assert np.isfinite(found[1].difference)
    assert found[1] == found[2]


def test_memory_of_a_device_is_not_that_of_the_system() -> None:
    session = Failing(None, onnxruntime_error("Failed to allocate memory for requested buffer of size 9"))
    assert prove(session, load_model(), "int8", "CUDAExecutionProvider").state == "refuted"


def test_vectors_of_a_stranger_have_a_time_limit(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless:
        ended = False

        def run(self, names: Any, values: Any, options: Any) -> Any:
            del names, values
            while not options.terminate:
                time.sleep(0.01)
            self.ended = True

    monkeypatch.setattr(first_call, "LIMIT_S", 0.1)
    session = Endless()
    with pytest.raises(UnavailableError, match=r"no answer within 0\.1 s"):
        prove(session, load_model(copy), "int8", "endless")
    assert session.ended


@pytest.mark.parametrize("place", ["load", "first call"])
@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        onnxruntime_error("Exception during loading: std::bad_alloc"),
        RuntimeError("can't start new thread"),
    ],
)
def test_no_memory_to_open_a_model_is_not_a_model_that_is_missing(
    copy: Path, place: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(onnxruntime.InferenceSession, "__init__" if place == "load" else "run", fail)
    for precision in load_model(copy).precisions:
        with pytest.raises(MemoryLimitError, match="the system gives no memory to open model trend-net"):
            open_session(load_model(copy), device="cpu", precision=precision)


@needs_right_int8
def test_wrong_int8_gives_way_to_fp32_with_one_note(
    copy: Path, source: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert Classifier(copy, device="cpu").precision == "int8"
    classifier = Classifier(answer_otherwise(copy, 0.1), device="cpu")
    assert classifier.precision == "fp32"
    (note,) = classifier.notes
    assert note == (
        "fp32 runs in place of int8, which differs from its golden vectors by 0.1 on this processor, allowed is 0.02"
    )
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [note]
    assert "fp32, as int8 differs" in classifier.device_reason
    summary = classify_file(source, tmp_path / "a.parquet", classifier=classifier)
    assert summary.precision == "fp32"
    assert summary.notes.count(note) == 1
    plain = classify_file(source, tmp_path / "b.parquet", classifier=Classifier(copy, device="cpu", precision="fp32"))
    assert note not in plain.notes
    assert plain.classes == summary.classes


@pytest.mark.parametrize("quick", [False, True])
def test_inspect_plans_the_precision_that_runs(copy: Path, source: Path, *, quick: bool) -> None:
    answer_otherwise(copy, 0.5)
    planned = inspect_file(source, InspectOptions(model=copy, device="cpu", quick=quick))["classify"]
    assert planned["precision"] == "fp32"
    assert "fp32, as int8 differs" in planned["device_reason"]
    assert (planned["seconds"] is None) == quick


@needs_right_int8
def test_show_says_that_fp32_runs_in_place_of_int8(copy: Path, source: Path) -> None:
    done = run("show", source, "--row", "1", "--model", answer_otherwise(copy, 0.5), "--device", "cpu", "--json")
    answer = json.loads(done.stdout)
    assert sum("fp32 runs in place of int8" in note for note in answer["notes"]) == 1


@needs_right_int8
def test_a_difference_that_rounding_explains_is_allowed(copy: Path) -> None:
    classifier = Classifier(answer_otherwise(copy, 0.01), device="cpu")
    assert (classifier.precision, classifier.notes) == ("int8", ())


def test_wrong_int8_that_was_asked_for_is_refused(copy: Path, source: Path) -> None:
    answer_otherwise(copy, 0.5)
    with pytest.raises(UnavailableError, match="computes wrongly here: differs from its golden vectors by"):
        Classifier(copy, device="cpu", precision="int8")
    refused(run("classify", source, "--model", copy, "--precision", "int8"), 69, "computes wrongly", "--precision fp32")


def test_wrong_int8_alone_is_refused(copy: Path) -> None:
    card = json.loads((answer_otherwise(copy, 0.5) / "model.json").read_text())
    edit(copy, files={"int8": card["files"]["int8"]})
    with pytest.raises(UnavailableError, match="computes wrongly here"):
        Classifier(copy, device="cpu")


def test_a_model_without_vectors_runs_unproven_with_one_note(copy: Path, source: Path, tmp_path: Path) -> None:
    edit(copy, golden=None)
    classifier = Classifier(copy, device="cpu", precision="int8")
    (note,) = classifier.notes
    assert note.startswith("int8 of model trend-net is not proven on this processor")
    assert classify_file(source, tmp_path / "a.parquet", classifier=classifier).notes.count(note) == 1
    assert Classifier(copy, device="cpu", precision="fp32").notes == ()


@pytest.mark.parametrize("damage", ["flipped", "longer", "gone"])
def test_damaged_vectors_are_refused(copy: Path, damage: str) -> None:
    entry = json.loads((copy / "model.json").read_text())["golden"]["int8"]
    path = copy / entry["file"]
    if damage == "gone":
        path.unlink()
    else:
        data = path.read_bytes()
        data = data + b"\0" if damage == "longer" else bytes([data[0] ^ 1]) + data[1:]
        path.write_bytes(data)
        if damage == "longer":
            edit(copy, golden={"int8": {**entry, "sha256": hashlib.sha256(data).hexdigest()}})
    with pytest.raises(UnavailableError if damage == "gone" else ModelIntegrityError, match=r"int8\.golden"):
        Classifier(copy, device="cpu", precision="int8")


def test_vectors_that_are_not_finite_are_refused() -> None:
    vectors = golden_vectors(load_model(), "int8")
    assert vectors is not None
    rows, epochs = vectors.tenths.shape
    data = vectors.to_bytes()[:-4] + np.float32(np.nan).tobytes()
    with pytest.raises(ValueError, match="not finite"):
        GoldenVectors.from_bytes(data, rows=rows, epochs=epochs, classes=6, tolerance=0.02)
