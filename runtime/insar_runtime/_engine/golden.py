"""Golden vectors of an int8 file: series with the probabilities that its integer arithmetic must give."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.errors import ModelIntegrityError
from insar_runtime.models import Model, Precision

MISSING: Final = -32768
"""Stands for NaN among tenths of a millimetre."""
_TENTHS, _FLOATS = np.dtype("<i2"), np.dtype("<f4")


@dataclass(frozen=True)
class GoldenVectors:
    """Series and their probabilities.

    Attributes
    ----------
    tenths : ndarray of int16, shape [N, T]
        Displacement in tenths of a millimetre; -32768 = missing.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.
    probabilities : ndarray of float32, shape [N, classes]
        Of exact integer arithmetic.
    tolerance : float
        Largest difference of a probability that rounding may cause.
    """

    tenths: NDArray[np.int16]
    days: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    tolerance: float

    @property
    def displacement(self) -> NDArray[np.float32]:
        """The series in mm, float32, shape [N, T]; NaN = missing."""
        return np.where(self.tenths == MISSING, np.nan, self.tenths / 10).astype(np.float32)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of ``to_bytes``, in hexadecimal."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """Return tenths, days and probabilities one after the other, each in C order and little-endian."""
        parts = (self.tenths.astype(_TENTHS), self.days.astype(_FLOATS), self.probabilities.astype(_FLOATS))
        return b"".join(part.tobytes() for part in parts)

    @classmethod
    def from_bytes(cls, data: bytes, *, rows: int, epochs: int, classes: int, tolerance: float) -> GoldenVectors:
        """Read what ``to_bytes`` wrote.

        Raises
        ------
        ValueError
            If there are more or fewer bytes, or days or probabilities that are not finite.
        """
        sizes = [rows * epochs * _TENTHS.itemsize, epochs * _FLOATS.itemsize, rows * classes * _FLOATS.itemsize]
        if len(data) != sum(sizes):
            raise ValueError(f"{len(data)} bytes for {rows} series of {epochs} epochs and {classes} classes")
        days = np.frombuffer(data, _FLOATS, epochs, sizes[0])
        probabilities = np.frombuffer(data, _FLOATS, rows * classes, sizes[0] + sizes[1])
        if not (np.isfinite(days).all() and np.isfinite(probabilities).all()):
            raise ValueError("days or probabilities are not finite")
        tenths = np.frombuffer(data, _TENTHS, rows * epochs).reshape(rows, epochs)
        return cls(tenths, days, probabilities.reshape(rows, classes), tolerance)


def golden_vectors(model: Model, precision: Precision) -> GoldenVectors | None:
    """Read the golden vectors of a model in a precision; None if it has none.

    Raises
    ------
    UnavailableError
        If the file is missing.
    ModelIntegrityError
        If it is not the released one, or holds no such vectors.
    """
    data = model.read_golden(precision)
    if data is None:
        return None
    entry = model.card["golden"][precision]
    rows, epochs, tolerance = int(entry["rows"]), int(entry["epochs"]), float(entry["tolerance"])
    try:
        return GoldenVectors.from_bytes(data, rows=rows, epochs=epochs, classes=len(model.classes), tolerance=tolerance)
    except ValueError as error:
        raise ModelIntegrityError(f"model file {entry['file']} is damaged ({error}); install it again") from error
