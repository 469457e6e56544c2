"""Setup of the diagnosis of a table: noise, wavelength and options, and a diagnoser for each time axis."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.table import TableDescription
from insar_runtime._input.units.wavelength import Wavelength

if TYPE_CHECKING:
    from insar_runtime._diagnosis.diagnoser import Diagnoser
    from insar_runtime._diagnosis.noise.noise_model import FileNoise

_MOST_AXES: Final = 8
"""Time axes whose matrices are kept: some ten megabytes each."""


@dataclass(frozen=True, slots=True, eq=False)
class DiagnosisSetup:
    """How a table is diagnosed; small enough to be sent to workers.

    Attributes
    ----------
    options : Diagnose
    noise : FileNoise
        Of the table, on its own time axis.
    dates : ndarray of datetime64[D], shape [T]
        This axis.
    wavelength : Wavelength
        What a cycle is.
    """

    options: Diagnose
    noise: FileNoise
    dates: NDArray[np.datetime64]
    wavelength: Wavelength

    @classmethod
    def of(
        cls, description: TableDescription, options: Diagnose, noise: FileNoise, declared: UserDeclarations
    ) -> DiagnosisSetup:
        """Gather how a table is diagnosed.

        Parameters
        ----------
        description : TableDescription
            Of the table.
        options : Diagnose
        noise : FileNoise
            Of the table.
        declared : UserDeclarations
            What the user declares of the table; the wavelength only if the user names one.
        """
        return cls(options, noise, description.layout.dates, description.wavelength(declared))

    def described(self) -> dict[str, Any]:
        """Return what a reader of the output needs to know of it, as plain values."""
        return {
            "jumps": self.options.jumps,
            "repair_above": self.options.repair_above,
            "repair_damped": self.options.repair_damped,
            "recent_days": self.options.recent_days,
            "half_wavelength_mm": self.wavelength.half_mm,
            "half_wavelength_evidence": self.wavelength.evidence,
            "noise": self.noise.to_dict(self.dates),
        }


class DiagnoserCache:
    """A diagnoser for each time axis that occurs. May be shared between threads."""

    def __init__(self, how: DiagnosisSetup) -> None:
        self.how = how
        self._known: OrderedDict[bytes, Diagnoser] = OrderedDict()
        self._lock = Lock()

    def for_dates(self, dates: NDArray[np.datetime64]) -> Diagnoser:
        """Return the diagnoser for series of these dates [T]."""
        key = dates.astype("datetime64[D]").tobytes()
        with self._lock:
            if key not in self._known:
                self._known[key] = self._make(dates)
            self._known.move_to_end(key)
            while len(self._known) > _MOST_AXES:
                self._known.popitem(last=False)
            return self._known[key]

    def _make(self, dates: NDArray[np.datetime64]) -> Diagnoser:
        from insar_runtime._diagnosis.diagnoser import Diagnoser  # noqa: PLC0415 - most runs take none of it

        how = self.how
        return Diagnoser(on_axis(how.noise, dates), dates, how.wavelength.half_mm, how.options)


def on_axis(noise: FileNoise, dates: NDArray[np.datetime64]) -> FileNoise:
    """Return the noise on a time axis [T]; the same where that is its own."""
    days = (dates - dates[:1]).astype(np.float64)
    return noise if np.array_equal(days, noise.days) else noise.for_days(days)
