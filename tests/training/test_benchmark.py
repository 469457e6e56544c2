"""The benchmark: its series, its figures of merit, and one small run from end to end."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.keras
pytest.importorskip("tensorflow", reason="the train group is not installed")
pytest.importorskip("sklearn", reason="the train group is not installed")

from insar_runtime._inference.hardware import describe_hardware
from insar_runtime.classes import CLASS_NAMES, TrendClass
from training.benchmark import answers, measure, sets, speed
from training.benchmark.contestants import Entry, Lessons
from training.benchmark.goals import Goal
from training.benchmark.leave_out import FAMILIES, leave_calendars_out
from training.benchmark.networks import ReleasedNetwork
from training.benchmark.run import compare
from training.benchmark.sizes import QUICK
from training.dataset import LabelledSeries, simulated
from training.simulator import CALENDARS
from training.trend_net import build_trend_net

TINY = replace(
    QUICK,
    lengths=(60,),
    noises_mm=(2.0,),
    grid=20,
    named=10,
    deployment=100,
    limit=5,
    odd=5,
    network_series=600,
    other_series=400,
    paper_series=300,
    stream_chunk=1024,
    speed_rounds=1,
    speed_seconds=0.05,
)


class _AlwaysLinear:
    name = "always linear"

    def __init__(self) -> None:
        self.asked = 0

    def fit(self, series: LabelledSeries, *, seed: int) -> None:
        pass

    def probabilities(self, series: LabelledSeries) -> np.ndarray[Any, np.dtype[np.float32]]:
        self.asked += 1
        return np.tile(np.eye(5, dtype=np.float32)[TrendClass.LINEAR], (len(series), 1))


@pytest.fixture(scope="module")
def cells() -> dict[str, sets.Cell]:
    return {cell.name: cell for cell in sets.make_cells(replace(QUICK, named=60), real=None, seed=5)}


def _dates(cell: sets.Cell) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
    return [days for _, days in sets.by_calendar(cell.series.days)]


def test_grid_has_its_lengths_and_noises(cells: dict[str, sets.Cell]) -> None:
    grid = [cell for cell in cells.values() if cell.group == "grid"]
    assert len(grid) == len(QUICK.lengths) * len(QUICK.noises_mm) * 2
    for cell in grid:
        assert cell.noise_mm is not None
        assert {len(days) for days in _dates(cell)} == {cell.epochs}
        assert np.isfinite(cell.series.displacement).all()
        facts = cell.series.facts
        total = np.sqrt(sum(facts[f"noise_{part}_mm"] ** 2 for part in ("white", "short", "slow")))
        # Short and noisy rows of curves get less noise, for the curve to stand out from it.
        straight = np.isin(cell.series.label, (TrendClass.STABLE, TrendClass.LINEAR))
        np.testing.assert_allclose(total[straight], cell.noise_mm, rtol=1e-4)
        assert total.max() <= cell.noise_mm * (1 + 1e-4)
        assert bool((facts["noise_slow_mm"] > 0).any()) == cell.coloured


def test_named_cells_are_what_they_say(cells: dict[str, sets.Cell]) -> None:
    gaps = [np.diff(days).max() for days in _dates(cells["long gaps"])]
    assert min(gaps) >= 100
    assert max(gaps) <= 240
    assert {len(days) for days in _dates(cells["paper calendar"])} == {139}
    brief = cells["short-lived PUE"].series
    epochs = brief.facts["jump_epochs"][brief.label == TrendClass.PUE]
    # A spike of two epochs may touch the jump, and a jump may be there one epoch early.
    assert epochs.min() >= 3
    assert np.median(epochs) <= 6
    assert (brief.facts["jump_epochs"][brief.label != TrendClass.PUE] == 0).all()
    shares = np.bincount(cells["95 % stable"].series.label, minlength=5) / len(cells["95 % stable"].series)
    assert np.allclose(shares, sets.PRIORS, atol=0.01)
    giants = cells["thermal_giant"].series
    assert (giants.label == -1).all()
    assert np.nanmedian(np.nanmax(giants.displacement, axis=1) - np.nanmin(giants.displacement, axis=1)) > 30


def test_seeds_make_the_series_and_lessons_have_others(cells: dict[str, sets.Cell]) -> None:
    again = sets.named_cells(60, seed=5)[0]
    assert np.array_equal(again.series.displacement, cells[again.name].series.displacement, equal_nan=True)
    lessons = Lessons(replace(QUICK, network_series=900), real=None, seed=5)
    names = [*cells, "lessons", "paper lessons", "plain lessons", "leave out lessons"]
    assert len({sets.seed_of(5, name) for name in names}) == len(names)
    stream = lessons.stream
    assert len(stream) == 900
    assert set(np.unique(stream.label)) == set(range(5))
    assert stream.displacement.shape == stream.days.shape
    assert (np.diff(stream.days, axis=1) >= 0).all()


def test_rows_that_the_run_time_refuses_are_left_out() -> None:
    series = simulated(20, seed=1, calendar="paper")
    series.displacement[3, 20:] = np.nan
    assert len(sets.answerable(series)) == 19


def test_longest_run() -> None:
    error = np.array([[0, 1, 1, 0, 2, 3, 3], [0, 0, 0, 0, 0, 0, 0], [5, 5, 0, 5, 0, 0, 0]], dtype=np.int16)
    assert sets.longest_run(error).tolist() == [3, 0, 2]


def test_families_of_calendars_are_a_division() -> None:
    names = [name for family in FAMILIES.values() for name in family]
    assert sorted(names) == sorted(CALENDARS)


def test_alarms_weigh_by_priors() -> None:
    # Of 100 points, one moves. Even odds for a motion are no reason to call a point where motion is rare.
    label = np.array([TrendClass.LINEAR] + [TrendClass.STABLE] * 99, dtype=np.int8)
    probabilities = np.tile(np.array([0.4, 0.6, 0, 0, 0], dtype=np.float32), (100, 1))
    probabilities[0] = [0.0001, 0.9999, 0, 0, 0]
    usual = measure.alarms(label, probabilities, sets.PRIORS)
    assert (usual.called, usual.false, usual.recall) == (1, 0, 1.0)
    even = measure.alarms(label, probabilities, np.full(5, 0.2))
    assert (even.called, even.false) == (100, 99)
    assert even.false_share == 0.99


def test_alarms_at_recall_call_as_few_as_will_do() -> None:
    label = np.array([1] * 10 + [0] * 90, dtype=np.int8)
    stable = np.concatenate([np.linspace(0.01, 0.1, 9), [0.95], [0.05], np.full(89, 0.99)])
    probabilities = np.stack([stable, 1 - stable, *np.zeros((3, 100))], axis=1).astype(np.float32)
    found = measure.alarms_at_recall(label, probabilities, np.full(5, 0.2))
    assert (found.called, found.false, found.recall) == (10, 1, 0.9)
    assert np.isnan(measure.alarms_at_recall(label[10:], probabilities[10:], sets.PRIORS).recall)


def test_oddities_and_reliability_are_counted() -> None:
    rows = [[0.9, 0.1, 0, 0, 0], [0.1, 0.9, 0, 0, 0], [0.4, 0.6, 0, 0, 0], [0.3, 0.3, 0.4, 0, 0]]
    probabilities = np.array(rows, dtype=np.float32)
    shares = measure.oddity_shares(probabilities)
    assert (shares["given"], shares["confident"], shares["confident_moving"]) == (0.75, 0.5, 0.25)
    assert (shares["Linear"], shares["Quadratic"]) == (0.5, 0.0)
    curve = measure.reliability(np.array([0, 0, 1, 2], dtype=np.int8), probabilities)
    assert sum(entry["series"] for entry in curve) == 4
    assert curve[-1] == {"confidence": 0.9, "accuracy": 0.5, "series": 2}


def test_where_beaten_names_ties_but_not_perfect_ones() -> None:
    errors = {"ours": {"a": 2, "b": 0, "c": 5}, "x": {"a": 2, "b": 0, "c": 6}, "y": {"c": 4}}
    assert measure.where_beaten(errors, "ours") == {"a": ["x"], "c": ["y"]}


def test_goals_know_which_way_is_better() -> None:
    least, most = (Goal("this", 0.95, 0.94, at_least=at_least) for at_least in (True, False))
    assert (least.reached, most.reached) == (False, True)
    assert (least.wanted, most.wanted) == ("at least 0.95", "at most 0.95")
    unknown = Goal("that", 5, float("nan"), at_least=False)
    assert not unknown.reached
    assert unknown.to_dict() == {"what": "that", "wanted": "at most 5", "found": None, "reached": False}


def test_released_network_ignores_padding(artifacts: Path, cells: dict[str, sets.Cell]) -> None:
    network = ReleasedNetwork(artifacts / "paper-cnn", "fp32")
    series = cells[sets.REALISTIC].series
    found = network.probabilities(series)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)
    row = series.take(np.array([7]))
    epochs = 1 + np.count_nonzero(np.diff(row.days[0]) > 0)
    cut = LabelledSeries(row.displacement[:, :epochs], row.days[:, :epochs], row.label)
    assert np.allclose(network.probabilities(cut)[0], found[7], atol=1e-6)


def test_answers_are_kept(tmp_path: Path, cells: dict[str, sets.Cell]) -> None:
    contestant = _AlwaysLinear()
    entry = Entry(contestant, "baseline", "key", "nothing")
    for _ in range(2):
        store = answers.Answers(tmp_path, lambda line: None)
        assert (store.of(entry, cells[sets.REALISTIC]).argmax(axis=1) == TrendClass.LINEAR).all()
    assert contestant.asked == 1
    store.of(replace(entry, key="other"), cells[sets.REALISTIC])
    assert contestant.asked == 2


def test_speed_counts_cpu_time() -> None:
    found = speed.measure_speed([_AlwaysLinear()], simulated(100, seed=1, calendar="paper"), rounds=3, seconds=1.0)
    assert found["always linear"].series == 100
    assert found["always linear"].series_per_second > 0
    assert describe_hardware()


def test_calendars_left_out_are_not_trained_on(tmp_path: Path) -> None:
    trained: list[tuple[str, ...] | None] = []

    def fit(config: Any, work: Path, announce: Any) -> Any:
        trained.append(config.data.calendars)
        return build_trend_net(config.network)

    for _ in range(2):
        found = leave_calendars_out(
            TINY, seed=1, work=tmp_path, announce=print, families={"paper": ("paper",)}, fit=fit
        )
    # The second run finds what the first has left.
    assert len(trained) == 2
    assert trained[0] is None
    assert trained[1] is not None
    assert "paper" not in trained[1]
    assert found["families"]["paper"]["seen"]["series"] == TINY.named


def test_whole_benchmark(tmp_path: Path, artifacts: Path) -> None:
    lines: list[str] = []
    out, work = tmp_path / "out", tmp_path / "work"
    run = partial(
        compare,
        out,
        networks=[artifacts / "paper-cnn"],
        work=work,
        real=None,
        sizes=TINY,
        seed=3,
        announce=lines.append,
        leave_out=False,
    )
    results = run()
    assert results.champion == "paper-cnn int8"
    data = json.loads((out / "benchmark.json").read_text(encoding="utf-8"))
    networks = ("paper-cnn fp32", "paper-cnn", "dense")
    for name in (*networks, "glsbic-oracle", "glsbic", "minirocket", "forest", "ps-time", "EGMSpy rules"):
        found = data["contestants"][name]["cells"]
        assert set(found) == {cell.name for cell in results.compared()}
        assert found["realistic"]["series"] == TINY.named
        assert set(found["realistic"]["classes"]) == set(CLASS_NAMES)
    assert data["contestants"]["Bayes limit"]["points_below_limit"] == 0
    assert data["contestants"]["ps-time"]["at 95 % stable"]["most probable class"]["called_moving"] > 0
    reached = {goal["what"]: goal for goal in data["goals"]}
    lost = reached["points that int8 loses against fp32, all compared cells"]
    assert lost["reached"] == (lost["found"] <= 0.2)
    beaten = reached["cells in which another contestant has as few errors or fewer"]
    assert beaten["found"] == len(data["default network not best"])
    assert reached["errors over those of paper-cnn, all compared cells"]["found"] > 0
    assert not any("real noise" in what for what in reached)
    limits = json.loads((artifacts / "trend-net" / "model.json").read_text(encoding="utf-8"))["thresholds"]
    assert limits["abstain_below"] == measure.ABSTAIN_BELOW
    summary = (out / "summary.md").read_text(encoding="utf-8").splitlines()
    assert summary[2].startswith("| paper-cnn, taught here | 600 | ")
    text = (out / "README.md").read_text(encoding="utf-8")
    assert re.search(r"does not have the fewest errors: \d+ of 15", text)
    assert "The real files were not there" in text
    for name in ("noise", "length", "reliability", "confusion"):
        size = (out / f"{name}.png").stat().st_size
        assert 5_000 < size < 200_000
    assert any(line.startswith("teaching") for line in lines)
    lines.clear()
    again = run()
    assert not any(line.startswith(("teaching", "asking")) for line in lines)
    assert again.found["forest"].errors() == results.found["forest"].errors()
