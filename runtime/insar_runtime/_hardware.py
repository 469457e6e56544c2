"""What a measurement was made on."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def describe_hardware() -> str:
    """Name the processor, how many of its cores there are, and whether it has dot products of 8-bit numbers."""
    try:
        lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines())
        facts = {name.strip(): value.strip() for name, _, value in lines}
    except OSError:
        facts = {}
    name = facts.get("model name") or platform.processor() or platform.machine()
    vnni = ", VNNI" if "vnni" in facts.get("flags", "") else ""
    return f"{name}, {os.cpu_count()} cores{vnni}"
