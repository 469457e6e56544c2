"""Access to stores: the file systems of pyarrow with few and short attempts, and their errors in one line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from insar_runtime.errors import InputOutputError, InsarRuntimeError, UnavailableError, UsageError

_ATTEMPTS: Final = 3
_CONNECT_SECONDS: Final = 5.0
_SILENT_SECONDS: Final = 30.0
"""Time without a byte after which a request has failed."""
_RETRY_SECONDS: Final = 15.0
"""Time of the attempts of Google's store, which counts no attempts."""
_VARIABLES: Final = {
    "s3": (", AWS_ENDPOINT_URL and AWS_REGION", "such as AWS_PROFILE or AWS_ACCESS_KEY_ID"),
    "gs": ("", "such as GOOGLE_APPLICATION_CREDENTIALS"),
    "az": ("", "such as AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY"),
}
"""Variables of the environment that say where a store is, and who asks."""
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


@contextmanager
def store_errors(path: Path, doing: str = "reading") -> Iterator[None]:
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
    where, who = _VARIABLES[kind_of(str(path).partition(":")[0])]
    # The store's own words come last; those before them are what was asked.
    reason = text.rpartition("operation: ")[2].partition(" (Request ID")[0] or text
    if _NO_BUCKET.search(text):
        remedy = "there is no such bucket: check the address"
    elif _UNREACHED.search(text):
        remedy = f"the store is not reached: check the network{where}"
    elif _REFUSED.search(text):
        remedy = f"the store refuses: check the credentials, {who}, and their rights"
    else:
        remedy = "check the address and the store"
    return InputOutputError(f"{doing} {path} failed ({reason[:160]}): {remedy}")


def is_store_error(error: BaseException) -> bool:
    """Whether an error of pyarrow is that of a store, and not of the content that it holds."""
    return isinstance(error, OSError) and any(
        word in str(error) for word in ("AWS Error", "google::cloud", "Azure", "curlCode")
    )


def kind_of(scheme: str) -> str:
    """Return s3, gs or az for the scheme of an address."""
    return {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}.get(scheme, "az")


@lru_cache(maxsize=8)
def open_filesystem(scheme: str, account: str) -> Any:
    """Return pyarrow's file system of a kind of store, with few and short attempts."""
    from pyarrow import fs  # noqa: PLC0415 - of a store alone

    try:
        if scheme == "s3":
            return _s3(fs)
        if scheme == "gs":
            endpoint = re.fullmatch(r"(https?)://(.+?)/?", os.environ.get("STORAGE_EMULATOR_HOST", ""))
            more = {"scheme": endpoint[1], "endpoint_override": endpoint[2], "anonymous": True} if endpoint else {}
            return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=_RETRY_SECONDS), **more)
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
