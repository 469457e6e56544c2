"""Atomic files: those of a run appear together, each of them whole, or none does."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self

import pyarrow as pa

from insar_runtime._input.store_path import StorePath
from insar_runtime._output.output_checks import check_output, disk_errors
from insar_runtime._output.partials import PartialFile, remove_abandoned, staged_name
from insar_runtime._output.publish import Prepared, publish
from insar_runtime._signals import deferred_signals

if TYPE_CHECKING:
    from insar_runtime._output.upload import Upload

Metadata = Callable[[], Mapping[str, str]]
"""Called after the last row, because counts and bounds are known only then."""


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


@dataclass(frozen=True, slots=True)
class Companion:
    """A text file that appears together with another one.

    Attributes
    ----------
    path : Path
        Its name.
    text : callable
        Returns its text, from the other file under its hidden name and its metadata.
    """

    path: Path
    text: Callable[[Path, Mapping[str, str]], str]


@dataclass(frozen=True, slots=True)
class _Table:
    """A file whose rows are being written."""

    path: Path
    partial: Path
    writer: Writer
    metadata: Metadata
    companion: Companion | None

    def write(self, batch: pa.RecordBatch) -> None:
        with disk_errors(self.path):
            self.writer.write(batch)


class OutputGroup:
    """Files that appear together: each is written under a hidden name, checked, flushed; then all get their names.

    A context: its end publishes all files, an error in it removes them.

    Parameters
    ----------
    overwrite : bool
        Whether files of these names may be replaced; see ``publish``.
    """

    def __init__(self, *, overwrite: bool) -> None:
        self._overwrite = overwrite
        self._partials: list[PartialFile] = []
        self._files: list[Prepared] = []
        self._tables: list[_Table] = []
        self._is_prepared = False
        self._uploads: dict[Path, Upload] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.prepare()
                self._send()
                publish(self._files, self._uploads, overwrite=self._overwrite)
        finally:
            # A signal that ended this loop would leave the files that it had not reached.
            with deferred_signals():
                for table in self._tables:
                    table.writer.abandon()
                for partial in self._partials:
                    partial.release()
                for upload in self._uploads.values():
                    upload.give_up()

    def add_table(
        self,
        path: Path,
        open_writer: Callable[[Path], Writer],
        metadata: Metadata,
        *,
        companion: Companion | None = None,
    ) -> Sink:
        """Open a file for rows.

        Parameters
        ----------
        path : Path
            Where the file is to be.
        open_writer : callable
            Opens a writer for the hidden name.
        metadata : callable
            Returns the file's own key-value metadata; called when the last row was written.
        companion : Companion, optional
            A text file that goes with it.

        Raises
        ------
        OutputExistsError
            If the file is there and must not be replaced.
        InputOutputError
            If it cannot be written, or the written file does not hold every row; nothing is left behind.
        """
        if companion is not None:
            check_output(companion.path, overwrite=self._overwrite)
        partial = self._begin(path)
        with disk_errors(path):
            table = _Table(path, partial, open_writer(partial), metadata, companion)
        self._tables.append(table)
        return table

    def add_bytes(self, path: Path, parts: Iterable[bytes]) -> None:
        """Write a file part by part.

        Raises
        ------
        OutputExistsError, InputOutputError
            As ``add_table``.
        """
        partial = self._begin(path)
        with disk_errors(path):
            write_parts(partial, parts)

    def prepare(self) -> None:
        """Complete all files under their hidden names; nothing more can be written then.

        Raises
        ------
        InputOutputError
            If a file cannot be written, or does not hold every row.
        """
        if self._is_prepared:
            return
        self._is_prepared = True
        for table in self._tables:
            with disk_errors(table.path):
                known = table.metadata()
                table.writer.close(known)
            if table.companion is not None:
                with disk_errors(table.companion.path):
                    text = table.companion.text(table.partial, known)
                self.add_bytes(table.companion.path, [text.encode()])

    def _send(self) -> None:
        """Send the files for a store, so that one request a file is left."""
        for file in self._files:
            if isinstance(file.target, StorePath):
                from insar_runtime._output.upload import Upload  # noqa: PLC0415 - of a store alone

                with deferred_signals():
                    self._uploads[file.target] = Upload(file.partial, file.target)
                self._uploads[file.target].send()

    def _begin(self, path: Path) -> Path:
        """Make the hidden file of an output, and return its name."""
        check_output(path, overwrite=self._overwrite)
        # A link stays one: what it points to is written.
        target = path if isinstance(path, StorePath) else Path(os.path.realpath(path))
        if not isinstance(target, StorePath):
            check_output(target, overwrite=True)
        remove_abandoned(target)
        with disk_errors(path), deferred_signals():
            partial = PartialFile.beside(staged_name(target) if isinstance(target, StorePath) else target)
            self._partials.append(partial)
        self._files.append(Prepared(partial.path, target, path))
        return partial.path


def write_file(path: Path, parts: Iterable[bytes], *, overwrite: bool) -> None:
    """Write a file part by part; it appears whole or not at all, and a link stays one.

    Raises
    ------
    OutputExistsError
        If the file is there and must not be replaced.
    InputOutputError
        If it cannot be written.
    """
    with OutputGroup(overwrite=overwrite) as group:
        group.add_bytes(path, parts)


def flush_file(path: Path) -> None:
    """Make a closed file survive a power cut."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def check_count(found: int, expected: int, what: str = "rows") -> None:
    """Compare what a written file holds with what it was given; OSError if they differ."""
    if found != expected:
        raise OSError(f"it holds {found} of {expected} {what} after writing")


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
