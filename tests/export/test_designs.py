"""A small network passes through all steps of the comparison of designs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.keras
pytest.importorskip("keras", reason="the train group is not installed")

from export.designs import compare_designs
from insar_runtime import CLASS_NAMES
from training.networks.trend_net import DESIGNS, Convolution, TrendNetConfig, multiply_adds
from training.stream import StreamConfig
from training.trend_fit import TrendFitConfig

SMALL = TrendNetConfig((Convolution(16, 4, 4),), parts=3, dense=8)


def test_a_design_is_trained_exported_and_timed(tmp_path: Path) -> None:
    lines: list[str] = []
    config = TrendFitConfig(StreamConfig(seed=3, chunk=4096, batch=128), chunks=6)
    compare_designs(config, tmp_path, real=None, announce=lines.append, designs={"small": SMALL})
    table = json.loads((tmp_path / "designs.json").read_text(encoding="utf-8"))
    assert table["series"] == 6 * 4096
    row = table["designs"]["small"]
    assert row["multiply-adds at 139 epochs"] == multiply_adds(SMALL, 139)
    # A guess is right in one case of six.
    assert row["simulated"]["accuracy"] > 0.25
    assert len(row["simulated"]["confusion"]) == len(CLASS_NAMES)
    assert row["semi-real"] is None
    assert row["int8 agreement"] > 0.8
    assert set(row["series per second and core at 139 epochs"]) == {"fp32", "int8"}
    text = (tmp_path / "designs.md").read_text(encoding="utf-8")
    assert text.splitlines()[-1].startswith("| small | ")
    assert lines[0] == "training small"


def test_at_least_three_designs_are_compared() -> None:
    assert len(DESIGNS) >= 3
    assert DESIGNS["halved"] == TrendNetConfig()
