"""Paths of objects in a store: ``s3://``, ``gs://`` and ``az://``, through the file systems of pyarrow.

A network is touched only where one of these paths is asked for something. Where a store is, and who asks, say the usual
variables of the environment (``AWS_ENDPOINT_URL``, ``AWS_REGION``, ``AWS_PROFILE``, ...), not an option.
"""

from __future__ import annotations

import io
import os
import re
import stat
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa

from insar_runtime.errors import InputOutputError, InsarRuntimeError, UnavailableError, UsageError

if sys.platform == "win32":
    from pathlib import WindowsPath as _SystemPath
else:
    from pathlib import PosixPath as _SystemPath

SCHEMES: Final = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"})
"""Of S3, Google Cloud Storage and Azure, the latter also as Hadoop and Spark spell them."""
_ATTEMPTS: Final = 3
_CONNECT_SECONDS: Final = 5.0
_SILENT_SECONDS: Final = 30.0
"""Time without a byte after which a request has failed."""
_READ_AHEAD: Final = 4 << 20
"""Bytes of a range, where an object is read from front to back."""
_YES: Final = frozenset({"1", "true", "yes"})
_REFUSED: Final = re.compile(
    r"ACCESS_DENIED|INVALID_ACCESS_KEY|SIGNATURE_DOES_NOT_MATCH|EXPIRED_TOKEN|INVALID_TOKEN|HTTP status 40[13]|"
    r"\b40[13]\b|PERMISSION_DENIED|UNAUTHENTICATED|AuthenticationFailed|AuthorizationFailure|credential",
    re.IGNORECASE,
)
_NO_BUCKET: Final = re.compile(r"NO_SUCH_BUCKET|bucket does not exist|ContainerNotFound|BucketNotFound", re.IGNORECASE)
_UNREACHED: Final = re.compile(
    r"NETWORK_CONNECTION|curlCode|connect|timed? ?out|resolve|UNAVAILABLE|DEADLINE_EXCEEDED", re.IGNORECASE
)


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
        return {"s3a": "s3", "gcs": "gs", "abfs": "az", "abfss": "az"}.get(found := self.parts[0].rstrip(":"), found)

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
        return _filesystem(self.scheme, self.parts[1].partition("@")[2].partition(".")[0])

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
            return self.filesystem.open_input_stream(self.key, buffer_size=_READ_AHEAD)

    def upload(self) -> Any:
        """Open a stream that becomes the object when it is closed, and not before."""
        with store_errors(self, "writing to"):
            return self.filesystem.open_output_stream(self.key)

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


@contextmanager
def store_errors(path: StorePath, doing: str = "reading") -> Iterator[None]:
    """Translate errors of a store into one line; that there is no such object stays a FileNotFoundError.

    Raises
    ------
    InputOutputError
        If the store refuses, is not reached, or fails.
    """
    try:
        yield
    except (InsarRuntimeError, FileNotFoundError, BrokenPipeError):
        raise
    except (OSError, pa.ArrowException, ValueError) as error:
        raise store_error(path, error, doing) from error


def store_error(path: Path | str, error: Exception, doing: str = "reading") -> InputOutputError:
    """Return the error of a store in the words of this package."""
    text = " ".join(str(error).split())
    # The store's own words come last; those before them are what was asked.
    reason = text.rpartition("operation: ")[2].partition(" (Request ID")[0] or text
    if _NO_BUCKET.search(text):
        remedy = "there is no such bucket: check the address"
    elif _UNREACHED.search(text):
        remedy = "the store is not reached: check the network, AWS_ENDPOINT_URL and AWS_REGION"
    elif _REFUSED.search(text):
        remedy = "the store refuses: check the credentials, such as AWS_PROFILE or AWS_ACCESS_KEY_ID, and their rights"
    else:
        remedy = "check the address and the store"
    return InputOutputError(f"{doing} {path} failed ({reason[:160]}): {remedy}")


def is_store_error(error: BaseException) -> bool:
    """Whether an error of pyarrow is that of a store, and not of the content that it holds."""
    return isinstance(error, OSError) and any(
        word in str(error) for word in ("AWS Error", "google::cloud", "Azure", "curlCode")
    )


@lru_cache(maxsize=8)
def _filesystem(scheme: str, account: str) -> Any:
    """Return pyarrow's file system of a kind of store, with few and short attempts."""
    from pyarrow import fs  # noqa: PLC0415 - of a store alone

    try:
        if scheme == "s3":
            return _s3(fs)
        if scheme == "gs":
            endpoint = re.fullmatch(r"(https?)://(.+?)/?", os.environ.get("STORAGE_EMULATOR_HOST", ""))
            more = {"scheme": endpoint[1], "endpoint_override": endpoint[2], "anonymous": True} if endpoint else {}
            return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=_SILENT_SECONDS), **more)
        account = account or os.environ.get("AZURE_STORAGE_ACCOUNT", "")
        if not account:
            raise UsageError("az:// needs the name of the account: set AZURE_STORAGE_ACCOUNT")
        return fs.AzureFileSystem(account, account_key=os.environ.get("AZURE_STORAGE_KEY") or None)
    except (ImportError, AttributeError) as error:
        raise UnavailableError(f"this pyarrow is built without {scheme}://; install pyarrow of PyPI") from error


def _s3(fs: Any) -> Any:
    environment = os.environ
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or ""
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or None
    scheme, _, host = endpoint.rpartition("://")
    if endpoint and not host.strip("/"):
        raise UsageError(f"AWS_ENDPOINT_URL is {endpoint!r}; write it as https://HOST or http://HOST:PORT")
    return fs.S3FileSystem(
        # GDAL and the command of AWS know this word for buckets that anybody may read.
        anonymous=environment.get("AWS_NO_SIGN_REQUEST", "").lower() in _YES,
        region=region or ("us-east-1" if endpoint else None),
        endpoint_override=host.strip("/") or None,
        scheme=scheme or "https",
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
        connect_timeout=_CONNECT_SECONDS,
        request_timeout=_SILENT_SECONDS,
    )
