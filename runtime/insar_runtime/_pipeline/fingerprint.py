"""What a run depends on, as one value: equal values, equal results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final, Self

from insar_runtime.errors import InputNotFoundError, InputOutputError

_BLOCK: Final = 1 << 18


class InputHash:
    """SHA-256 of a file, computed beside other work: hashing leaves Python's lock alone.

    Parameters
    ----------
    path : Path
        Must not change while it is read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = Event()
        self._digest: str | None = None
        self._error: OSError | None = None
        self._thread = Thread(target=self._run, name="insar-runtime hashes", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join()

    def value(self) -> str:
        """Wait for the hash, and give it in hexadecimal.

        Raises
        ------
        InputNotFoundError, InputOutputError
            If the file cannot be read.
        """
        self._thread.join()
        if isinstance(self._error, FileNotFoundError):
            raise InputNotFoundError(f"no such input: {self._path}: check the path") from self._error
        if self._error is not None or self._digest is None:
            raise InputOutputError(f"reading {self._path} failed: {self._error}: check disk and access")
        return self._digest

    def _run(self) -> None:
        digest = hashlib.sha256()
        try:
            with self._path.open("rb", buffering=0) as file:
                while not self._stop.is_set() and (block := file.read(_BLOCK)):
                    digest.update(block)
        except OSError as error:
            self._error = error
            return
        if not self._stop.is_set():
            self._digest = digest.hexdigest()


def run_key(parameters: Mapping[str, Any]) -> str:
    """Give one value for all that a result depends on.

    Parameters
    ----------
    parameters : mapping
        Plain values.
    """
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()
