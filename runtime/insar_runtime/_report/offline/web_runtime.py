"""Files of onnxruntime-web that the page takes: the script, and the WebAssembly build for processors."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from insar_runtime.errors import DataError, InputNotFoundError, InputOutputError

_SCRIPT: Final = "ort.wasm.bundle.min.mjs"
_WASM: Final = "ort-wasm-simd-threaded.wasm"
"""The smallest build that has all operators of our models; it runs on one thread where there is no shared memory."""
_EXPORTS: Final = re.compile(r"export\s*\{([^{}]*)\};?(?=\s*(?://#[^\n]*\s*)*\Z)")
_EXPORT: Final = re.compile(r"([\w$]+) as ([\w$]+)")
_MOST_BYTES: Final = 100_000_000
_REMEDY: Final = "make it with: npm install onnxruntime-web, and give its folder node_modules/onnxruntime-web"


@dataclass(frozen=True, slots=True)
class WebRuntime:
    """Files of onnxruntime-web.

    Attributes
    ----------
    version : str
        Of the package.
    script : str
        The module as a plain script, which names ``ort`` what it exports: browsers open no worker of a module whose
        page is a file on disk.
    wasm : bytes
        The WebAssembly.
    """

    version: str
    script: str
    wasm: bytes


def read_web_runtime(folder: Path) -> WebRuntime:
    """Read the files of onnxruntime-web in a folder: the package as npm installs it, or its ``dist``.

    Parameters
    ----------
    folder : Path
        ``onnxruntime-web``, its ``dist``, or a folder whose ``node_modules`` has it.

    Raises
    ------
    InputNotFoundError
        If the files are not there.
    InputOutputError
        If one cannot be read.
    DataError
        If they are others.
    """
    places = (folder, folder / "dist", *(folder / "node_modules" / "onnxruntime-web" / part for part in (".", "dist")))
    found = next((place for place in places if (place / _SCRIPT).is_file()), None)
    if found is None:
        raise InputNotFoundError(f"there is no onnxruntime-web in {folder} ({_SCRIPT} is missing); {_REMEDY}")
    script = _read(found / _SCRIPT).decode("utf-8", "replace")
    exports = _EXPORTS.search(script)
    names = {name: inner for inner, name in _EXPORT.findall(exports[1])} if exports else {}
    if exports is None or not {"InferenceSession", "Tensor", "env"} <= names.keys():
        raise DataError(f"{found / _SCRIPT} is not the script of onnxruntime-web that is known here; {_REMEDY}")
    wasm = _read(found / _WASM)
    if not wasm.startswith(b"\0asm"):
        raise DataError(f"{found / _WASM} is no WebAssembly; {_REMEDY}")
    named = ", ".join(f"{name}: {inner}" for name, inner in names.items())
    plain = script[: exports.start()].replace("import.meta.url", "self.location.href")
    return WebRuntime(_version(found), f"{plain}const ort = {{ {named} }};", wasm)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{path} has more than {_MOST_BYTES // 1_000_000} MB; {_REMEDY}")
        return path.read_bytes()
    except OSError as error:
        raise InputOutputError(f"{path} cannot be read ({error.strerror}); {_REMEDY}") from error


def _version(place: Path) -> str:
    """Return the version that the package states; "unknown" for files without one."""
    for folder in (place, place.parent):
        try:
            return str(json.loads((folder / "package.json").read_text("utf-8"))["version"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
    return "unknown"
