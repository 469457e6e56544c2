"""Reading of HDF5 and NetCDF-4 files, with errors of ``insar_runtime.errors``."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.errors import DataError, InputNotFoundError, InputOutputError, InsarRuntimeError, UnavailableError

_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
_PLACES: Final = (0, 512, 1024, 2048)
"""Offsets at which the signature may stand: a file may begin with a user block."""


def is_hdf5(path: Path) -> bool:
    """Whether a file is an HDF5 file, by its first bytes.

    Raises
    ------
    InputNotFoundError
        There is no such file.
    InputOutputError
        The file cannot be read.
    """
    if path.exists() and not path.is_file():
        return False  # a pipe would wait for its writer
    try:
        with path.open("rb") as file:
            head = file.read(_PLACES[-1] + len(_SIGNATURE))
    except FileNotFoundError as error:
        raise InputNotFoundError(f"no such input: {path}: check the path") from error
    except OSError as error:
        raise InputOutputError(f"reading {path} failed ({error.strerror}): check disk and access") from error
    return any(head[place:].startswith(_SIGNATURE) for place in _PLACES)


@contextmanager
def open_hdf5(path: Path, *, cache: bool = True) -> Iterator[Any]:
    """Open an HDF5 file for reading.

    Parameters
    ----------
    path : Path
    cache : bool
        Whether h5py caches a megabyte of chunks of each dataset; useless if each chunk is read once.

    Yields
    ------
    h5py.File
        Open until the context ends.

    Raises
    ------
    UnavailableError
        h5py is not installed.
    InputNotFoundError, DataError
        No such file, or a damaged one.
    """
    try:
        import h5py  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UnavailableError(
            f"{path} is an HDF5 or NetCDF file, which needs h5py: pip install 'insar-runtime[convert]'"
        ) from error
    if not path.exists():
        raise InputNotFoundError(f"no such input: {path}: check the path")
    with translate_hdf5_errors(path):
        file = h5py.File(path, "r") if cache else h5py.File(path, "r", rdcc_nbytes=0)
    with file:
        yield file


@contextmanager
def translate_hdf5_errors(path: Path) -> Iterator[None]:
    """Translate errors of h5py while it opens or reads a file into ``InsarRuntimeError``.

    Damage shows in many ways: objects of another kind, of other shapes or types, names that are not text.
    """
    try:
        yield
    except InsarRuntimeError:
        raise
    except OSError as error:
        if error.errno == errno.EMFILE:
            raise InputOutputError(f"{path} is one open file too many; allow more (ulimit -n 4096)") from error
        raise _unreadable(path, error) from error
    except (RuntimeError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:200]
    return DataError(f"{path} cannot be read as HDF5 ({reason}): fetch or write it again")


def reader(path: Path, dataset: Any, factor: float = 1) -> Callable[[Any], NDArray[np.float32]]:
    """Return a function that reads part of a dataset as float32 and multiplies it by a factor."""

    def read(part: Any) -> NDArray[np.float32]:
        with translate_hdf5_errors(path):
            values = np.asarray(dataset[part], dtype=np.float32)
        return values if factor == 1 else values * np.float32(factor)

    return read


def as_text(value: Any) -> str:
    """Return an attribute or a scalar dataset as text."""
    if not isinstance(value, bytes) and getattr(value, "shape", None) == ():
        value = value[()]
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(value)


def text_attributes(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return all attributes as text."""
    return {str(key): as_text(value) for key, value in attributes.items()}


def maps_of_shape(file: Any, shape: tuple[int, int]) -> dict[str, Any]:
    """Return the datasets at the root of a file or group that have this shape, by name."""
    return {name: item for name, item in file.items() if getattr(item, "shape", None) == shape}
