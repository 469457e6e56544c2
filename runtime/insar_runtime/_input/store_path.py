"""Paths of objects in a store: ``s3://``, ``gs://`` and ``az://``, through the file systems of pyarrow.

A network is touched only where one of these paths is asked for something. Where a store is, and who asks, say the usual
variables of the environment (``AWS_ENDPOINT_URL``, ``AWS_REGION``, ``AWS_PROFILE``, ...), not an option.
"""

from __future__ import annotations

import io
import os
import stat
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa

from insar_runtime._input.store_access import kind_of, open_filesystem, store_errors
from insar_runtime.errors import UsageError

if sys.platform == "win32":
    from pathlib import WindowsPath as _SystemPath
else:
    from pathlib import PosixPath as _SystemPath

SCHEMES: Final = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"})
"""Of S3, Google Cloud Storage and Azure, the latter also as Hadoop and Spark spell them."""
_READ_AHEAD: Final = 4 << 20
"""Bytes of a range, where an object is read from front to back."""


class StorePath(_SystemPath):
    """Path of an object, which is read and named as a file is; what has no meaning in a store fails.

    Parameters
    ----------
    *parts : str
        The address, such as ``s3://bucket/folder/name.parquet``.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return str(super().__str__()).replace("\\", "/").replace(":/", "://", 1)

    def __fspath__(self) -> str:
        return str(self)

    @property
    def scheme(self) -> str:
        """What kind of store it is in: s3, gs or az."""
        return kind_of(self.parts[0].rstrip(":"))

    @property
    def bucket(self) -> str:
        """Name of the bucket or container; empty if the address has none."""
        return self.parts[1].partition("@")[0] if len(self.parts) > 1 else ""

    @property
    def key(self) -> str:
        """Bucket and name of the object, as pyarrow's file systems want it."""
        return "/".join([self.bucket, *self.parts[2:]])

    @property
    def filesystem(self) -> Any:
        """The file system of pyarrow; UsageError if the address has no bucket."""
        if not self.bucket:
            raise UsageError(f"{self} names no bucket; write it as {self.parts[0]}//BUCKET/NAME")
        return open_filesystem(self.scheme, self.parts[1].partition("@")[2].partition(".")[0])

    def info(self) -> Any:
        """Return what the store says of the object.

        Raises
        ------
        InputOutputError
            If the store refuses, or is not reached.
        """
        with store_errors(self):
            return self.filesystem.get_file_info(self.key)

    def exists(self, **_: Any) -> bool:
        """Whether there is an object, or are objects below this name."""
        return self.is_file() or self.is_dir()

    def is_file(self, **_: Any) -> bool:
        """Whether there is an object of this name."""
        return bool(self.info().type.name == "File")

    def is_dir(self, **_: Any) -> bool:
        """Whether there are objects below this name."""
        return bool(self.info().type.name == "Directory")

    def stat(self, **_: Any) -> os.stat_result:
        """Return size and time of the object; FileNotFoundError if there is none."""
        found = self.info()
        if found.type.name == "NotFound":
            raise FileNotFoundError(str(self))
        mode = stat.S_IFREG if found.type.name == "File" else stat.S_IFDIR
        seconds = int((found.mtime_ns or 0) // 1_000_000_000)
        return os.stat_result((mode, 0, 0, 1, 0, 0, found.size or 0, seconds, seconds, seconds))

    def open(  # type: ignore[override]  # it has an overload for each mode
        self, mode: str = "r", *_: Any, encoding: str | None = None, **__: Any
    ) -> IO[Any]:
        """Open the object for reading, by ranges.

        Raises
        ------
        FileNotFoundError
            If there is none.
        InputOutputError
            If the store refuses, or is not reached.
        """
        if set(mode) - set("rbt"):
            raise io.UnsupportedOperation(f"{self} cannot be opened for {mode}")
        binary: Any = io.BufferedReader(self.random_access(), 1 << 16)
        return binary if "b" in mode else io.TextIOWrapper(binary, encoding)

    def random_access(self) -> Any:
        """Open the object for reading of ranges."""
        with store_errors(self):
            return self.filesystem.open_input_file(self.key)

    def sequential(self) -> Any:
        """Open the object for reading from front to back."""
        with store_errors(self):
            return self.filesystem.open_input_stream(self.key, compression=None, buffer_size=_READ_AHEAD)

    def upload(self) -> Any:
        """Open a stream that becomes the object when it is closed, and not before."""
        with store_errors(self, "writing to"):
            return self.filesystem.open_output_stream(self.key, compression=None)

    def iterdir(self) -> Generator[StorePath, None, None]:
        """Return what lies in a folder."""
        yield from map(self._child, self._found(recursive=False))

    def objects(self) -> Iterator[tuple[StorePath, int]]:
        """Return all objects below this name, with their sizes in bytes."""
        for info in self._found(recursive=True):
            if info.type.name == "File":
                yield self._child(info), int(info.size or 0)

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the object."""
        with store_errors(self, "removing"):
            try:
                self.filesystem.delete_file(self.key)
            except FileNotFoundError:
                if not missing_ok:
                    raise

    def mkdir(self, *_: Any, **__: Any) -> None:
        """Do nothing: the names of a store have folders, the store has none."""

    def resolve(self, *_: Any, **__: Any) -> StorePath:
        """Return the path itself; a store has no links."""
        return self

    absolute = resolve

    def samefile(self, other_path: Any) -> bool:
        """Whether another path is the same one."""
        return str(self) == str(other_path)

    def _child(self, info: Any) -> StorePath:
        return self.joinpath(*info.path[len(self.key) + 1 :].split("/"))

    def _found(self, *, recursive: bool) -> list[Any]:
        from pyarrow import fs  # noqa: PLC0415 - of a store alone

        with store_errors(self):
            return list(self.filesystem.get_file_info(fs.FileSelector(self.key, recursive=recursive)))


def open_bytes(path: Path) -> Any:
    """Open a file or an object for pyarrow, to be read from front to back."""
    return path.sequential() if isinstance(path, StorePath) else pa.OSFile(str(path))


def open_ranges(path: Path, closing: ExitStack) -> Any:
    """Return what pyarrow reads a file by: the path itself, or the open object of a store."""
    return closing.enter_context(path.random_access()) if isinstance(path, StorePath) else path


def fetch(path: StorePath, closing: ExitStack) -> Path:
    """Copy an object to a temporary file, which is removed when all is closed, and return its path.

    Raises
    ------
    InputOutputError
        If the store fails, or there is no room.
    """
    folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="insar-rt-")))
    local = folder / path.name
    with store_errors(path), path.sequential() as source, local.open("wb") as file:
        while piece := source.read(_READ_AHEAD):
            file.write(piece)
    return local
