"""The model runner: settings, an open session on one device, and classes for a matrix of series."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from insar_runtime._engine.class_priors import ClassPriors
from insar_runtime._engine.onnx_runtime import usable_cpus
from insar_runtime._engine.prediction import check_matrix, predict_matrix
from insar_runtime._engine.priors import for_classes_of, make_priors, reweight
from insar_runtime._engine.row_checks import RowChecks
from insar_runtime._engine.session import open_session
from insar_runtime._engine.stable_rate import RateSplit, checked_stable_rate, contradicts_rate
from insar_runtime.classes import RowStatus
from insar_runtime.devices import Device
from insar_runtime.errors import DataError, UsageError
from insar_runtime.models import Model, Precision, load_model
from insar_runtime.result import Result, decide

Shares = ClassPriors | Mapping[str, float] | Sequence[float]
"""Shares of the classes, six or the first five: by name, or in the order of ``CLASS_NAMES``."""


class ModelRunner:
    """Classify a matrix of series by a model that is open on a device.

    May be shared between threads, and can be pickled: the copy opens a session of its own from the same settings.
    ``Classifier`` documents the parameters.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        device: Device = "auto",
        precision: Precision | None = None,
        threads: int | None = None,
        abstain_below: float | None = None,
        stable_rate: float | None = None,
        priors: Shares | None = None,
    ) -> None:
        if abstain_below is not None and not 0 <= abstain_below <= 1:
            raise UsageError(f"abstain_below is {abstain_below}; give a probability between 0 and 1")
        if threads is not None:
            _checked_threads(threads)
        self._settings = {
            "model": model,
            "device": device,
            "precision": precision,
            "threads": threads,
            "abstain_below": abstain_below,
            "stable_rate": stable_rate,
            "priors": priors,
        }
        self._model = load_model(model)
        self._stable_rate = _checked_stable_rate(stable_rate, self._model)
        self._priors = _checked_priors(priors, self._model)
        self._opened = open_session(self._model, device=device, precision=precision)
        self._threads = usable_cpus() if threads is None else threads
        self._abstain_below = self._model.abstain_below if abstain_below is None else abstain_below

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[type[Self], dict[str, Any]]]:
        return _rebuild, (type(self), self._settings)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._model.name} {self._model.version}, {self.device}, {self.precision})"

    @property
    def model(self) -> Model:
        """The model in use."""
        return self._model

    @property
    def device(self) -> str:
        """Device on which the model really runs."""
        return self._opened.choice.device

    @property
    def provider(self) -> str:
        """Onnxruntime's execution provider that really runs."""
        return self._opened.choice.provider

    @property
    def device_reason(self) -> str:
        """Why this device was chosen."""
        return self._opened.choice.reason

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the model here: whether int8 is proven, or fp32 has taken its place."""
        return self._opened.notes

    @property
    def precision(self) -> Precision:
        """Precision of the model in use."""
        return self._opened.choice.precision

    @property
    def threads(self) -> int:
        """Parallel calls of the model."""
        return self._threads

    @property
    def abstain_below(self) -> float:
        """Confidence below which a row gets no class."""
        return self._abstain_below

    @property
    def stable_rate(self) -> float | None:
        """Rate in mm/yr that divides Stable from Linear; None for a model that names none, if none was given."""
        return self._stable_rate

    @property
    def priors(self) -> ClassPriors:
        """The mix of classes that the probabilities hold for, and where it comes from."""
        return self._priors

    def with_priors(self, priors: Shares | None) -> Self:
        """Return a classifier that differs in its priors only; both share one session.

        Parameters
        ----------
        priors : mapping of str to float, or sequence of 6 or 5 floats, optional
            As for ``Classifier``; the mix of the training if not given.

        Raises
        ------
        UsageError
            If they are no shares above 0 of the model's classes.
        """
        return self._with_changes({"priors": priors}, _priors=_checked_priors(priors, self._model))

    def with_stable_rate(self, stable_rate: float | None) -> Self:
        """Return a classifier that differs in the limit between Stable and Linear only; both share one session.

        Parameters
        ----------
        stable_rate : float, optional
            As for ``Classifier``; the model's own if not given.

        Raises
        ------
        UsageError
            If it is not a finite number above 0.
        """
        checked = _checked_stable_rate(stable_rate, self._model)
        return self._with_changes({"stable_rate": stable_rate}, _stable_rate=checked)

    def with_threads(self, threads: int) -> Self:
        """Return a classifier that differs in its threads only; both share one session.

        Parameters
        ----------
        threads : int
            Parallel calls of the model. Where the caller has threads of its own, 1 a thread serves best.

        Raises
        ------
        UsageError
            If it is below 1.
        """
        return self._with_changes({"threads": threads}, _threads=_checked_threads(threads))

    def _with_changes(self, settings: dict[str, Any], **changed: Any) -> Self:
        """Return a copy with other settings, and the attributes that follow from them."""
        other = object.__new__(type(self))
        vars(other).update(vars(self), _settings={**self._settings, **settings}, **changed)
        return other

    def check_axis(self, epochs: int) -> None:
        """Refuse a time axis that no row could be classified on.

        Raises
        ------
        DataError
            If there are fewer or more epochs than the model takes.
        """
        limits = self._model.limits
        if epochs < limits.min_epochs:
            raise DataError(
                f"{epochs} epochs are too few: model {self._model.name} needs {limits.min_epochs}; give a longer series"
            )
        if epochs > limits.max_epochs:
            raise DataError(
                f"{epochs} epochs are too many: model {self._model.name} takes {limits.max_epochs}; "
                "cut the series to its last years"
            )

    def classify_matrix(self, displacement: NDArray[np.float32], days: NDArray[np.float32]) -> Result:
        """Classify rows whose time axis is known to be in order; the fast path below ``classify``.

        Parameters
        ----------
        displacement : ndarray of float32, shape [N, T]
            mm; NaN = missing.
        days : ndarray of float32, shape [T]
            Days since the first epoch, strictly increasing.

        Raises
        ------
        UsageError
            If the shapes do not fit together.
        DataError
            If the axis has fewer or more epochs than the model takes.
        """
        displacement, days = self._checked_matrix(displacement, days)
        probabilities, checks = self._predict(displacement, days)
        return self._decide(probabilities, checks, displacement, days)

    def network_probabilities(
        self, displacement: NDArray[np.float32], days: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the probabilities that hold for the mix of the training, for ``decide_rows``.

        Parameters
        ----------
        displacement, days
            As for ``classify_matrix``.

        Returns
        -------
        ndarray of float32, shape [N, C]
            C classes of the model; NaN in rows that cannot be classified.

        Raises
        ------
        UsageError, DataError
            As ``classify_matrix``.
        """
        displacement, days = self._checked_matrix(displacement, days)
        probabilities, checks = self._predict(displacement, days)
        probabilities[checks.status != RowStatus.OK] = np.nan
        return probabilities

    def decide_rows(
        self,
        probabilities: NDArray[np.float32],
        displacement: NDArray[np.float32],
        days: NDArray[np.float32],
        mixes: NDArray[np.float32] | None = None,
    ) -> Result:
        """Return the classes of rows whose probabilities are known: the bits of ``classify_matrix``.

        Parameters
        ----------
        probabilities : ndarray of float32, shape [N, C]
            Of ``network_probabilities`` for these rows.
        displacement, days
            As for ``classify_matrix``.
        mixes : ndarray of float32, shape [N, C], optional
            Mix of classes of each row, all above 0; by default that of the runner for all of them.

        Raises
        ------
        UsageError, DataError
            As ``classify_matrix``.
        """
        displacement, days = self._checked_matrix(displacement, days)
        checks = check_matrix(displacement, days, self._model)
        return self._decide(probabilities, checks, displacement, days, mixes)

    def _checked_matrix(
        self, displacement: NDArray[np.float32], days: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return series and time axis as the network takes them."""
        if displacement.ndim != 2 or displacement.shape[1:] != days.shape:
            raise UsageError(
                f"displacement has shape {list(displacement.shape)} and days {list(days.shape)}; give [N, T] and [T]"
            )
        self.check_axis(len(days))
        return displacement.astype(np.float32, copy=False), np.ascontiguousarray(days, dtype=np.float32)

    def _predict(
        self, displacement: NDArray[np.float32], days: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], RowChecks]:
        """Return the probabilities that hold for the mix of the training, and the checks of the rows."""
        rates, threads = self._rate_split(days), self._threads
        return predict_matrix(self._opened, self._model, displacement, days, rates=rates, threads=threads)

    def _rate_split(self, days: NDArray[np.float32]) -> RateSplit | None:
        """Return what divides Stable from Linear on this axis [T]; None where the network does."""
        rate = self._stable_rate
        return None if rate is None or rate == self._model.stable_rate_mm_yr else RateSplit(days, rate)

    def _decide(
        self,
        everything: NDArray[np.float32],
        checks: RowChecks,
        displacement: NDArray[np.float32],
        days: NDArray[np.float32],
        mixes: NDArray[np.float32] | None = None,
    ) -> Result:
        """Turn the probabilities of all rows, whatever stands in those without an answer, into classes."""
        answered = checks.status == RowStatus.OK
        probabilities = everything if answered.all() else everything[answered]
        # Priors turn equal probabilities into the most frequent class: who was unsure before them stays so.
        unsure = probabilities.max(axis=1, initial=0) < min(self._model.unsure_below, self._abstain_below)
        stated = self._model.stable_rate_mm_yr is not None
        if mixes is not None or self._priors.reweights:
            priors = self._priors.array if mixes is None else mixes[answered]
            probabilities = reweight(probabilities, priors, self._model.training_priors.array)
        if stated and self._stable_rate is not None and len(probabilities):
            unsure |= contradicts_rate(
                probabilities,
                displacement,
                days,
                answered=answered,
                stable_rate=self._stable_rate,
                abstain_below=self._abstain_below,
            )
        return decide(probabilities, answered, checks, self._abstain_below, unsure, limit_is_stated=stated)


def _checked_stable_rate(stable_rate: float | None, model: Model) -> float | None:
    return model.stable_rate_mm_yr if stable_rate is None else checked_stable_rate(stable_rate)


def _checked_priors(priors: Shares | None, model: Model) -> ClassPriors:
    if priors is None:
        return model.training_priors
    given = priors if isinstance(priors, ClassPriors) else make_priors(priors)
    return for_classes_of(given, model.name, model.training_priors)


def _checked_threads(threads: int) -> int:
    if threads < 1:
        raise UsageError(f"threads is {threads}; give 1 or more")
    return threads


def _rebuild(kind: type[Any], settings: dict[str, Any]) -> Any:
    return kind(**settings)
