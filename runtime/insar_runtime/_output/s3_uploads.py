"""Parts of unfinished uploads in S3: they are found and removed, for which pyarrow has no function.

Requests are signed by version 4 of Amazon's signatures
(https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html), with the keys of the environment. With
other credentials, and in other stores, such parts stay until the store removes them by a rule of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from insar_runtime._input.store_path import StorePath

_SECONDS: Final = 10.0
_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_MOST_BYTES: Final = 4 << 20
_UPLOAD: Final = re.compile(rb"<Upload>.*?</Upload>", re.DOTALL)
_KEY: Final = re.compile(rb"<Key>(.*?)</Key>", re.DOTALL)
_ID: Final = re.compile(rb"<UploadId>(.*?)</UploadId>", re.DOTALL)


@dataclass(slots=True)
class OpenUploads:
    """The unfinished uploads of an object, and those among them that others have begun.

    Attributes
    ----------
    target : StorePath
    others : frozenset of str or None
        Numbers of the uploads that were open before; None where they are not known, so that none is removed.
    """

    target: StorePath
    others: frozenset[str] | None = field(default=None)

    @classmethod
    def of(cls, target: StorePath) -> OpenUploads:
        """Look for the uploads that are open before one begins."""
        found = cls(target)
        if target.scheme == "s3" and all(map(os.environ.get, _KEYS)):
            # What is wrong with the store is said by the upload itself.
            with contextlib.suppress(OSError, ValueError):
                found.others = found._listed()
        return found

    def abort(self) -> None:
        """Remove the uploads that were begun since; what cannot be removed stays, and no object comes of it."""
        if self.others is None:
            return
        with contextlib.suppress(OSError, ValueError):
            for number in self._listed() - self.others:
                _request("DELETE", self.target.key, {"uploadId": number})

    def _listed(self) -> frozenset[str]:
        _, _, name = self.target.key.partition("/")
        answer = _request("GET", self.target.bucket, {"prefix": name, "uploads": ""})
        found = set()
        for entry in _UPLOAD.findall(answer):
            key, number = _KEY.search(entry), _ID.search(entry)
            if key and number and key[1].decode() == name:
                found.add(number[1].decode())
        return frozenset(found)


def _request(method: str, path: str, query: dict[str, str]) -> bytes:
    """Send a signed request to the store, and return the answer; an OSError if it refuses."""
    from http.client import HTTPConnection, HTTPException, HTTPSConnection  # noqa: PLC0415 - where an upload begins

    environment = os.environ
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    address = urlsplit(endpoint or f"https://s3.{region}.amazonaws.com")
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": address.netloc, "x-amz-content-sha256": hashlib.sha256(b"").hexdigest(), "x-amz-date": now}
    if token := environment.get("AWS_SESSION_TOKEN"):
        headers["x-amz-security-token"] = token
    place, asked = quote(f"/{path}", safe="/-_.~"), urlencode(sorted(query.items()), quote_via=quote, safe="-_.~")
    signed = ";".join(sorted(headers))
    lines = [f"{name}:{headers[name]}" for name in sorted(headers)]
    whole = "\n".join([method, place, asked, *lines, "", signed, headers["x-amz-content-sha256"]])
    scope = f"{now[:8]}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(whole.encode()).hexdigest()])
    key = f"AWS4{environment['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in (now[:8], region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={environment['AWS_ACCESS_KEY_ID']}/{scope}, SignedHeaders={signed}, "
        f"Signature={signature}"
    )
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = kind(address.netloc, timeout=_SECONDS)
    try:
        connection.request(method, f"{place}?{asked}", headers=headers)
        answer = connection.getresponse()
        content = answer.read(_MOST_BYTES)
    except HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
    if answer.status >= 300:
        raise OSError(f"the store answers {answer.status}")
    return content
