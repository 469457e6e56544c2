"""Ticks of the axes of a plot: round numbers and round dates, with labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LONG: Final = 1e6
_MOST_DECIMALS: Final = 4
"""Numbers that are larger or need more decimals are written with an exponent."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick: its place in the unit of the axis, or in days since 1970, and its label."""

    place: float
    label: str


def number_ticks(low: float, high: float, most: int) -> tuple[Tick, ...]:
    """Return at most ``most`` round numbers within a range, 1, 2 or 5 times a power of ten apart."""
    if not high > low or most < 1:
        return (Tick(low, f"{low:.1f}"),)
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 5, 10, 20, 50, 100):
        step = factor * power
        # A tick at the edge counts in spite of rounding.
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            break
    decimals = max(-math.floor(math.log10(step) + 1e-9), 0)
    places = [number * step for number in range(first, last + 1)]
    return tuple(Tick(place, _number_text(place, decimals)) for place in places)


def date_ticks(first: np.datetime64, last: np.datetime64, fits: Callable[[Sequence[Tick]], bool]) -> tuple[Tick, ...]:
    """Return the densest round dates within a range whose labels fit; empty if none fit.

    Parameters
    ----------
    first, last : datetime64[D]
        Ends of the axis.
    fits : callable
        Returns whether the labels of these ticks fit side by side.
    """
    for dates, unit in _calendars(first, last):
        inside = dates[(dates >= first) & (dates <= last)]
        ticks = tuple(Tick(float(day.astype(int)), str(day.astype(f"datetime64[{unit}]"))) for day in inside)
        if ticks and fits(ticks):
            return ticks
    return ()


def _calendars(first: np.datetime64, last: np.datetime64) -> Iterator[tuple[NDArray[np.datetime64], str]]:
    """Yield round dates, from the densest to the sparsest, with the unit of their labels."""
    span = int((last - first).astype(int))
    for step in (1, 2, 5, 10):
        if span <= 30 * step:
            yield first + np.arange(0, span + 1, step), "D"
    begin, end = first.astype("datetime64[M]").astype(int), last.astype("datetime64[M]").astype(int)
    for step in (1, 2, 3, 6):
        if end - begin <= 30 * step:
            yield _every(begin, end, step, "M"), "M"
    begin, end = first.astype("datetime64[Y]").astype(int), last.astype("datetime64[Y]").astype(int)
    for step in (1, 2, 5, 10, 20, 50):
        yield _every(begin, end, step, "Y"), "Y"


def _every(begin: int, end: int, step: int, unit: str) -> NDArray[np.datetime64]:
    # Multiples of the step, counted from 1970: round years for all steps but 20 and 50.
    numbers = np.arange(-(-begin // step) * step, end + 1, step)
    return numbers.astype(f"datetime64[{unit}]").astype("datetime64[D]")


def _number_text(value: float, decimals: int) -> str:
    if abs(value) >= _LONG or decimals > _MOST_DECIMALS:
        return f"{value:.2e}"
    # Adding 0 makes a positive zero of a negative one.
    return f"{round(value, decimals) + 0.0:.{decimals}f}"
