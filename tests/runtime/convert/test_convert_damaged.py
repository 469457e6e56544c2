"""Stacks that are damaged, or whose parts are of another kind than their names say: one line, and no output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from insar_runtime import DataError
from insar_runtime._convert.run import convert

ATTRIBUTES = {
    "UNIT": "m",
    "LENGTH": "4",
    "WIDTH": "5",
    "X_FIRST": "7",
    "Y_FIRST": "45",
    "X_STEP": ".1",
    "Y_STEP": "-.1",
}


def stack(path: Path) -> Path:
    """A small timeseries.h5 as MintPy writes it."""
    with h5py.File(path, "w") as file:
        file["timeseries"] = np.random.default_rng(0).normal(0, 0.01, (3, 4, 5)).astype(np.float32)
        file["date"] = np.array([b"20200101", b"20200113", b"20200125"])
        file.attrs.update(ATTRIBUTES)
    return path


def replaced(name: str, value: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        if value is None:
            file.create_group(name)
        else:
            file[name] = value

    return change


def stated(**attributes: Any) -> Callable[[h5py.File], None]:
    return lambda file: file.attrs.update(attributes)


def without(name: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file.attrs[name]

    return change


CHANGES = {
    "series are a group": replaced("timeseries", None),
    "series are a number": replaced("timeseries", 1.0),
    "series of one dimension": replaced("timeseries", np.zeros(5, np.float32)),
    "series are text": replaced("timeseries", np.full((3, 4, 5), b"text")),
    "dates are a group": replaced("date", None),
    "dates are one": replaced("date", b"20200101"),
    "dates are numbers": replaced("date", np.array([1.5, 2.5, 3.5])),
    "dates of two dimensions": replaced("date", np.array([[b"20200101"] * 2] * 3)),
    "a corner that is not a number": stated(X_FIRST="west"),
    "no step": without("Y_STEP"),
}


def test_the_stack_is_one(tmp_path: Path) -> None:
    assert convert([stack(tmp_path / "timeseries.h5")], tmp_path / "out.parquet").rows == 20


@pytest.mark.parametrize("name", CHANGES)
def test_other_parts(name: str, tmp_path: Path) -> None:
    path = stack(tmp_path / "timeseries.h5")
    with h5py.File(path, "r+") as file:
        CHANGES[name](file)
    refused(path)


@pytest.mark.parametrize("signature", [b"HEAP", b"TREE", b"SNOD"])
def test_damaged_structure(signature: bytes, tmp_path: Path) -> None:
    path = stack(tmp_path / "timeseries.h5")
    content = path.read_bytes()
    assert signature in content
    path.write_bytes(content.replace(signature, b"XXXX"))
    refused(path)


def refused(path: Path) -> None:
    out = path.with_name("out.parquet")
    with pytest.raises(DataError) as error:
        convert([path], out)
    text = str(error.value)
    assert path.name in text or "'date'" in text
    assert "\n" not in text
    assert list(path.parent.iterdir()) == [path]
