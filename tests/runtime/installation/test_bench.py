"""``insar-rt bench`` measures the speed of the model and of a file."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from insar_runtime._engine.onnx_runtime import usable_cpus
from insar_runtime._installation.bench import _interleaved, describe_speeds, measure_device
from insar_runtime.classifier import Classifier
from tests.runtime.run_command import run_process


def test_bench_measures_model_and_file() -> None:
    done = run_process("bench", "--seconds", 2, "--device", "cpu", "--json")
    facts = json.loads(done.stdout)
    threads = sorted({1, usable_cpus()})
    assert {(p["precision"], p["threads"], p["epochs"]) for p in facts["model"]} == {
        (precision, count, epochs) for precision in ("fp32", "int8") for count in threads for epochs in (60, 139, 300)
    }
    assert [p["threads"] for p in facts["file"]] == threads
    for pace in facts["model"] + facts["file"]:
        assert pace["series_per_second"] > 0
        assert pace["series"] >= 512
    text = describe_speeds(facts)
    assert text.count("\n") == 4 + len(facts["model"]) + len(facts["file"])


class _Waits:
    """A task whose pace is known."""

    epochs = 60

    def __init__(self, per_series: float, clock: list[float]) -> None:
        self.classifier = Classifier(device="cpu", threads=1)
        self._per_series, self._clock = per_series, clock

    def prepare(self, count: int) -> Callable[[], None]:
        # What is overhead of every call must not spoil the choice of the count.
        return lambda: self._clock.__setitem__(0, self._clock[0] + 0.01 + count * self._per_series)


def test_rounds_are_as_long_as_asked_for_and_the_pace_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("insar_runtime._installation.bench.time.perf_counter", lambda: clock[0])
    slow, quick = _Waits(1e-3, clock), _Waits(1e-4, clock)
    paces = _interleaved([slow, quick], 36.0)
    assert [pace.series_per_second for pace in paces] == pytest.approx([1000, 10_000], rel=0.01)
    # Three seconds for each round of both.
    assert [pace.series for pace in paces] == pytest.approx([3000, 30_000], rel=0.02)
    assert clock[0] == pytest.approx(36, rel=0.15)


def test_other_models_can_be_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    # Its pace is of no matter here.
    monkeypatch.setattr("insar_runtime._installation.bench._LEAST_FILE_ROWS", 256)
    monkeypatch.setattr("insar_runtime._installation.bench._WARM_UP_ROWS", 32)
    facts = measure_device("paper-cnn", "cpu", 1.0)
    assert "model paper-cnn" in facts["versions"]
