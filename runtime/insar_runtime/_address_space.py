"""Address space of the process (``ulimit -v``): the least limit, and libraries that reserve little of it.

Native libraries reserve addresses for each of their threads, and abort, crash or wait for ever where there are none.
"""

from __future__ import annotations

import os
import sys
from typing import Final

from insar_runtime.errors import MemoryLimitError

_LEAST: Final = 540 << 20
"""Below it libraries of numpy, pyarrow or onnxruntime abort, crash or hang while they are loaded or start threads: seen
up to 495 MB (``python -m hostile limits``)."""
_FRUGAL: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "ARROW_IO_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
"""Settings of libraries. OpenBLAS reserves some 30 MB for each of its threads; pyarrow starts as many threads as there
are processors, and eight to read. Our own threads need none of these. pyarrow's allocator reserves 1 GB if it can."""
_ARENA_MAX: Final = -8
"""``M_ARENA_MAX`` of glibc's malloc.h: how many heaps threads may have."""


def prepare_address_space() -> None:
    """Refuse a limit in which native libraries cannot start; let them reserve little under any other limit.

    Called before numpy and pyarrow are imported.

    Raises
    ------
    MemoryLimitError
        If the limit is too small.
    """
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return
    if limit < _LEAST:
        raise MemoryLimitError(
            f"the address space is limited to {limit >> 20} MB, the libraries need {_LEAST >> 20} MB; "
            f"raise the limit (ulimit -v {_LEAST >> 10}), or use --memory-limit instead"
        )
    os.environ.update(_FRUGAL)
    keep_one_arena()


def keep_one_arena() -> None:
    """Let all threads share one heap: otherwise each reserves 64 MB of addresses, of which it uses a few."""
    call_glibc("mallopt", _ARENA_MAX, 1)


def call_glibc(name: str, *arguments: int) -> None:
    """Call a function of glibc, where that is the library of C."""
    import ctypes  # noqa: PLC0415 - few runs take it

    function = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if function is not None:
        function(*arguments)
