"""Fingerprints of an input and of a run: equal fingerprints, equal results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event, Thread
from typing import Any, BinaryIO, Final, Self

from insar_runtime._input.readers.folder_table import files_of
from insar_runtime._input.readers.shp_siblings import parts_of
from insar_runtime._input.store_path import StorePath
from insar_runtime.errors import InputOutputError

_BLOCK: Final = 1 << 18


class InputHash:
    """SHA-256 of a file, computed beside other work: hashing leaves Python's lock alone.

    Of a shapefile it is that of all its parts, one after the other, as the table is in the .dbf.

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
        """Wait for the hash, and return it in hexadecimal.

        Raises
        ------
        InputOutputError
            If the file cannot be read, or has vanished.
        """
        self._thread.join()
        if self._error is not None or self._digest is None:
            raise InputOutputError(f"reading {self._path} failed: {self._error}: check disk and access")
        return self._digest

    def _run(self) -> None:
        digest = hashlib.sha256()
        try:
            is_folder = self._path.is_dir()
            for path in files_of(self._path) if is_folder else parts_of(self._path):
                if is_folder:
                    name = "/".join(path.parts[len(self._path.parts) :])
                    digest.update(name.encode(errors="surrogateescape") + b"\0")
                with path.open("rb", buffering=0) as file:
                    while not self._stop.is_set() and (block := file.read(_BLOCK)):
                        digest.update(block)
        except OSError as error:
            self._error = error
            return
        if not self._stop.is_set():
            self._digest = digest.hexdigest()


class InputFingerprint:
    """What identifies an input and a run over it: hash and key. The hash is computed beside the run; streams have none.

    Parameters
    ----------
    source : Path, "-" or binary stream
        The input.
    key : callable
        Returns the key of the run from the SHA-256 of the input.
    needed : bool
        Whether the key is compared: otherwise objects of a store are not hashed.
    """

    def __init__(self, source: Path | str | BinaryIO, key: Callable[[str], str], *, needed: bool = True) -> None:
        # What is wrong with an input that is no file is said when it is opened. To hash an object is to fetch it twice.
        hashes = isinstance(source, Path) and (needed or not isinstance(source, StorePath))
        self._hash = (
            InputHash(source) if isinstance(source, Path) and hashes and (source.is_file() or source.is_dir()) else None
        )
        self._key = key

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._hash is not None:
            self._hash.__exit__(*exception)

    def key(self) -> str:
        """Return the key of the run; empty for a stream, which equals no other."""
        return "" if self._hash is None else self._key(self._hash.value())

    def facts(self) -> Mapping[str, str | None]:
        """Return what the metadata say of it."""
        if self._hash is None:
            return {"input_sha256": None, "run_key": None}
        return {"input_sha256": self._hash.value(), "run_key": self.key()}


def run_key(parameters: Mapping[str, Any]) -> str:
    """Return one value for all that a result depends on.

    Parameters
    ----------
    parameters : mapping
        Plain values.
    """
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()
