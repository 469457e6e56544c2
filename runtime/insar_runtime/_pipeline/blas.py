"""OpenBLAS in one thread, while several threads of the run compute matrix products at once."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np

_FOLDERS: Final = ("../numpy.libs", ".dylibs")
_SPELLINGS: Final = ("scipy_openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads", "openblas_{}_num_threads")


class OneThread:
    """Keep a library at one thread while any caller wants that, and restore its number of threads after the last one.

    Parameters
    ----------
    get, put : callable
        Return and set the number of threads, which is one for the whole process.
    """

    def __init__(self, get: Callable[[], int], put: Callable[[int], None]) -> None:
        self._get = get
        self._put = put
        self._lock = Lock()
        self._wanted = 0
        self._before = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep it; may be nested, and used by several threads at once."""
        with self._lock:
            if not self._wanted:
                self._before = self._get()
                self._put(1)
            self._wanted += 1
        try:
            yield
        finally:
            with self._lock:
                self._wanted -= 1
                if not self._wanted:
                    self._put(self._before)


@contextmanager
def one_thread_a_product() -> Iterator[None]:
    """Keep the OpenBLAS that numpy's wheels carry from dividing products among threads of its own.

    Our products are small and many, and our threads share out rows: dividing each product once more makes threads wait
    for one another. A diagnosis on two processors then takes three to four times as long (measured). Other builds of
    numpy are left alone; environment variables such as ``MKL_NUM_THREADS`` do it there.
    """
    openblas = _openblas()
    if openblas is None:
        yield
        return
    with openblas.held():
        yield


@cache
def _openblas() -> OneThread | None:
    """Find the library; None where numpy was built with something else."""
    home = Path(np.__file__).parent
    for path in (path for folder in _FOLDERS for path in sorted((home / folder).glob("*openblas*"))):
        with suppress(OSError):
            # It is loaded already; this only finds it.
            library: Any = ctypes.CDLL(str(path.resolve()))
            for spelling in _SPELLINGS:
                get, put = (getattr(library, spelling.format(verb), None) for verb in ("get", "set"))
                if get is not None and put is not None:
                    return OneThread(get, put)
    return None
