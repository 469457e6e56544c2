"""The benchmark: its series, its figures of merit, and a small run from end to end."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.keras
pytest.importorskip("tensorflow", reason="the train group is not installed")
pytest.importorskip("sklearn", reason="the train group is not installed")

from evaluation.benchmark import answer_store, measure, sets, speed
from evaluation.benchmark.contestants import BAYES, Entry, TrainingSets
from evaluation.benchmark.figures import write_figures
from evaluation.benchmark.goals import Goal, goals_of
from evaluation.benchmark.leave_out import FAMILIES, leave_calendars_out
from evaluation.benchmark.networks import ReleasedNetwork
from evaluation.benchmark.record import ALL_CELLS
from evaluation.benchmark.report import write_report
from evaluation.benchmark.results import Results, examine
from evaluation.benchmark.run import compare
from evaluation.benchmark.sizes import QUICK
from evaluation.semireal import TEST_FILES
from insar_runtime._engine.hardware import describe_hardware
from insar_runtime.classes import SEED_CLASS_NAMES, TrendClass
from training.dataset import LabelledSeries, simulated
from training.networks.trend_net import build_trend_net
from training.simulator import CALENDARS
from training.simulator.others import OTHERS

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


class _Always:
    """A contestant of some classes that gives every series the same."""

    def __init__(self, kind: TrendClass, classes: int, name: str) -> None:
        self.name = name
        self.asked = 0
        self._row = np.eye(classes, dtype=np.float32)[kind]

    def fit(self, series: LabelledSeries, *, seed: int) -> None:
        pass

    def probabilities(self, series: LabelledSeries) -> np.ndarray[Any, np.dtype[np.float32]]:
        self.asked += 1
        return np.tile(self._row, (len(series), 1))


def _always_linear() -> _Always:
    return _Always(TrendClass.LINEAR, 5, "always linear")


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


def test_odd_cells_are_every_kind_of_other_and_rows_without_coherence(cells: dict[str, sets.Cell]) -> None:
    odd = {name: cell.series for name, cell in cells.items() if cell.group == "odd"}
    assert set(odd) == {*OTHERS, sets.DECORRELATED}
    for name, series in odd.items():
        assert set(series.label.tolist()) == {-1 if name == sets.DECORRELATED else TrendClass.OTHER}
        assert np.isfinite(series.displacement[:, 0]).all()
    step = odd["small_step"].displacement
    assert np.nanmedian(np.nanmax(step, axis=1) - np.nanmin(step, axis=1)) > 6


def test_a_sixth_class_takes_little_from_the_shares_of_the_others() -> None:
    np.testing.assert_array_equal(sets.priors_for(5), sets.PRIORS)
    six = sets.priors_for(6)
    assert six.sum() == pytest.approx(1)
    np.testing.assert_allclose(six[:5] / six[:5].sum(), sets.PRIORS)
    assert six[TrendClass.OTHER] < sets.PRIORS[1:].min()


def test_the_seed_determines_the_series_and_training_series_have_other_seeds(cells: dict[str, sets.Cell]) -> None:
    again = sets.named_cells(60, seed=5)[0]
    assert np.array_equal(again.series.displacement, cells[again.name].series.displacement, equal_nan=True)
    training_sets = TrainingSets(replace(QUICK, network_series=900), real=None, seed=5)
    names = [*cells, "lessons", "paper lessons", "plain lessons", "leave out lessons"]
    assert len({sets.seed_of(5, name) for name in names}) == len(names)
    stream = training_sets.stream
    assert len(stream) == 900
    assert set(np.unique(stream.label)) == set(range(5))
    assert stream.displacement.shape == stream.days.shape
    assert (np.diff(stream.days, axis=1) >= 0).all()


def test_rows_that_the_run_time_refuses_are_left_out() -> None:
    series = simulated(20, seed=1, calendar="paper")
    series.displacement[3, 20:] = np.nan
    assert len(sets.answerable(series)) == 19


def test_the_longest_run_of_an_error_is_found() -> None:
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
    usual = measure.alarms(label, measure.weigh(probabilities, sets.PRIORS))
    assert (usual.called, usual.false, usual.recall) == (1, 0, 1.0)
    even = measure.alarms(label, measure.weigh(probabilities, np.full(5, 0.2)))
    assert (even.called, even.false) == (100, 99)
    assert even.false_share == 0.99
    # If few of the training series of a network were Linear, the same probabilities are stronger evidence for Linear.
    rare = measure.weigh(probabilities, sets.PRIORS, np.array([0.97, 0.0004, 0.01, 0.01, 0.0096]))
    assert measure.alarms(label, rare).called == 100


def test_a_point_called_other_is_called_moving() -> None:
    label = np.array([TrendClass.STABLE, TrendClass.PUE], dtype=np.int8)
    weighted = measure.weigh(np.eye(6, dtype=np.float32)[[0, 5]], sets.priors_for(6))
    found = measure.alarms(label, weighted)
    assert (found.called, found.false, found.found) == (1, 0, 1)


def test_alarms_at_recall_call_as_few_as_will_do() -> None:
    label = np.array([1] * 10 + [0] * 90, dtype=np.int8)
    stable = np.concatenate([np.linspace(0.01, 0.1, 9), [0.95], [0.05], np.full(89, 0.99)])
    probabilities = np.stack([stable, 1 - stable, *np.zeros((3, 100))], axis=1).astype(np.float32)
    found = measure.alarms_at_recall(label, probabilities)
    assert (found.called, found.false, found.recall) == (10, 1, 0.9)
    assert np.isnan(measure.alarms_at_recall(label[10:], probabilities[10:]).recall)


def test_what_other_is_called_and_reliability_are_counted() -> None:
    rows = [[0.9, 0.1, 0, 0, 0], [0.1, 0.9, 0, 0, 0], [0.4, 0.6, 0, 0, 0], [0.3, 0.3, 0.4, 0, 0]]
    probabilities = np.array(rows, dtype=np.float32)
    shares = measure.other_shares(probabilities)
    assert (shares["given"], shares["confident"], shares["confident_moving"]) == (0.75, 0.5, 0.25)
    assert (shares["Linear"], shares["Quadratic"], shares["Other"]) == (0.5, 0.0, 0.0)
    six = np.array([[0.05, 0.05, 0, 0, 0, 0.9], [0.9, 0.1, 0, 0, 0, 0], [0.5, 0, 0, 0, 0, 0.5]], dtype=np.float32)
    known = measure.other_shares(six)
    assert (known["given"], known["Other"], known["confident"]) == pytest.approx((1 / 3, 1 / 3, 1 / 3), abs=1e-4)
    curve = measure.reliability(np.array([0, 0, 1, 2], dtype=np.int8), probabilities)
    assert sum(entry["series"] for entry in curve) == 4
    assert curve[-1] == {"confidence": 0.9, "accuracy": 0.5, "series": 2}


def test_cells_not_best_contain_ties_but_not_perfect_ones() -> None:
    errors = {"ours": {"a": 2, "b": 0, "c": 5}, "x": {"a": 2, "b": 0, "c": 6}, "y": {"c": 4}}
    assert measure.cells_not_best(errors, "ours") == {"a": ["x"], "c": ["y"]}


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
    assert found.shape == (len(series), 5)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)
    row = series.take(np.array([7]))
    epochs = 1 + np.count_nonzero(np.diff(row.days[0]) > 0)
    cut = LabelledSeries(row.displacement[:, :epochs], row.days[:, :epochs], row.label)
    assert np.allclose(network.probabilities(cut)[0], found[7], atol=1e-6)


def test_stored_probabilities_are_used_again(tmp_path: Path, cells: dict[str, sets.Cell]) -> None:
    contestant = _always_linear()
    entry = Entry(contestant, "baseline", "key", "nothing")
    for _ in range(2):
        store = answer_store.Answers(tmp_path, lambda line: None)
        assert (store.of(entry, cells[sets.REALISTIC]).argmax(axis=1) == TrendClass.LINEAR).all()
    assert contestant.asked == 1
    store.of(replace(entry, key="other"), cells[sets.REALISTIC])
    assert contestant.asked == 2


def test_contestants_of_five_and_of_six_classes_stand_in_one_report(
    tmp_path: Path, cells: dict[str, sets.Cell]
) -> None:
    network = Entry(_Always(TrendClass.OTHER, 6, "trend-net int8"), "released", "a", "nothing", frozenset(TEST_FILES))
    linear = Entry(_always_linear(), "baseline", "b", "nothing")
    limit = Entry(_Always(TrendClass.PUE, 5, BAYES), "limit", "c", "nothing")
    store = answer_store.Answers(tmp_path / "answers", lambda line: None)
    found = {entry.name: examine(entry, list(cells.values()), store) for entry in (network, linear, limit)}
    own = found["trend-net int8"]
    # Where the classes are five, Other is a wrong answer.
    assert own.cells[sets.REALISTIC].confusion.shape == (6, 6)
    assert own.errors()[sets.REALISTIC] == len(cells[sets.REALISTIC].series)
    assert {shares["Other"] for shares in own.odd.values()} == {1.0}
    assert (own.odd_share("given"), found["always linear"].odd_share("given")) == (0, 1)
    assert own.usual is not None
    assert own.usual.recall == 1
    assert own.noise_trained_on(TEST_FILES) == "all"
    assert own.noise_trained_on([*TEST_FILES, "another"]) == f"{len(TEST_FILES)} of {len(TEST_FILES) + 1}"

    facts = {"seed": 1, "real files": True, "processor": "any"}
    results = Results(own.name, list(cells.values()), found, dict.fromkeys(found, speed.Speed(100.0, 10)), facts)
    write_report(results, tmp_path)
    write_figures(results, tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    tables = text.splitlines()
    for heading, rule in pairwise(tables):
        if rule.startswith("|---"):
            assert heading.count("|") == rule.count("|")
    assert "- trend-net int8: none and all" in tables
    # Precision, recall and F1 of five classes, then the share called Other.
    assert any(line.startswith("| trend-net int8 | ") and line.endswith(" | 100.0 |") for line in tables)
    goals = {goal.what: goal for goal in goals_of(results)}
    assert goals["series of class Other that get one of the five classes, %"].reached


def test_speed_counts_cpu_time() -> None:
    found = speed.measure_speed([_always_linear()], simulated(100, seed=1, calendar="paper"), rounds=3, seconds=1.0)
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


def test_a_small_benchmark_runs_from_end_to_end(tmp_path: Path, artifacts: Path) -> None:
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
    assert results.reference == "paper-cnn int8"
    data = json.loads((out / "benchmark.json").read_text(encoding="utf-8"))
    networks = ("paper-cnn fp32", "paper-cnn", "dense")
    with (out / "benchmark.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for name in (*networks, "glsbic-oracle", "glsbic", "minirocket", "forest", "ps-time", "EGMSpy rules"):
        found = {row["cell"]: row for row in rows if row["contestant"] == name and row["cell"] != ALL_CELLS}
        assert set(found) == {cell.name for cell in results.compared()}
        assert int(found["realistic"]["series"]) == TINY.named
        assert all(found["realistic"][f"recall_{kind.lower()}"] for kind in SEED_CLASS_NAMES)
        odd = data["contestants"][name]["series of none of the five classes"]
        assert set(odd) == set(sets.ODD_KINDS)
        # None of these knows the class.
        assert all(shares["Other"] == 0 for shares in odd.values())
    assert data["contestants"]["Bayes limit"]["points_below_limit"] == 0
    assert data["contestants"]["ps-time"]["at 95 % stable"]["most probable class"]["called_moving"] > 0
    reached = {goal["what"]: goal for goal in data["goals"]}
    lost = reached["percentage points by which int8 is less accurate than fp32, all compared cells"]
    assert lost["reached"] == (lost["found"] <= 0.2)
    not_best = reached["cells in which a baseline has as few errors or fewer"]
    assert not_best["found"] == len(data["default network not best"])
    assert reached["ratio of errors to those of paper-cnn, all compared cells"]["found"] > 0
    assert not any("real noise" in what for what in reached)
    limits = json.loads((artifacts / "trend-net" / "model.json").read_text(encoding="utf-8"))["thresholds"]
    assert limits["abstain_below"] == measure.ABSTAIN_BELOW
    summary = (out / "summary.md").read_text(encoding="utf-8").splitlines()
    assert summary[2].startswith("| paper-cnn, trained by the benchmark | 600 | ")
    text = (out / "README.md").read_text(encoding="utf-8")
    assert re.search(r"does not have the fewest errors: \d+ of 15", text)
    assert "The real files were not available" in text
    for name in ("noise", "length", "reliability", "confusion"):
        size = (out / f"{name}.png").stat().st_size
        assert 5_000 < size < 200_000
    assert any(line.startswith("fitting") for line in lines)
    lines.clear()
    again = run()
    assert not any(line.startswith(("fitting", "classifying")) for line in lines)
    assert again.found["forest"].errors() == results.found["forest"].errors()
