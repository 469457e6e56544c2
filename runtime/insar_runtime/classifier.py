"""The classifier: series in, classes out, on one device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insar_runtime._inference.arrays import as_days, as_float32
from insar_runtime._inference.calls import ask, cut
from insar_runtime._inference.engine import usable_cpus
from insar_runtime._inference.priors import ClassPriors, make_priors, reweight
from insar_runtime._inference.rows import RowChecks, check_rows
from insar_runtime._inference.session import open_session
from insar_runtime.classes import CLASS_NAMES, RowStatus
from insar_runtime.devices import Device
from insar_runtime.errors import DataError, UsageError
from insar_runtime.models import Model, Precision, load_model
from insar_runtime.result import Result, decide

if TYPE_CHECKING:
    import pyarrow as pa

    from insar_runtime._input.units import Unit

Shares = ClassPriors | Mapping[str, float] | Sequence[float]
"""Shares of the five classes: by name, or in the order of ``CLASS_NAMES``."""


class Classifier:
    """Classify displacement time series.

    One classifier may be shared between threads, and can be pickled (the copy opens its own session).

    Parameters
    ----------
    model : str or Path, optional
        Name of a shipped model or folder of your own; the default model if not given.
    device : {"auto", "cpu", "cuda", "coreml", "directml", "openvino"}
        Where to run. Anything but ``auto`` fails if it does not really run there.
    precision : {"fp32", "int8"}, optional
        By default the faster one of the model on this kind of CPU, and fp32 elsewhere. Few labels differ
        between the two (``model.json`` says how many); name fp32 where several machines are to agree.
    threads : int, optional
        Parallel calls of the model; by default one for each CPU that the process may use.
    abstain_below : float, optional
        Confidence below which a row gets no class; by default the model's own threshold.
    priors : mapping of str to float, or sequence of 5 floats, optional
        Shares of the classes where the series come from, by name or in the order of ``CLASS_NAMES``; they need not
        sum to 1. Probabilities, classes and abstention then hold for that mix. By default the mix of the training.

    Raises
    ------
    UnavailableError
        If the model or the device is not there.
    ModelIntegrityError
        If a model file is not the released one.
    UsageError
        If an option is out of range.

    Examples
    --------
    >>> classifier = Classifier()
    >>> result = classifier.classify(displacement, dates)
    >>> result.class_name[0], result.confidence[0]
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        device: Device = "auto",
        precision: Precision | None = None,
        threads: int | None = None,
        abstain_below: float | None = None,
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
            "priors": priors,
        }
        self._model = load_model(model)
        self._priors = _checked_priors(priors, self._model)
        self._opened = open_session(self._model, device=device, precision=precision)
        self._threads = usable_cpus() if threads is None else threads
        self._abstain_below = self._model.abstain_below if abstain_below is None else abstain_below

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], Classifier], tuple[dict[str, Any]]]:
        return _rebuild, (self._settings,)

    def __repr__(self) -> str:
        return f"Classifier({self._model.name} {self._model.version}, {self.device}, {self.precision})"

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
    def priors(self) -> ClassPriors:
        """The mix of classes that the probabilities hold for, and where it comes from."""
        return self._priors

    def with_priors(self, priors: Shares | None) -> Classifier:
        """Give a classifier that differs in its priors only; both share one session.

        Parameters
        ----------
        priors : mapping of str to float, or sequence of 5 floats, optional
            As for ``Classifier``; the mix of the training if not given.

        Raises
        ------
        UsageError
            If they are no five shares above 0.
        """
        return self._but({"priors": priors}, _priors=_checked_priors(priors, self._model))

    def with_threads(self, threads: int) -> Classifier:
        """Give a classifier that differs in its threads only; both share one session.

        Parameters
        ----------
        threads : int
            Parallel calls of the model. Where the caller has threads of its own, 1 a thread serves best.

        Raises
        ------
        UsageError
            If it is below 1.
        """
        return self._but({"threads": threads}, _threads=_checked_threads(threads))

    def _but(self, settings: dict[str, Any], **changed: Any) -> Classifier:
        other = object.__new__(type(self))
        vars(other).update(vars(self), _settings={**self._settings, **settings}, **changed)
        return other

    def classify(self, displacement: ArrayLike, dates: ArrayLike | Sequence[Any]) -> Result:
        """Classify an array of series that share their dates.

        Parameters
        ----------
        displacement : array_like of float, shape [N, T] or [T]
            Displacement along the line of sight in mm. NaN and masked values are missing. The reference
            epoch does not matter.
        dates : array_like, shape [T]
            Acquisition dates: ``datetime64``, ``datetime.date``, or ISO text. Need not be in order.

        Returns
        -------
        Result
            One value a series; a row that cannot be classified has a status that says why.

        Raises
        ------
        UsageError
            If the shapes do not fit together.
        DataError
            If a date is missing or occurs twice, or there are fewer or more epochs than the model takes.
        """
        matrix = np.atleast_2d(as_float32(displacement))
        days, order = as_days(dates)
        if matrix.ndim != 2 or matrix.shape[1] != len(days):
            raise UsageError(
                f"displacement has shape {list(matrix.shape)} and there are {len(days)} dates; give [N, {len(days)}]"
            )
        if order is not None:
            matrix = matrix[:, order]
        return self.classify_matrix(matrix, days)

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
        if displacement.ndim != 2 or displacement.shape[1:] != days.shape:
            raise UsageError(
                f"displacement has shape {list(displacement.shape)} and days {list(days.shape)}; give [N, T] and [T]"
            )
        self.check_axis(len(days))
        displacement = displacement.astype(np.float32, copy=False)
        probabilities = np.empty((len(displacement), len(CLASS_NAMES)), dtype=np.float32)
        checks = RowChecks.empty(len(displacement))
        axis = np.ascontiguousarray(days, dtype=np.float32)[None, :]

        def work(part: slice) -> None:
            rows = displacement[part]
            found = check_rows(rows, days, self._model.limits)
            checks.set(part, found)
            answered = found.status == RowStatus.OK
            if answered.all():
                probabilities[part] = ask(self._opened, rows, axis)
            elif answered.any():
                probabilities[part][answered] = ask(self._opened, rows[answered], axis)

        parts = cut(len(displacement), len(days), self.device)
        if self._threads == 1 or len(parts) < 2:
            for part in parts:
                work(part)
        else:
            with ThreadPoolExecutor(min(self._threads, len(parts))) as pool:
                # Going through the results raises what a call has raised.
                for _ in pool.map(work, parts):
                    pass
        return self._decide(probabilities, checks)

    def _decide(self, everything: NDArray[np.float32], checks: RowChecks) -> Result:
        """Turn the probabilities of all rows, whatever stands in those without an answer, into classes."""
        answered = checks.status == RowStatus.OK
        probabilities = everything if answered.all() else everything[answered]
        # Priors turn equal probabilities into the most frequent class: who was unsure before them stays so.
        unsure = probabilities.max(axis=1, initial=0) < min(self._model.unsure_below, self._abstain_below)
        if self._priors.reweights:
            probabilities = reweight(probabilities, self._priors.array, self._model.training_priors.array)
        return decide(probabilities, answered, checks, self._abstain_below, unsure)

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

    def classify_batches(
        self,
        batches: Iterable[pa.RecordBatch],
        *,
        units: Unit | None = None,
        keep_series: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        """Classify a stream of Arrow record batches; same rows, same order, one batch out for one in.

        This is the contract of Spark's ``mapInArrow`` and of Ray Data's Arrow batches. All batches of one
        call are one file: their columns and their time axis are resolved once, on the first with rows.

        Parameters
        ----------
        batches : iterable of pyarrow.RecordBatch
            Tables with one series a row, dates in columns or in lists.
        units : {"mm", "cm", "m", "rad"}, optional
            Unit of the displacements, where the table does not prove it by its velocity column.
        keep_series : bool
            Whether the columns of the series are kept beside the attributes.

        Yields
        ------
        pyarrow.RecordBatch
            Attribute columns, then the columns of ``insar_runtime.result.RESULT_SCHEMA``.

        Raises
        ------
        DataError
            If the table cannot be read as series: layout, dates, units.
        """
        from insar_runtime._pipeline.stream import classify_stream  # noqa: PLC0415 - pyarrow only where tables are read

        yield from classify_stream(self, batches, units=units, keep_series=keep_series)


def _checked_priors(priors: Shares | None, model: Model) -> ClassPriors:
    if priors is None:
        return model.training_priors
    return priors if isinstance(priors, ClassPriors) else make_priors(priors)


def _checked_threads(threads: int) -> int:
    if threads < 1:
        raise UsageError(f"threads is {threads}; give 1 or more")
    return threads


def _rebuild(settings: dict[str, Any]) -> Classifier:
    return Classifier(**settings)
