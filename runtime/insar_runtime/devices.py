"""Which device runs a model: facts in, an ordered list of candidates out, nothing else.

The decision is a pure function, so that every row of its table is tested on machines that have none of
the devices. Opening and verifying what really runs is the session's job.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from insar_runtime.errors import UnavailableError, UsageError
from insar_runtime.models import Precision

Device = Literal["auto", "cpu", "cuda", "coreml", "directml", "openvino"]
DEVICES: Final[tuple[str, ...]] = get_args(Device)

_PROVIDERS: Final = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
_REMEDY: Final = {
    "cuda": "pip uninstall -y onnxruntime && pip install 'onnxruntime-gpu[cuda,cudnn]'",
    "directml": "pip uninstall -y onnxruntime && pip install onnxruntime-directml",
    "openvino": "pip uninstall -y onnxruntime && pip install onnxruntime-openvino",
    "coreml": "use macOS with the onnxruntime wheel",
}


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What is known of the machine before a session is opened.

    Attributes
    ----------
    providers : tuple of str
        Execution providers that onnxruntime was built with. The GPU wheel lists CUDA even on a machine
        without a driver, so this alone proves nothing.
    cuda_driver : bool
        Whether the library of an NVIDIA driver is there.
    """

    providers: tuple[str, ...]
    cuda_driver: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A provider to try, the precision to load for it, and why."""

    device: str
    provider: str
    precision: Precision
    reason: str


def choose(request: str, facts: DeviceFacts, precisions: Sequence[Precision]) -> tuple[Candidate, ...]:
    """Decide what to try, best first.

    Parameters
    ----------
    request : {"auto", "cpu", "cuda", "coreml", "directml", "openvino"}
        What the user asked for. All but ``auto`` give exactly one candidate.
    facts : DeviceFacts
        What the machine has.
    precisions : sequence of {"fp32", "int8"}
        Precisions to choose from: those of the model, or the one that the user asked for.

    Raises
    ------
    UsageError
        If the request is no known device.
    UnavailableError
        If the device that was asked for cannot run here.
    """
    if request not in DEVICES:
        raise UsageError(f"device {request!r} is unknown; choose one of {', '.join(DEVICES)}")
    cpu = Candidate("cpu", _PROVIDERS["cpu"], _prefer("int8", precisions), "asked for")
    if request == "cpu":
        return (cpu,)
    cuda = Candidate("cuda", _PROVIDERS["cuda"], _prefer("fp32", precisions), "asked for")
    cuda_built = cuda.provider in facts.providers
    if request == "auto":
        if cuda_built and facts.cuda_driver:
            return (
                _because(cuda, "an NVIDIA driver is loaded"),
                _because(cpu, "CUDA was found but did not run"),
            )
        why = "the CUDA build finds no NVIDIA driver" if cuda_built else "this onnxruntime is the CPU build"
        return (_because(cpu, why),)
    wanted = Candidate(request, _PROVIDERS[request], _prefer("fp32", precisions), "asked for")
    if wanted.provider not in facts.providers:
        raise UnavailableError(
            f"device {request} needs {wanted.provider}, this onnxruntime has {', '.join(facts.providers)}; "
            f"{_REMEDY[request]}"
        )
    return (wanted,)


def gather_facts(onnxruntime: Any) -> DeviceFacts:
    """Ask onnxruntime and the operating system."""
    return DeviceFacts(tuple(onnxruntime.get_available_providers()), _has_cuda_driver())


def _has_cuda_driver() -> bool:
    """Ask for the driver's library, which is there on plain Linux, on WSL and on Jetson alike."""
    try:
        ctypes.CDLL("nvcuda.dll" if platform.system() == "Windows" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _prefer(precision: Precision, offered: Sequence[Precision]) -> Precision:
    return precision if precision in offered else offered[0]


def _because(candidate: Candidate, reason: str) -> Candidate:
    return Candidate(candidate.device, candidate.provider, candidate.precision, reason)
