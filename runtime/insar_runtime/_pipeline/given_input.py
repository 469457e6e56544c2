"""Series of a caller in Python, with what a person should know about them in the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from insar_runtime._engine.array_input import given_series
from insar_runtime._engine.given_series import GivenSeries
from insar_runtime._log import logger

if TYPE_CHECKING:
    from insar_runtime._engine.runner import ModelRunner
    from insar_runtime._input.units.series_units import Unit


def take_series(
    runner: ModelRunner, displacement: Any, dates: ArrayLike | Sequence[Any] | None, units: Unit | None
) -> GivenSeries:
    """Return the series of whatever ``Classifier.classify`` takes; the notes on a table are logged as warnings.

    Parameters
    ----------
    runner : ModelRunner
        Its model names the radar that a radian belongs to.
    displacement, dates, units
        See ``Classifier.classify``.

    Raises
    ------
    UsageError, DataError
        See ``Classifier.classify``.
    """
    given = given_series(displacement, dates, units=units, half_wavelength_mm=runner.model.half_wavelength_mm)
    if given.description is not None:
        from insar_runtime._pipeline.notes import notes_on  # noqa: PLC0415 - arrays take none of it

        for note in notes_on(given.description):
            logger().warning("%s", note)
    return given
