"""One test per row of the device table, on fakes: no machine has all devices."""

from __future__ import annotations

import platform
from typing import Any

import pytest

from insar_runtime import Classifier, UnavailableError, UsageError, _session, load_model
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
def test_choice(request_: str, facts: DeviceFacts, wanted: list[tuple[str, str, str]]) -> None:
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
    assert (classifier.device, classifier.precision) == ("cpu", load_model().faster_on_cpu.int8_dot_product)
    assert "did not run" in classifier.device_reason


def test_cuda_refuses_a_silent_fall_back(falling_back: _FallingBack) -> None:
    with pytest.raises(UnavailableError, match="did not run the model"):
        Classifier(device="cuda")
    assert falling_back.tried == [CUDA]


def test_this_machine_runs_what_it_reports() -> None:
    classifier = Classifier(device="cpu")
    assert classifier.provider in classifier._opened.session.get_providers()
