"""The benchmark of speed: peers run on the same series, and the tables say what was measured and what was not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the train group is not installed")

from benchmarks.speed import goals, peers
from benchmarks.speed.peer_names import NOT_MEASURED, PEERS
from benchmarks.speed.report import _imports, _peers
from benchmarks.speed.start import _package_of
from benchmarks.speed.summary import OURS, peer_ratios
from training.dataset import LabelledSeries, with_facts
from training.simulator import simulate


@pytest.fixture(scope="module")
def series() -> LabelledSeries:
    made = with_facts(simulate(16, seed=5, calendar="paper"))
    days = np.broadcast_to(made.days[0], made.displacement.shape)
    return LabelledSeries(made.displacement, days, made.label, made.facts)


@pytest.mark.parametrize("name", ["egmspy", "pstime", "ruptures", "mintpy"])
def test_peers_run_on_the_first_series(series: LabelledSeries, name: str) -> None:
    if name in {"ruptures", "mintpy"}:
        pytest.importorskip(name, reason="a package of the benchmark alone")
    engines = getattr(peers, f"make_{name}")(series)
    assert engines
    assert set(engines) <= set(PEERS)
    for engine in engines.values():
        engine.job(8)


def test_peers_are_compared_with_the_classifier_and_absent_ones_are_named() -> None:
    facts: dict[str, Any] = {
        "engines": {OURS: {"per_second": 100.0}, "ruptures, PELT": {"per_second": 4.0}},
        "missing": {"mintpy -": "ModuleNotFoundError: No module named 'mintpy'", "openvino paper-cnn": "no"},
    }
    assert peer_ratios(facts) == [("ruptures, PELT", 4.0, 25.0)]
    text = "\n".join(_peers(facts))
    assert f"| ruptures, PELT | 4 | 25 | {PEERS['ruptures, PELT']} |" in text
    assert all(f"- {name}: " in text for name in (*NOT_MEASURED, "mintpy"))
    assert "openvino" not in text


def test_a_share_is_that_of_reading_and_inference_alone() -> None:
    pipeline = {"read": 300.0, "infer": 150.0, "whole": 90.0}
    assert goals.what_cores_can(pipeline) == pytest.approx(100.0)
    assert goals.share(pipeline) == pytest.approx(90.0)


def test_imports_are_shared_out_by_package() -> None:
    names = ("insar_runtime._input.layout", "typer.main", "pydantic.types", "numpy.ma", "json.decoder", "yaml")
    typers = "typer, and what it imports"
    assert [_package_of(name) for name in names] == [
        *("insar_runtime", typers, typers, "numpy"),
        *("the standard library", "others"),
    ]
    shares = {"insar_runtime": {"modules": 3, "ms": 30.0}, "numpy": {"modules": 1, "ms": 10.0}}
    assert _imports(shares) == [("insar_runtime", "3", "30", "75 %"), ("numpy", "1", "10", "25 %")]
