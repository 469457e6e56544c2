"""Diagnosis of an array of series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insar_runtime._diagnosis.diagnoser import Diagnoser
from insar_runtime._diagnosis.diagnosis import Diagnosis
from insar_runtime._diagnosis.noise.file_noise import estimate_noise
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._diagnosis.recent.recent_spread import with_recent_spread
from insar_runtime._engine.row_labels import with_labels
from insar_runtime._input.even_rows import evenly_spaced
from insar_runtime._input.units.series_units import Unit
from insar_runtime._input.units.wavelength import find_wavelength
from insar_runtime._pipeline.blas import one_thread_a_product
from insar_runtime._pipeline.diagnosis_setup import on_axis
from insar_runtime._pipeline.given_input import take_series
from insar_runtime._pipeline.noise_sample import NOISE_ROWS
from insar_runtime.errors import UsageError
from insar_runtime.result import Result

if TYPE_CHECKING:
    from insar_runtime._engine.runner import ModelRunner


@one_thread_a_product()
def diagnose_array(
    classifier: ModelRunner,
    displacement: Any,
    dates: ArrayLike | Sequence[Any] | None,
    *,
    units: Unit | None,
    result: Result | None,
    noise: FileNoise | None,
    half_wavelength_mm: float | Literal["auto"] | None,
    options: Diagnose,
) -> Diagnosis:
    """Diagnose an array; see ``Classifier.diagnose``."""
    given = take_series(classifier, displacement, dates, units)
    series, axis = given.matrix(), given.dates
    days = (axis - axis[:1]).astype(np.float64)
    if isinstance(half_wavelength_mm, str):
        if half_wavelength_mm != "auto":
            raise UsageError(f"half_wavelength_mm is {half_wavelength_mm!r}; give millimetres, None or 'auto'")
        half_wavelength_mm = find_wavelength(axis, given.made_by).half_mm
    elif half_wavelength_mm is not None:
        half_wavelength_mm = find_wavelength(axis, given.made_by, half_wavelength_mm).half_mm
    if result is None:
        result = classifier.classify_matrix(series, days.astype(np.float32))
    elif len(result) != len(series):
        raise UsageError(f"result is of {len(result)} series and displacement of {len(series)}; give that of these")
    if noise is None:
        some = series[evenly_spaced(len(series), NOISE_ROWS)]
        joins = given.description.joins if given.description else ()
        noise = estimate_noise(some, axis, [join.date for join in joins])
        noise = with_recent_spread(noise, some, options.recent_days)
    noise = on_axis(noise, axis)

    def classify(rows: NDArray[np.float32], _: NDArray[np.intp]) -> Result:
        return classifier.classify_matrix(rows, days.astype(np.float32))

    diagnosis = Diagnoser(noise, axis, half_wavelength_mm, options).diagnose(series, result, classify)
    return with_labels(diagnosis, given.labels)
