"""Goals of the default network, and whether they are reached."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from evaluation.benchmark.contestants import BAYES
from evaluation.benchmark.measure import WANTED_RECALL
from evaluation.benchmark.results import POOLED, Found, Results
from evaluation.benchmark.sets import REALISTIC
from evaluation.semireal import TEST_FILES
from insar_runtime.classes import TrendClass
from training.metrics import Metrics, rounded

_JUMPS: Final = ("exact PUE", "damped PUE", "short-lived PUE")
_TESTED: Final = ("tested files", "tested files, damped")
_ERRORS: Final = ("whole half wavelengths", "damped")
_SIMULATED: Final = "trend-net-simulated int8"


@dataclass(frozen=True)
class Goal:
    """Goal for one measured number.

    Attributes
    ----------
    what : str
        Description.
    bound : float
        Bound.
    found : float
        Measured value; NaN if it could not be measured.
    at_least : bool
        Whether the bound is a lower bound.
    """

    what: str
    bound: float
    found: float
    at_least: bool

    @property
    def reached(self) -> bool:
        """Whether the goal is reached."""
        return self.found >= self.bound if self.at_least else self.found <= self.bound

    @property
    def wanted(self) -> str:
        """Bound as text."""
        return f"at {'least' if self.at_least else 'most'} {self.bound:g}"

    @property
    def in_words(self) -> str:
        """Measured value as text."""
        return "-" if math.isnan(self.found) else f"{self.found:.4g}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "what": self.what,
            "wanted": self.wanted,
            "found": rounded(self.found),
            "reached": self.reached,
        }


def goals_of(results: Results) -> list[Goal]:
    """Return the goals with measured values; goals without a measurement are left out."""
    own = results.found[results.reference]
    return [*_accuracies(results, own), *_classes(own), *_calibration(own)]


def _accuracies(results: Results, own: Found) -> Iterator[Goal]:
    for found, bounds in ((own, (98.5, 97.5)), (results.found.get(_SIMULATED), (96.5, 96.5))):
        for group, errors, bound in zip(_TESTED, _ERRORS, bounds, strict=True):
            if found and group in found.groups:
                what = f"accuracy on real noise of {len(TEST_FILES)} files, unwrapping errors {errors}, {found.name}"
                trained = f"trained on the noise of {found.noise_trained_on(TEST_FILES)} of them"
                yield _least(f"{what}, {trained}, %", bound, 100 * found.groups[group].accuracy)
    copies = [name for name in results.found if name.startswith("paper-cnn, ") and name.endswith(" series")]
    for name, bound in (("paper-cnn", 0.5), *((copy, 0.25) for copy in copies)):
        if name in results.found:
            yield _most(f"ratio of errors to those of {name}, all compared cells", bound, _error_ratio(results, name))
    yield _most("cells in which a baseline has as few errors or fewer", 0, len(results.not_best()))
    if "limit" in results.found[BAYES].groups:
        yield _most("percentage points below the statistical limit", 1.5, 100 * results.limit_gap(own.name))
    precise = results.found.get(own.name.replace("int8", "fp32"))
    if precise:
        lost = 100 * (_right(precise) - _right(own))
        yield _most("percentage points by which int8 is less accurate than fp32, all compared cells", 0.2, lost)


def _classes(own: Found) -> Iterator[Goal]:
    tested = _on_real_noise(own)
    for name, metrics in ({cell: own.cells[cell] for cell in _JUMPS} | tested).items():
        yield _least(f"recall of PUE, {name}", 0.95, metrics.recall[TrendClass.PUE])
        yield _least(f"precision of PUE, {name}", 0.95, metrics.precision[TrendClass.PUE])
    for name, metrics in ({REALISTIC: own.cells[REALISTIC]} | tested).items():
        yield _least(f"recall of Stable, {name}", 0.98, metrics.recall[TrendClass.STABLE])
    yield _most("series of class Other that get one of the five classes, %", 20, 100 * own.odd_share("given"))


def _calibration(own: Found) -> Iterator[Goal]:
    tested = _on_real_noise(own)
    for name, metrics in ({REALISTIC: own.cells[REALISTIC]} | tested).items():
        yield _most(f"expected calibration error, {name}", 0.02, metrics.expected_calibration_error)
    if own.usual is not None:
        yield _most("share of Stable among detected points if 95 % are Stable, %", 5, 100 * own.usual.false_share)
        yield _least("recall of moving points if 95 % are Stable", WANTED_RECALL, own.usual.recall)


def _on_real_noise(own: Found) -> dict[str, Metrics]:
    """Return the scores on the files on which no baseline was trained, with a description of each group."""
    words = dict(zip(_TESTED, _ERRORS, strict=True))
    found = {group: own.groups[group] for group in _TESTED if group in own.groups}
    return {f"real noise, unwrapping errors {words[group]}": metrics for group, metrics in found.items()}


def _least(what: str, bound: float, found: float) -> Goal:
    return Goal(what, bound, float(found), at_least=True)


def _most(what: str, bound: float, found: float) -> Goal:
    return Goal(what, bound, float(found), at_least=False)


def _error_ratio(results: Results, name: str) -> float:
    own, others = (sum(results.found[one].errors().values()) for one in (results.reference, name))
    return own / others if others else float("nan")


def _right(found: Found) -> float:
    """Return the accuracy over all compared groups."""
    confusion = np.sum([found.groups[group].confusion for group in POOLED if group in found.groups], axis=0)
    return float(np.trace(confusion) / confusion.sum())
