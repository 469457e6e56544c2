"""Atomic files: they appear whole or not at all, and errors of the disk are translated."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa

from insar_runtime.errors import DataError, InputOutputError, InsarRuntimeError, OutputExistsError, UsageError

Metadata = Callable[[], Mapping[str, str]]
"""Called after the last row, because counts and bounds are known only then."""

Companion = Callable[[Path, Mapping[str, str]], tuple[Path, str]]
"""Makes the text of a file that goes with the written one, from that one under its hidden name; and its name."""


class Sink(Protocol):
    """Takes batches of one schema."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""


class Writer(Sink, Protocol):
    """Writes one file."""

    def close(self, metadata: Mapping[str, str]) -> None:
        """Write what is left and flush it to the disk; an OSError if the file does not hold every row then."""

    def abandon(self) -> None:
        """Let go of the file, whatever state it is in."""


@contextmanager
def open_atomic(
    path: Path,
    open_writer: Callable[[Path], Writer],
    metadata: Metadata,
    *,
    overwrite: bool,
    companion: Companion | None = None,
) -> Iterator[Sink]:
    """Write a file under a hidden name beside ``path``, check it, and give it its name at the end.

    Parameters
    ----------
    path : Path
        Where the file is to be.
    open_writer : callable
        Opens a writer for the hidden name.
    metadata : callable
        Gives the file's own key-value metadata; called when the last row was written.
    overwrite : bool
        Whether a file of this name may be replaced.
    companion : callable, optional
        Makes a text file that is to appear together with the file.

    Raises
    ------
    OutputExistsError
        If the file is there and must not be replaced.
    InputOutputError
        If writing fails or the written file does not hold every row; nothing is left behind.
    """
    check_output(path, overwrite=overwrite)
    # A link stays one: what it points to is written.
    target = Path(os.path.realpath(path))
    check_output(target, overwrite=True)
    partial = hidden_beside(target)
    hidden = [partial]
    try:
        with disk_errors(path):
            writer = open_writer(partial)
        try:
            yield _Guarded(writer, path)
            with disk_errors(path):
                known = metadata()
                writer.close(known)
                moves = [(partial, target)]
                if companion:
                    beside, text = companion(partial, known)
                    hidden.append(hidden_beside(beside))
                    write_parts(hidden[-1], [text.encode()])
                    moves.append((hidden[-1], beside))
                # Between the first look and now another run may have made the file.
                check_output(path, overwrite=overwrite)
                if target.suffix.lower() == ".gpkg":
                    _remove_logs(target)
                for source, destination in moves:
                    source.replace(destination)
                flush_folder(target.parent)
        finally:
            writer.abandon()
    finally:
        for file in hidden:
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)


def check_output(path: Path, *, overwrite: bool) -> None:
    """Refuse an output that is there, is no plain file, or has no folder.

    Raises
    ------
    OutputExistsError
        If the file is there and must not be replaced.
    UsageError
        If a folder stands there.
    InputOutputError
        If the folder it belongs to does not exist.
    """
    with disk_errors(path):
        if path.is_dir():
            raise UsageError(f"output {path} is a folder; name a file in it")
        if path.exists() and not path.is_file():
            raise UsageError(f"output {path} is no regular file; name one, or write to - and redirect")
        if os.path.lexists(path) and not overwrite:
            raise OutputExistsError(f"output {path} exists; use --overwrite or another name")
        if not path.parent.is_dir():
            raise InputOutputError(f"folder {path.parent} does not exist; make it first")


def refuse_input(output: Path, inputs: Iterable[Path]) -> None:
    """Refuse an output that is an input.

    Raises
    ------
    UsageError
        If it is one of them.
    """
    if is_among(output, inputs):
        raise UsageError(f"output {output} is the input; name another file")


def is_among(path: Path, others: Iterable[Path]) -> bool:
    """Whether a path is one of some others, or leads to the file of one of them."""
    for other in others:
        if path == other:
            return True
        with contextlib.suppress(OSError):  # one of them is not there
            if path.samefile(other):
                return True
    return False


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Translate errors of the disk and of Arrow into those of this package, one line each."""
    try:
        yield
    except (InsarRuntimeError, BrokenPipeError):
        raise
    except pa.ArrowNotImplementedError as error:
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


def flush_file(path: Path) -> None:
    """Make a closed file survive a power cut."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def check_count(found: int, expected: int, what: str = "rows") -> None:
    """Compare what a written file holds with what it was given; OSError if they differ."""
    if found != expected:
        raise OSError(f"it holds {found} of {expected} {what} after writing")


class _Guarded:
    """Pass batches on, and translate errors of the disk."""

    def __init__(self, sink: Sink, path: Path) -> None:
        self._sink = sink
        self._path = path

    def write(self, batch: pa.RecordBatch) -> None:
        with disk_errors(self._path):
            self._sink.write(batch)


def hidden_beside(path: Path) -> Path:
    """Return a name beside ``path`` that no other run takes, be it in another thread, container or machine."""
    return path.with_name(f".{path.name}.partial-{os.getpid()}-{os.urandom(4).hex()}")


def _remove_logs(path: Path) -> None:
    """Remove what SQLite keeps beside a GeoPackage that is about to be replaced.

    A program that has it open, such as QGIS, leaves pages of the old file there, which every reader of the new one
    would lay over it.
    """
    for end in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def write_parts(path: Path, parts: Iterable[bytes]) -> None:
    """Write bytes, and flush them to the disk."""
    with path.open("wb") as file:
        file.writelines(parts)
        flush_and_close(file)


def flush_and_close(file: BinaryIO) -> None:
    """Close a file that was written, so that it survives a power cut."""
    file.flush()
    os.fsync(file.fileno())
    file.close()


class Closable(Protocol):
    """A file, or what writes to one."""

    def close(self) -> object:
        """End it."""


def let_go(*parts: Closable) -> None:
    """Close what is abandoned, whatever state it is in."""
    for part in parts:
        with contextlib.suppress(Exception):
            part.close()


def flush_folder(folder: Path) -> None:
    """Make the new name survive a power cut, where the system allows to flush a folder."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
