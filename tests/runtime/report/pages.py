"""Take a report apart again: its facts and arrays, read by other code than the browser's."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_ELEMENT = re.compile(r'<script type="(?:application/json|text/plain)" id="(?:array-)?(\w+)">(.*?)</script>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Page:
    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def ids(self) -> list[str]:
        if "ids" not in self.arrays:
            return []
        ends = np.cumsum(self.arrays["idLengths"])
        text = self.arrays["ids"].tobytes()
        return [text[end - length : end].decode() for end, length in zip(ends, self.arrays["idLengths"], strict=True)]


def read_page(path: Path) -> Page:
    elements = dict(_ELEMENT.findall(path.read_text(encoding="utf-8")))
    facts = json.loads(elements.pop("facts"))
    return Page(facts, {name: unpack(facts["types"][name], text) for name, text in elements.items()})


def unpack(kind: str, text: str) -> np.ndarray:
    dtype = np.dtype(kind).newbyteorder("<")
    planes = np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype=np.uint8)
    return planes.reshape(dtype.itemsize, -1).T.copy().reshape(-1).view(dtype)


def unzigzag(coded: np.ndarray) -> np.ndarray:
    """Numbers of tenths; NaN for what is missing."""
    whole = coded.astype(np.int32)
    return np.where(coded == 0xFFFF, np.nan, np.where(whole % 2, -(whole + 1) // 2, whole // 2) / 10)
