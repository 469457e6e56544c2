"""Matrix products in one thread each, where several threads make them at once."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

_FOLDERS: Final = ("../numpy.libs", ".dylibs")
_SPELLINGS: Final = ("scipy_openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads", "openblas_{}_num_threads")


@contextmanager
def one_thread_a_product() -> Iterator[None]:
    """Keep the OpenBLAS that numpy's wheels carry from dividing products among threads of its own.

    Our threads share out rows. Products that each of them divides once more wait for one another: a diagnosis on two
    processors takes four times as long (measured). Other builds of numpy are left alone; environment variables such as
    ``MKL_NUM_THREADS`` do it there.
    """
    found = _threads_of_openblas()
    if found is None:
        yield
        return
    get, put = found
    before = get()
    put(1)
    try:
        yield
    finally:
        put(before)


def _threads_of_openblas() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """Give what tells and sets the number of threads; None where numpy was built with something else."""
    home = Path(np.__file__).parent
    for path in (path for folder in _FOLDERS for path in sorted((home / folder).glob("*openblas*"))):
        with suppress(OSError):
            # It is loaded already; this only finds it.
            library: Any = ctypes.CDLL(str(path.resolve()))
            for spelling in _SPELLINGS:
                get, put = (getattr(library, spelling.format(verb), None) for verb in ("get", "set"))
                if get is not None and put is not None:
                    return get, put
    return None
