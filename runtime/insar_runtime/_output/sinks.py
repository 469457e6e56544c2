"""Where results go: a Parquet file that appears whole or not at all, or an Arrow stream."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from insar_runtime.errors import DataError, InputOutputError, InsarRuntimeError, OutputExistsError, UsageError

_ROW_GROUP_ROWS: Final = 65_536
WAITING_SERIES_BYTES: Final = 64 << 20
"""A row group is written when it has this many rows, or holds this much in memory (kept series)."""

Metadata = Callable[[], Mapping[str, str]]
"""Called after the last row, because counts and bounds are known only then."""


class Sink(Protocol):
    """Takes batches of one schema."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""


@contextmanager
def open_parquet(path: Path, schema: pa.Schema, metadata: Metadata, *, overwrite: bool) -> Iterator[Sink]:
    """Write a Parquet file under a hidden name beside ``path``, check it, and give it its name at the end.

    Parameters
    ----------
    path : Path
        Where the file is to be.
    schema : pyarrow.Schema
        Of the batches.
    metadata : callable
        Gives the file's own key-value metadata; called when the last row was written.
    overwrite : bool
        Whether a file of this name may be replaced.

    Raises
    ------
    OutputExistsError
        If the file is there and must not be replaced.
    InputOutputError
        If writing fails or the written file does not hold every row; nothing is left behind.
    """
    check_output(path, overwrite=overwrite)
    # A link stays one: what it points to is written.
    path = Path(os.path.realpath(path))
    check_output(path, overwrite=True)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        with _disk_errors(path):
            sink = _ParquetSink(partial, schema)
        try:
            yield _Guarded(sink, path)
            with _disk_errors(path):
                sink.close(metadata())
                _check_rows(partial, sink.rows)
                # Between the first look and now another run may have made the file.
                check_output(path, overwrite=overwrite)
                partial.replace(path)
                _flush_folder(path.parent)
        finally:
            sink.abandon()
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def open_stream(stream: BinaryIO, schema: pa.Schema) -> Iterator[Sink]:
    """Write an Arrow IPC stream, such as to standard output; batches go out as they come.

    Raises
    ------
    InputOutputError
        If writing fails. A reader that went away is a BrokenPipeError instead.
    """
    where = Path("-")
    with _disk_errors(where):
        writer = pa.ipc.new_stream(stream, schema)
    yield _Guarded(_StreamSink(writer), where)
    with _disk_errors(where):
        writer.close()
        stream.flush()


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
    with _disk_errors(path):
        if path.is_dir():
            raise UsageError(f"output {path} is a folder; name a file in it")
        if path.exists() and not path.is_file():
            raise UsageError(f"output {path} is no regular file; name one, or write to - and redirect")
        if os.path.lexists(path) and not overwrite:
            raise OutputExistsError(f"output {path} exists; use --overwrite or another name")
        if not path.parent.is_dir():
            raise InputOutputError(f"folder {path.parent} does not exist; make it first")


def read_block(path: Path) -> dict[str, Any] | None:
    """Give our block of the metadata of a file; None if there is no such file, or it is not ours."""
    try:
        metadata = pq.read_metadata(path).metadata or {}
        return dict(json.loads(metadata[b"insar_runtime"]))
    except (OSError, pa.ArrowException, KeyError, ValueError):
        return None


class _ParquetSink:
    """Gathers batches into row groups, because each write call makes one."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._schema = schema
        # Probabilities hardly repeat: a dictionary makes them slower and larger.
        dictionaries = [field.name for field in schema if not pa.types.is_floating(field.type)]
        self._file = path.open("wb")
        self._writer = pq.ParquetWriter(
            self._file, schema, compression="zstd", use_dictionary=dictionaries, write_page_checksum=True
        )
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = self._waiting_bytes = self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self._waiting_bytes += batch.nbytes
        self.rows += batch.num_rows
        if self._waiting_rows >= _ROW_GROUP_ROWS or self._waiting_bytes >= WAITING_SERIES_BYTES:
            self._write_group()

    def close(self, metadata: Mapping[str, str]) -> None:
        self._write_group()
        self._writer.add_key_value_metadata(dict(metadata))
        self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        """Let go of the file, whatever state it is in."""
        with contextlib.suppress(Exception):
            self._writer.close()
        with contextlib.suppress(OSError):
            self._file.close()

    def _write_group(self) -> None:
        if self._waiting_rows:
            table = pa.Table.from_batches(self._waiting, schema=self._schema)
            self._writer.write_table(table, row_group_size=self._waiting_rows)
        self._waiting, self._waiting_rows, self._waiting_bytes = [], 0, 0


class _Guarded:
    """Passes batches on and turns the disk's errors into ours."""

    def __init__(self, sink: Sink, path: Path) -> None:
        self._sink = sink
        self._path = path

    def write(self, batch: pa.RecordBatch) -> None:
        with _disk_errors(self._path):
            self._sink.write(batch)


class _StreamSink:
    def __init__(self, writer: pa.ipc.RecordBatchStreamWriter) -> None:
        self._writer = writer

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
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


def _check_rows(partial: Path, rows: int) -> None:
    found = pq.read_metadata(partial).num_rows
    if found != rows:
        raise InputOutputError(f"{partial} holds {found} of {rows} rows after writing; check the disk")


def _flush_folder(folder: Path) -> None:
    """Make the new name survive a power cut, where the system allows to flush a folder."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
