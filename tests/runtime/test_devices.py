"""One test per row of the device table, on fakes: no machine has all devices."""

from __future__ import annotations

from typing import Any

import pytest

from insar_runtime import Classifier, UnavailableError, UsageError, _session
from insar_runtime.devices import DeviceFacts, choose
from insar_runtime.models import Precision

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
BOTH: tuple[Precision, ...] = ("fp32", "int8")
CPU_BUILD = DeviceFacts((CPU,), cuda_driver=False)
GPU_MACHINE = DeviceFacts((CUDA, CPU), cuda_driver=True)
GPU_BUILD_WITHOUT_DRIVER = DeviceFacts((CUDA, CPU), cuda_driver=False)


@pytest.mark.parametrize(
    ("request_", "facts", "wanted"),
    [
        ("auto", CPU_BUILD, [("cpu", CPU, "int8")]),
        ("auto", GPU_MACHINE, [("cuda", CUDA, "fp32"), ("cpu", CPU, "int8")]),
        ("auto", GPU_BUILD_WITHOUT_DRIVER, [("cpu", CPU, "int8")]),
        ("cpu", GPU_MACHINE, [("cpu", CPU, "int8")]),
        ("cuda", GPU_MACHINE, [("cuda", CUDA, "fp32")]),
        (
            "coreml",
            DeviceFacts(("CoreMLExecutionProvider", CPU), False),
            [("coreml", "CoreMLExecutionProvider", "fp32")],
        ),
    ],
)
def test_choice(request_: str, facts: DeviceFacts, wanted: list[tuple[str, str, str]]) -> None:
    found = [(c.device, c.provider, c.precision) for c in choose(request_, facts, BOTH)]
    assert found == wanted


def test_asked_precision_wins() -> None:
    assert [c.precision for c in choose("auto", GPU_MACHINE, ["int8"])] == ["int8", "int8"]
    assert [c.precision for c in choose("cpu", CPU_BUILD, ["fp32"])] == ["fp32"]


@pytest.mark.parametrize("request_", ["cuda", "coreml", "directml", "openvino"])
def test_absent_device_is_an_error_with_a_remedy(request_: str) -> None:
    with pytest.raises(UnavailableError, match=r"needs \w+ExecutionProvider.*(pip install|use macOS)"):
        choose(request_, CPU_BUILD, BOTH)


def test_asking_for_cuda_tries_it_whatever_is_known_of_the_driver() -> None:
    assert [c.device for c in choose("cuda", GPU_BUILD_WITHOUT_DRIVER, BOTH)] == ["cuda"]


def test_unknown_device_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="'abacus' is unknown"):
        choose("abacus", CPU_BUILD, BOTH)


class _FallingBack:
    """An onnxruntime whose CUDA provider fails to load, as with missing libraries: it says nothing."""

    class SessionOptions:
        def add_session_config_entry(self, name: str, value: str) -> None: ...

    def __init__(self) -> None:
        self.tried: list[str] = []

    def get_available_providers(self) -> list[str]:
        return [CUDA, CPU]

    def InferenceSession(self, data: bytes, options: Any, providers: list[str]) -> Any:  # noqa: ARG002, N802
        self.tried += providers
        return _Session()


class _Session:
    def get_providers(self) -> list[str]:
        return [CPU]


@pytest.fixture
def falling_back(monkeypatch: pytest.MonkeyPatch) -> _FallingBack:
    engine = _FallingBack()
    monkeypatch.setattr(_session, "import_onnxruntime", lambda: engine)
    monkeypatch.setattr(_session, "gather_facts", lambda _: GPU_MACHINE)
    return engine


def test_auto_notices_a_silent_fall_back(falling_back: _FallingBack) -> None:
    classifier = Classifier()
    assert falling_back.tried == [CUDA, CPU]
    assert (classifier.device, classifier.precision) == ("cpu", "int8")
    assert "did not run" in classifier.device_reason


def test_cuda_refuses_a_silent_fall_back(falling_back: _FallingBack) -> None:
    with pytest.raises(UnavailableError, match="did not run the model"):
        Classifier(device="cuda")
    assert falling_back.tried == [CUDA]


def test_this_machine_runs_what_it_reports() -> None:
    classifier = Classifier(device="cpu")
    assert classifier.provider in classifier._opened.session.get_providers()
