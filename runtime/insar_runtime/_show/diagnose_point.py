"""Diagnosis of one point that has none in the file, as by ``classify --diagnose``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.diagnoser import Diagnoser
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._show.point_diagnosis import PointDiagnosis
from insar_runtime._show.point_result import PointResult
from insar_runtime._show.read_point_diagnosis import read_point_diagnosis
from insar_runtime._show.series import Series
from insar_runtime.classes import CLASS_NAMES, NO_CLASS, RowStatus
from insar_runtime.classifier import Classifier
from insar_runtime.result import Result


def diagnose_point(
    series: Series,
    answer: PointResult | None,
    options: Diagnose,
    *,
    half_wavelength_mm: float | None,
    estimate_noise: Callable[[], FileNoise],
    open_classifier: Callable[[], Classifier],
) -> PointDiagnosis:
    """Estimate rates, break date and jumps of one series with their uncertainties.

    Parameters
    ----------
    series : Series
    answer : PointResult or None
        Its class.
    options : Diagnose
    half_wavelength_mm : float or None
        Size of one cycle; None if jumps are to have no number of cycles.
    estimate_noise : callable
        Returns the noise of the table.
    open_classifier : callable
        Returns the classifier for a repaired series; called only if it is needed.
    """
    days = (series.dates - series.dates[:1]).astype(np.float64)
    noise = estimate_noise()

    def reclassify(rows: NDArray[np.float32], _: NDArray[np.intp]) -> Result:
        return open_classifier().classify_matrix(rows, days.astype(np.float32))

    diagnoser = Diagnoser(noise, series.dates, half_wavelength_mm, options)
    found = diagnoser.diagnose(series.displacement[None], _result(answer), reclassify)
    source = f"the noise of {noise.rows} rows of the file" if noise.rows else "typical noise"
    return read_point_diagnosis(found.to_arrow(), half_wavelength_mm, options.recent_days, f"made now with {source}")


def _result(answer: PointResult | None) -> Result:
    """Return the class of one series as a ``Result``; the diagnosis does not use its other columns."""
    known = (answer.probabilities or {}) if answer else {}
    probabilities = [known.get(name, np.nan) for name in CLASS_NAMES]
    class_id, class_top = (
        CLASS_NAMES.index(name) if name else NO_CLASS
        for name in ((answer.class_name, answer.class_top) if answer else (None, None))
    )
    return Result(
        class_id=np.array([class_id], dtype=np.int8),
        class_top=np.array([class_top], dtype=np.int8),
        confidence=np.full(1, np.nan, dtype=np.float32),
        probabilities=np.array([probabilities], dtype=np.float32),
        status=np.full(1, RowStatus.OK, dtype=np.int8),
        n_epochs=np.zeros(1, dtype=np.int16),
        max_gap_days=np.zeros(1, dtype=np.int16),
    )
