"""Which device runs a model: facts in, an ordered list of candidates out, nothing else.

The decision is a pure function, so that every row of its table is tested on machines that have none of
the devices. Opening and verifying what really runs is the session's job.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

from insar_runtime.errors import UnavailableError, UsageError
from insar_runtime.models import FasterOnCpu, Precision

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
_DOT_PRODUCT_FLAGS: Final = frozenset({"avx512_vnni", "avx_vnni", "asimddp", "i8mm"})
"""Names of the instructions for dot products of int8 in /proc/cpuinfo: two on x86, two on Arm."""


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
    int8_dot_product : bool
        Whether the processor has instructions for dot products of int8, as far as that is known.
    """

    providers: tuple[str, ...]
    cuda_driver: bool
    int8_dot_product: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A provider to try, the precision to load for it, and why."""

    device: str
    provider: str
    precision: Precision
    reason: str


def choose(
    request: str, facts: DeviceFacts, precisions: Sequence[Precision], faster_on_cpu: FasterOnCpu
) -> tuple[Candidate, ...]:
    """Decide what to try, best first.

    Parameters
    ----------
    request : {"auto", "cpu", "cuda", "coreml", "directml", "openvino"}
        What the user asked for. All but ``auto`` give exactly one candidate.
    facts : DeviceFacts
        What the machine has.
    precisions : sequence of {"fp32", "int8"}
        Precisions to choose from: those of the model, or the one that the user asked for.
    faster_on_cpu : FasterOnCpu
        Which precision of the model is the faster on a CPU. It is never timed here: the same machine is to give the
        same bits.

    Raises
    ------
    UsageError
        If the request is no known device.
    UnavailableError
        If the device that was asked for cannot run here.
    """
    if request not in DEVICES:
        raise UsageError(f"device {request!r} is unknown; choose one of {', '.join(DEVICES)}")
    cpu = _on_cpu(facts, precisions, faster_on_cpu)
    if request == "cpu":
        return (_because(cpu, "asked for"),)
    cuda = Candidate("cuda", _PROVIDERS["cuda"], _prefer("fp32", precisions), "")
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
    return DeviceFacts(tuple(onnxruntime.get_available_providers()), _has_cuda_driver(), _has_int8_dot_product())


def lists_int8_dot_product(cpuinfo: str) -> bool:
    """Return whether the text of Linux's ``/proc/cpuinfo`` lists instructions for dot products of int8."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    # "flags" on x86, "Features" on Arm; one processor stands for all.
    flags = next((value for name, _, value in lines if name.strip() in {"flags", "Features"}), "")
    return not _DOT_PRODUCT_FLAGS.isdisjoint(flags.split())


def _has_int8_dot_product() -> bool:
    if platform.system() == "Darwin":
        # Every processor of Apple's own in a Mac has them.
        return platform.machine() == "arm64"
    try:
        return lists_int8_dot_product(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return False


def _has_cuda_driver() -> bool:
    """Ask for the driver's library, which is there on plain Linux, on WSL and on Jetson alike."""
    try:
        ctypes.CDLL("nvcuda.dll" if platform.system() == "Windows" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _on_cpu(facts: DeviceFacts, precisions: Sequence[Precision], faster_on_cpu: FasterOnCpu) -> Candidate:
    """Return the CPU in its faster precision; where there was a choice, its reason says why this one."""
    faster = faster_on_cpu.int8_dot_product if facts.int8_dot_product else faster_on_cpu.plain
    chosen = _prefer(faster, precisions)
    found = "with" if facts.int8_dot_product else "without"
    reason = f"{chosen} for a processor {found} int8 dot products" if len(precisions) > 1 else ""
    return Candidate("cpu", _PROVIDERS["cpu"], chosen, reason)


def _prefer(precision: Precision, offered: Sequence[Precision]) -> Precision:
    return precision if precision in offered else offered[0]


def _because(candidate: Candidate, reason: str) -> Candidate:
    """Say why a device is tried, before what is said of its precision."""
    return replace(candidate, reason="; ".join(filter(None, (reason, candidate.reason))))
