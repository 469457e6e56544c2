"""Publish files that were prepared under hidden names: all of them get their names, or none does."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from insar_runtime._output.output_checks import check_output, disk_errors
from insar_runtime._output.partials import hidden_beside
from insar_runtime._signals import deferred_signals
from insar_runtime.errors import OutputExistsError

if TYPE_CHECKING:
    from insar_runtime._output.upload import Upload

_NO_LINKS: Final = frozenset(
    {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV, errno.EINVAL}
)
"""What systems say that have no hard links, such as FAT, or refuse them."""

Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A complete file, flushed to the disk.

    Attributes
    ----------
    partial : Path
        Its hidden name.
    target : Path
        Its name, with links followed.
    shown : Path
        Its name as the user gave it.
    """

    partial: Path
    target: Path
    shown: Path


def publish(files: Sequence[Prepared], uploads: Mapping[Path, Upload] | None = None, *, overwrite: bool) -> None:
    """Rename prepared files to their names.

    Signals wait until all have them. If one cannot get its name, those before it lose theirs again, and what they
    replaced comes back (but on a file system without hard links, where nothing keeps it). Only SIGKILL and a power cut
    between two names leave some without others.

    Parameters
    ----------
    files : sequence of Prepared
    uploads : mapping of Path to Upload, optional
        Of those whose names are in a store: all is sent, and one request makes the object. They come last. What they
        replace does not come back, and of two runs that make one object at the same moment the later one stays.
    overwrite : bool
        Whether files of these names may be replaced. Otherwise a name is taken by a hard link, which fails if it is
        there, so that of several runs one gets it. Where there are no hard links, an empty file is made exclusively and
        then replaced: a kill in between leaves it empty. On a file system where exclusive creation is not atomic
        either (NFS before version 3), two runs at the same moment may both get the name, and the later one stays.

    Raises
    ------
    OutputExistsError
        If a file is there and must not be replaced.
    InputOutputError
        If the system refuses a name; all is then as before.
    """
    uploads = uploads or {}
    with deferred_signals(publishes=True):
        undoing: list[Undo] = []
        backups: list[Path] = []
        try:
            # In one order for all runs: of two that want several of the same names, one gets all.
            for file in sorted(files, key=lambda file: (file.target in uploads, file.target)):
                with disk_errors(file.shown):
                    check_output(file.shown, overwrite=overwrite)
                    if file.target in uploads:
                        undoing.append(uploads[file.target].take_back)
                        uploads[file.target].complete()
                        continue
                    undoing.append(_replace(file, backups) if overwrite else _create(file))
        except BaseException:
            for undo in reversed(undoing):
                with contextlib.suppress(OSError):
                    undo()
            raise
        finally:
            _unlink(backups)
        _unlink(file.partial for file in files)
        for folder in {file.target.parent for file in files if file.target not in uploads}:
            flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """Make new names survive a power cut, where the system allows to flush a folder."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _create(file: Prepared) -> Undo:
    """Link a file to a name that no file has."""
    try:
        os.link(file.partial, file.target)
    except FileExistsError:
        # A network file system may say so of a link that it made at its first try.
        if not file.partial.samefile(file.target):
            raise _exists(file) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _create_without_links(file)
    return partial(_take_back, file.target, _identity(file.partial))


def _create_without_links(file: Prepared) -> Undo:
    try:
        os.close(os.open(file.target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        raise _exists(file) from None
    try:
        file.partial.replace(file.target)
    except BaseException:
        _unlink([file.target])
        raise
    return partial(_take_back, file.target, _identity(file.target))


def _replace(file: Prepared, backups: list[Path]) -> Undo:
    """Rename a file to a name that another may have; that one is kept under a hidden name until all is done."""
    backup = hidden_beside(file.target, kept=True)
    logs: dict[Path, Path] = {}
    undo: Undo = lambda: None  # noqa: E731 - where nothing keeps the old file, the new one is better than none
    try:
        os.link(file.target, backup)
    except FileNotFoundError:
        undo = partial(_take_back, file.target, _identity(file.partial))
    except OSError:
        pass
    else:
        backups.append(backup)
        undo = partial(_put_back, {backup: file.target}, logs)
    try:
        if file.target.suffix.lower() == ".gpkg":
            _move_logs(file.target, logs)
        file.partial.replace(file.target)
    except BaseException:
        with contextlib.suppress(OSError):
            _put_back(logs)
        raise
    backups.extend(logs)
    return undo


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _take_back(target: Path, identity: tuple[int, int]) -> None:
    """Remove a file, unless another run has replaced it."""
    if _identity(target) == identity:
        target.unlink()


def _exists(file: Prepared) -> OutputExistsError:
    return OutputExistsError(f"output {file.shown} exists; use --overwrite or another name")


def _move_logs(path: Path, moved: dict[Path, Path]) -> None:
    """Move away what SQLite keeps beside a GeoPackage that is about to be replaced, and note the old name of each.

    A program that has it open, such as QGIS, leaves pages of the old file there, which every reader of the new one
    would lay over it. They are moved, not removed, because the old file without them is not what it was.
    """
    for end in ("-wal", "-shm", "-journal"):
        log, hidden = path.with_name(path.name + end), hidden_beside(path, kept=True)
        with contextlib.suppress(FileNotFoundError):
            log.replace(hidden)
            moved[hidden] = log


def _put_back(*moves: dict[Path, Path]) -> None:
    """Rename files back, each from its key to its value."""
    for move in moves:
        for hidden, path in move.items():
            hidden.replace(path)


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
