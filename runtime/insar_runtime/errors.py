"""Errors of insar-runtime: one family, each with its exit code.

Each error is one line (what, value, remedy), belongs to one family, and is also the built-in
that a caller would expect. The command line turns ``exit_code`` into the status of the process.

InsarRuntimeError
├── UsageError           2   options that contradict each other, arguments of the wrong shape
├── DataError            65  the data are refused: layout, dates, units, content
│   └── BadRowsError     65  more rows than allowed cannot be classified; the output is there
├── InputNotFoundError   66  there is no such input
├── UnavailableError     69  a model or device that was asked for is not there
├── MemoryLimitError     71   the memory that a run may take is not enough
├── OutputExistsError    73  the output is there already
├── InputOutputError     74  reading or writing failed
└── ModelIntegrityError  77  a model file is not the one that was released

``insar-rt compare --alert`` ends with 10 if something crosses a threshold, which is no error.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Final

from insar_runtime._printable import one_line

if TYPE_CHECKING:
    from insar_runtime.summary import Summary

ALERT_EXIT_CODE: Final = 10
"""Exit code of a comparison that found what it was asked to report."""

_NO_MEMORY: Final = (
    "failed to map segment",
    "annot allocate memory",
    "ailed to allocate memory",
    "can't start new thread",
    "bad_alloc",
    "bad allocation",
)
"""Words of the loader of libraries, of Python and of onnxruntime."""


class InsarRuntimeError(Exception):
    """Base of all errors that insar-runtime raises on purpose.

    Its message is one line of at most 480 characters: control characters of names and cells are escaped, and what is
    longer is shortened in the middle.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


class UsageError(InsarRuntimeError, ValueError):
    """Options contradict each other, or an array argument has the wrong shape."""

    exit_code = 2


class DataError(InsarRuntimeError, ValueError):
    """The data cannot be classified as they are: layout, dates, units or content."""

    exit_code = 65


class BadRowsError(DataError):
    """More rows than allowed cannot be classified. The output is written all the same.

    Attributes
    ----------
    summary : insar_runtime.Summary
        Of the run.
    """

    def __init__(self, message: str, summary: Summary) -> None:
        super().__init__(message)
        self.summary = summary

    def __reduce__(self) -> tuple[type[BadRowsError], tuple[str, Summary]]:
        # Pools of processes send errors home by pickle, which knows of the message alone.
        return type(self), (str(self), self.summary)


class InputNotFoundError(InsarRuntimeError, FileNotFoundError):
    """There is no input under this name."""

    exit_code = 66


class UnavailableError(InsarRuntimeError, RuntimeError):
    """A model or device that was asked for is not available here."""

    exit_code = 69


class MemoryLimitError(InsarRuntimeError, MemoryError):
    """A run needs more memory than it may take."""

    exit_code = 71


class OutputExistsError(InsarRuntimeError, FileExistsError):
    """The output exists already and overwriting was not allowed."""

    exit_code = 73


class InputOutputError(InsarRuntimeError, OSError):
    """Reading or writing failed: disk full, folder not writable, device error."""

    exit_code = 74


class ModelIntegrityError(InsarRuntimeError, RuntimeError):
    """A model file differs from the one that was released (SHA-256)."""

    exit_code = 77


def lacks_memory(error: Exception) -> bool:
    """Return whether an error says that there is no memory: for values, for a library, for a thread or for a model."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    # The errors of onnxruntime have no built-in base but Exception.
    of_libraries = isinstance(error, (ImportError, RuntimeError)) or type(error).__module__.startswith("onnxruntime.")
    return of_libraries and any(words in str(error) for words in _NO_MEMORY)


def no_more_memory() -> MemoryLimitError:
    """Return the error of a run that the system gives no more memory."""
    return MemoryLimitError("the system gives no more memory; raise its limit, or set --memory-limit or --threads 1")


@contextmanager
def memory_errors() -> Iterator[None]:
    """Raise ``MemoryLimitError`` in place of what Python and the libraries raise when there is no memory."""
    try:
        yield
    except InsarRuntimeError:
        raise
    except Exception as error:
        if not lacks_memory(error):
            raise
        raise no_more_memory() from error
