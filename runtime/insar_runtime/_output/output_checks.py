"""Checks of an output before it is opened, and errors of the disk in the words of this package."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa

from insar_runtime._input.locations import locate
from insar_runtime._input.store_path import StorePath
from insar_runtime._output.run_metadata import block_beside
from insar_runtime.errors import DataError, InputOutputError, InsarRuntimeError, OutputExistsError, UsageError

_WITH_BLOCK: Final = frozenset({".csv", ".arrow", ".feather", ".ipc", ".arrows"})
"""Extensions of outputs that get their metadata in a file beside them; see ``sinks.blocks_beside``."""


def check_output(path: Path, *, overwrite: bool) -> None:
    """Refuse an output that is there, is not a plain file, or has no folder.

    Raises
    ------
    OutputExistsError
        If the file is there and must not be replaced.
    UsageError
        If a folder stands there.
    InputOutputError
        If the folder it belongs to does not exist.
    """
    if isinstance(path, StorePath):
        _check_object(path, overwrite=overwrite)
        return
    if isinstance(locate(path, output=True), StorePath):
        raise UsageError(f"output {locate(path)} is in a store, where this command writes nothing; name a file")
    with disk_errors(path):
        if path.is_dir():
            raise UsageError(f"output {path} is a folder; name a file in it")
        if path.exists() and not path.is_file():
            raise UsageError(f"output {path} is not a regular file; name one, or write to - and redirect")
        if os.path.lexists(path) and not overwrite:
            raise OutputExistsError(f"output {path} exists; use --overwrite or another name")
        if not path.parent.is_dir():
            raise InputOutputError(f"folder {path.parent} does not exist; create it first")


def _check_object(path: StorePath, *, overwrite: bool) -> None:
    """Refuse an object that is there, has no name, or has no bucket."""
    if len(path.parts) < 3:
        raise UsageError(f"output {path} is a bucket; name an object in it")
    kind = path.info().type.name
    if kind == "Directory":
        raise UsageError(f"output {path} is a folder; name a file in it")
    if kind == "File" and not overwrite:
        raise OutputExistsError(f"output {path} exists; use --overwrite or another name")
    if kind != "File" and not type(path)(*path.parts[:2]).is_dir():
        raise InputOutputError(f"bucket {path.bucket} of output {path} does not exist; check its name")


def refuse_input(output: Path, inputs: Iterable[Path]) -> None:
    """Refuse an output that is an input, or beside which a file is written that is an input.

    Raises
    ------
    UsageError
        If it is one of them.
    """
    inputs = list(inputs)
    if is_among(output, inputs):
        raise UsageError(f"output {output} is the input; name another file")
    beside = block_beside(output)
    if output.suffix.lower() in _WITH_BLOCK and is_among(beside, inputs):
        raise UsageError(f"{beside} is the input, and is written beside output {output}; name another file")


def is_among(path: Path, others: Iterable[Path]) -> bool:
    """Whether a path is one of some others, or leads to the file of one of them."""
    return any(_lead_to_one_file(path, other) for other in others)


def _lead_to_one_file(path: Path, other: Path) -> bool:
    if path == other:
        return True
    are_local = not isinstance(path, StorePath) and not isinstance(other, StorePath)
    if are_local and os.path.realpath(path) == os.path.realpath(other):  # also names that no file has yet
        return True
    with contextlib.suppress(OSError):  # one of them is not there
        return path.samefile(other)
    return False


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Translate errors of the disk and of Arrow into those of this package, one line each."""
    try:
        yield
    except (InsarRuntimeError, BrokenPipeError):
        raise
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise DataError(f"a column of the input cannot be written ({error}); drop it") from error
    except OSError as error:
        remedy = {
            errno.ENOSPC: "free some space or write elsewhere",
            errno.EDQUOT: "free some space or write elsewhere",
            errno.EACCES: "choose a folder that you may write to",
            errno.EPERM: "choose a folder that you may write to",
            errno.EROFS: "choose a folder that you may write to",
            errno.ENAMETOOLONG: "choose a shorter name",
        }.get(error.errno or 0, "check the disk")
        raise InputOutputError(f"output {path} cannot be written ({error.strerror or error}); {remedy}") from error
