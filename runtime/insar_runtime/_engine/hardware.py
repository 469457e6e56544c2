"""The hardware that a measurement was made on."""

from __future__ import annotations

import platform
from pathlib import Path

from insar_runtime._engine.onnx_runtime import usable_cpus
from insar_runtime.devices import lists_int8_dot_product


def describe_hardware() -> str:
    """Name the processor, the CPUs that this process may use, and whether it has dot products of 8-bit numbers."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    lines = (line.partition(":") for line in text.splitlines())
    facts = {name.strip(): value.strip() for name, _, value in lines}
    name = facts.get("model name") or platform.processor() or platform.machine()
    dot_products = ", int8 dot products" if lists_int8_dot_product(text) else ""
    return f"{name}, {usable_cpus()} CPUs{dot_products}"
