"""Write reports of small tables, and take a page apart again by other code than the browser's."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from insar_runtime import Classifier, classify_file
from insar_runtime._classified.classify_first import Classification
from insar_runtime._report.write import Report, write_report
from tests.runtime.tables import series, wide, write

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


def never() -> Classifier:
    raise AssertionError("nothing is to be classified")


def page_of(source: Path, output: Path, **options: Any) -> Report:
    """Write the report of a classified table."""
    return write_report(source, output, classification=Classification(never), overwrite=True, **options)


def classified_table(tmp_path: Path, **more: Any) -> Path:
    """Classify 300 rows, some of them with missing values, and one without a value."""
    displacement, dates = series(300)
    displacement[::9, ::4] = np.nan
    displacement[5] = np.nan
    source = write(wide(displacement, dates, **more), tmp_path / "in.parquet")
    classify_file(source, tmp_path / "classified.parquet", keep_series=True, overwrite=True)
    return tmp_path / "classified.parquet"
