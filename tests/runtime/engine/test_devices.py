"""A test for each row of the table of devices, on simulated machines: no machine has all devices."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, UnavailableError, UsageError, classify_file, load_model
from insar_runtime._engine import session
from insar_runtime._engine.proof import Proof
from insar_runtime.devices import DeviceFacts, choose, gather_facts, lists_int8_dot_product
from insar_runtime.models import FasterOnCpu, Precision

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
BOTH: tuple[Precision, ...] = ("fp32", "int8")
MIXED = FasterOnCpu(int8_dot_product="int8", plain="fp32")
CPU_BUILD = DeviceFacts((CPU,), cuda_driver=False, int8_dot_product=True)
OLD_CPU = DeviceFacts((CPU,), cuda_driver=False, int8_dot_product=False)
GPU_MACHINE = DeviceFacts((CUDA, CPU), cuda_driver=True, int8_dot_product=True)
GPU_BUILD_WITHOUT_DRIVER = DeviceFacts((CUDA, CPU), cuda_driver=False, int8_dot_product=True)


@pytest.mark.parametrize(
    ("request_", "facts", "wanted"),
    [
        ("auto", CPU_BUILD, [("cpu", CPU, "int8")]),
        ("auto", OLD_CPU, [("cpu", CPU, "fp32")]),
        ("cpu", OLD_CPU, [("cpu", CPU, "fp32")]),
        ("auto", GPU_MACHINE, [("cuda", CUDA, "fp32"), ("cpu", CPU, "int8")]),
        ("auto", GPU_BUILD_WITHOUT_DRIVER, [("cpu", CPU, "int8")]),
        ("cpu", GPU_MACHINE, [("cpu", CPU, "int8")]),
        ("cuda", GPU_MACHINE, [("cuda", CUDA, "fp32")]),
        (
            "coreml",
            DeviceFacts(("CoreMLExecutionProvider", CPU), cuda_driver=False, int8_dot_product=True),
            [("coreml", "CoreMLExecutionProvider", "fp32")],
        ),
    ],
)
def test_device_provider_and_precision_are_chosen_by_the_table(
    request_: str, facts: DeviceFacts, wanted: list[tuple[str, str, str]]
) -> None:
    found = [(c.device, c.provider, c.precision) for c in choose(request_, facts, BOTH, MIXED)]
    assert found == wanted


def test_asked_precision_wins() -> None:
    assert [c.precision for c in choose("auto", GPU_MACHINE, ["int8"], MIXED)] == ["int8", "int8"]
    assert [c.precision for c in choose("cpu", CPU_BUILD, ["fp32"], MIXED)] == ["fp32"]


@pytest.mark.parametrize(
    ("faster", "facts", "wanted"),
    [
        (FasterOnCpu(), CPU_BUILD, "int8"),
        (FasterOnCpu(), OLD_CPU, "int8"),
        (MIXED, CPU_BUILD, "int8"),
        (MIXED, OLD_CPU, "fp32"),
        (FasterOnCpu("fp32", "fp32"), CPU_BUILD, "fp32"),
    ],
)
def test_the_models_word_on_the_processor_decides(faster: FasterOnCpu, facts: DeviceFacts, wanted: str) -> None:
    (choice,) = choose("auto", facts, BOTH, faster)
    assert choice.precision == wanted
    found = "with" if facts.int8_dot_product else "without"
    assert choice.reason == f"this onnxruntime is the CPU build; {wanted} for a processor {found} int8 dot products"


def test_reason_is_silent_on_a_precision_that_was_no_choice() -> None:
    assert choose("cpu", CPU_BUILD, ["fp32"], MIXED)[0].reason == "asked for"


@pytest.mark.parametrize(
    ("cpuinfo", "wanted"),
    [
        ("processor\t: 0\nflags\t\t: fpu sse2 avx512f avx512_vnni\n\nprocessor\t: 1\n", True),
        ("flags\t\t: fpu avx2 avx_vnni\n", True),
        ("flags\t\t: fpu sse2 avx avx2 avx512f\nvmx flags\t: avx512_vnni\n", False),
        ("processor\t: 0\nFeatures\t: fp asimd asimdhp cpuid asimddp\n", True),
        ("Features\t: fp asimd i8mm\n", True),
        ("Features\t: fp asimd evtstrm crc32 cpuid\n", False),
        ("", False),
    ],
    ids=["VNNI", "AVX-VNNI", "x86 without", "Arm dot product", "Arm i8mm", "Cortex-A72", "nothing"],
)
def test_linux_tells_of_int8_dot_products(cpuinfo: str, wanted: bool) -> None:
    assert lists_int8_dot_product(cpuinfo) == wanted


@pytest.mark.parametrize("request_", ["cuda", "coreml", "directml", "openvino"])
def test_absent_device_is_an_error_with_a_remedy(request_: str) -> None:
    with pytest.raises(UnavailableError, match=r"needs \w+ExecutionProvider.*(pip install|use macOS)"):
        choose(request_, CPU_BUILD, BOTH, MIXED)


def test_asking_for_cuda_tries_it_whatever_is_known_of_the_driver() -> None:
    assert [c.device for c in choose("cuda", GPU_BUILD_WITHOUT_DRIVER, BOTH, MIXED)] == ["cuda"]


def test_unknown_device_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="'abacus' is unknown"):
        choose("abacus", CPU_BUILD, BOTH, MIXED)


@pytest.mark.parametrize(("machine", "wanted"), [("arm64", True), ("x86_64", False)])
def test_macs_are_told_by_their_processor(monkeypatch: pytest.MonkeyPatch, machine: str, wanted: bool) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert gather_facts(_FallingBack()).int8_dot_product == wanted


Providers = list[tuple[str, dict[str, str]]]


class _FallingBack:
    """An onnxruntime whose CUDA provider fails to load, as with missing libraries: it says nothing."""

    class SessionOptions:
        def add_session_config_entry(self, name: str, value: str) -> None: ...

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.options: dict[str, dict[str, str]] = {}

    def get_available_providers(self) -> list[str]:
        return [CUDA, CPU]

    def InferenceSession(self, data: bytes, options: Any, providers: Providers) -> Any:  # noqa: N802, ARG002
        self.tried += [provider for provider, _ in providers]
        self.options |= dict(providers)
        return _Session([CPU])


CLASSES = len(load_model().classes)


class _Output:
    shape = ("batch", CLASSES)


class _Session:
    """A session that runs on the providers it is given, notes its calls, and may fail at them."""

    def __init__(self, providers: list[str], error: Exception | None = None) -> None:
        self._providers, self._error = providers, error
        self.calls: list[tuple[tuple[int, ...], tuple[int, ...]]] = []

    def get_providers(self) -> list[str]:
        return self._providers

    def get_outputs(self) -> list[_Output]:
        return [_Output()]

    def run(self, outputs: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:  # noqa: ARG002
        self.calls.append((inputs["displacement"].shape, inputs["days"].shape))
        if self._error:
            raise self._error
        rows = inputs["displacement"]
        return [np.full((len(rows), CLASSES), 0.2, np.float32) + np.nan_to_num(rows[:, :CLASSES]) / 1000]


def _prove_all(*arguments: object) -> Proof:
    """Answer for sessions that compute nothing; the real one would, by whether an earlier test had proven the model."""
    del arguments
    return Proof("proven")


@pytest.fixture
def falling_back(monkeypatch: pytest.MonkeyPatch) -> _FallingBack:
    engine = _FallingBack()
    monkeypatch.setattr(session, "import_onnxruntime", lambda: engine)
    monkeypatch.setattr(session, "gather_facts", lambda _: GPU_MACHINE)
    monkeypatch.setattr(session, "prove", _prove_all)
    return engine


def test_auto_notices_a_silent_fall_back(falling_back: _FallingBack, caplog: pytest.LogCaptureFixture) -> None:
    classifier = Classifier()
    assert f"does not run by {CUDA} on cuda" in caplog.text
    assert falling_back.tried == [CUDA, CPU]
    assert (classifier.device, classifier.precision) == ("cpu", load_model().faster_on_cpu.int8_dot_product)
    assert "did not run" in classifier.device_reason


def test_cuda_refuses_a_silent_fall_back(falling_back: _FallingBack) -> None:
    with pytest.raises(UnavailableError, match="did not run the model"):
        Classifier(device="cuda")
    assert falling_back.tried == [CUDA]


class _Gpu(_FallingBack):
    """An onnxruntime whose CUDA provider runs, or fails at its first call."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self._error = error
        self.sessions: list[_Session] = []

    def InferenceSession(self, data: bytes, options: Any, providers: Providers) -> Any:  # noqa: N802
        super().InferenceSession(data, options, providers)
        provider = providers[0][0]
        self.sessions.append(_Session([provider, CPU], self._error if provider == CUDA else None))
        return self.sessions[-1]


def _use(monkeypatch: pytest.MonkeyPatch, engine: _Gpu) -> _Gpu:
    monkeypatch.setattr(session, "import_onnxruntime", lambda: engine)
    monkeypatch.setattr(session, "gather_facts", lambda _: GPU_MACHINE)
    monkeypatch.setattr(session, "prove", _prove_all)
    return engine


def test_a_gpu_takes_fp32_in_full_precision_and_large_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = _use(monkeypatch, _Gpu())
    classifier = Classifier()
    assert (classifier.device, classifier.precision) == ("cuda", "fp32")
    assert engine.options[CUDA]["use_tf32"] == "0"
    (opened,) = engine.sessions
    assert len(opened.calls) == 1  # the trial
    rows = np.random.default_rng(0).normal(0, 3, (10_001, 50)).astype(np.float32)
    days = np.arange(50, dtype=np.float32) * 12
    result = classifier.with_threads(1).classify_matrix(rows, days)
    assert [shape for shape, _ in opened.calls[1:]] == [(4096, 50), (4096, 50), (1816, 50)]
    np.testing.assert_allclose(result.probabilities[:, :CLASSES], 0.2 + rows[:, :CLASSES] / 1000, atol=1e-6)


def test_a_gpu_gets_large_calls_from_a_file_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    engine = _use(monkeypatch, _Gpu())
    rng = np.random.default_rng(0)
    dates = np.datetime64("2018-01-03") + np.arange(300) * 6
    columns = {str(date).replace("-", ""): rng.normal(0, 3, 9_000) for date in dates}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    classifier = Classifier(threads=1)
    classify_file(tmp_path / "t.parquet", tmp_path / "o.parquet", units="mm", priors="trained", classifier=classifier)
    assert [rows for (rows, _), _ in engine.sessions[0].calls[1:]] == [4096, 4096, 808]


def test_auto_goes_on_to_the_cpu_where_a_gpu_fails_at_its_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = _use(monkeypatch, _Gpu(RuntimeError("CUDNN_STATUS_NOT_INITIALIZED")))
    assert Classifier().device == "cpu"
    assert engine.tried == [CUDA, CPU]
    with pytest.raises(UnavailableError, match="failed at a first call"):
        Classifier(device="cuda")


def test_a_call_that_fails_later_is_told_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = _use(monkeypatch, _Gpu())
    classifier = Classifier(device="cuda")
    engine.sessions[0]._error = RuntimeError("out of memory\non the device")
    with pytest.raises(UnavailableError, match=r"failed on cuda with 9 series of 40 epochs \(out of memory\); use"):
        classifier.classify_matrix(np.zeros((9, 40), np.float32), np.arange(40, dtype=np.float32) * 12)


def test_this_machine_runs_what_it_reports() -> None:
    classifier = Classifier(device="cpu")
    assert classifier.provider in classifier._opened.session.get_providers()
