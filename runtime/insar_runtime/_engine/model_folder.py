"""Read files of a model's folder, which may come from anyone: nothing outside it, nothing large, nothing special."""

from __future__ import annotations

import os
import stat
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from insar_runtime.errors import InputOutputError, InsarRuntimeError, ModelIntegrityError, UnavailableError

MOST_BYTES: Final = 64_000_000
"""Of any file of a model; the largest shipped one has half a million."""


def read_file(folder: Traversable, name: str, most: int = MOST_BYTES) -> bytes:
    """Read a file of a model's folder.

    Parameters
    ----------
    folder : Traversable
        Of the model: a path, or a folder of the installed package.
    name : str
        Of the file, without a folder.
    most : int
        Bytes that it may have.

    Raises
    ------
    ModelIntegrityError
        If the name has a folder in it, a link leads out of the folder, or the file is not a regular one or larger.
    UnavailableError
        If it is not there.
    InputOutputError
        If it cannot be read.
    """
    if not is_plain_name(name):
        raise ModelIntegrityError(
            f"model file {shown(name)} is not named as a file of the model's folder; install again"
        )
    if not isinstance(folder, Path):
        try:
            return (folder / name).read_bytes()
        except OSError as error:
            raise unreadable(f"model file {name}", error) from error
    path = folder / name
    try:
        target = Path(os.path.realpath(path))
        if target.parent != Path(os.path.realpath(folder)):
            raise ModelIntegrityError(
                f"model file {shown(name)} is a link out of the model's folder; copy the file there"
            )
        return _read(target, most)
    except OSError as error:
        raise unreadable(f"model file {shown(name)}", error) from error


def unreadable(what: str, error: OSError) -> InsarRuntimeError:
    """Return the error for a file that is not there, or that cannot be read."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return UnavailableError(f"{what} is missing ({error.strerror}); install again")
    return InputOutputError(f"{what} cannot be read ({error.strerror}); make it readable, or install again")


def is_plain_name(name: object) -> bool:
    """Return whether a name is that of a file in a folder, on every system: no folder, drive or control character."""
    plain = isinstance(name, str) and 0 < len(name) <= 200 and name.isprintable() and name not in {".", ".."}
    return plain and not set(str(name)) & set('/\\:*?"<>|')


def shown(value: object, longest: int = 60) -> str:
    """Return a value of a stranger's file as an error may print it: escaped, and not long."""
    text = repr(value)
    return text if len(text) <= longest else f"{text[:longest]}..."


def _read(path: Path, most: int) -> bytes:
    # Without O_NONBLOCK, opening a pipe waits for its other end; with O_NOFOLLOW, a link that was put there since the
    # path was resolved leads nowhere.
    flags = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOFOLLOW", "O_BINARY"))
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ModelIntegrityError(f"model file {shown(path.name)} is not a regular file; install again")
        # One byte more than allowed, as a file may grow.
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(most + 1) if found.st_size <= most else b""
    finally:
        os.close(descriptor)
    if found.st_size > most or len(data) > most:
        raise ModelIntegrityError(f"model file {shown(path.name)} has more than {most} bytes; no model is so large")
    return data
