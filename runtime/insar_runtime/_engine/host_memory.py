"""Errors of onnxruntime for want of the computer's memory, which say nothing of a model or a device."""

from __future__ import annotations

from typing import Final

from insar_runtime.errors import MemoryLimitError, lacks_memory
from insar_runtime.models import Model

_CPU: Final = "CPUExecutionProvider"
_ARENA: Final = "ailed to allocate memory"
"""Words of onnxruntime's arena, of which every device has its own."""


def lacks_host_memory(error: Exception, provider: str) -> bool:
    """Return whether a call of onnxruntime failed for want of the computer's memory, and not of that of a device.

    Parameters
    ----------
    error : Exception
        What the call has raised.
    provider : str
        Onnxruntime's execution provider.
    """
    return lacks_memory(error) and (provider == _CPU or _ARENA not in str(error))


def no_memory_for(model: Model) -> MemoryLimitError:
    """Return the error of a model that cannot be opened for want of memory."""
    return MemoryLimitError(f"the system gives no memory to open model {model.name}; raise its limit")
