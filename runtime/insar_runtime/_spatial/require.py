"""Packages of the extra ``spatial``, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from insar_runtime.errors import UnavailableError, lacks_memory, no_more_memory


def require(module: str, purpose: str) -> Any:
    """Return a module of scipy, shapely or pyproj.

    Parameters
    ----------
    module : str
        Name of the module, such as ``scipy.spatial``.
    purpose : str
        What needs it, for the message: the subject of a sentence, in the singular.

    Raises
    ------
    UnavailableError
        If the package is not installed.
    MemoryLimitError
        If there is no memory for it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        if lacks_memory(error):
            raise no_more_memory() from error
        package = module.partition(".")[0]
        raise UnavailableError(
            f"{purpose} needs {package}, which is not installed: pip install 'insar-runtime[spatial]'"
        ) from error
