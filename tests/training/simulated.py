"""Simulated series that several tests look at, and what is known of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from insar_runtime import TrendClass
from training.dataset import balanced_labels
from training.simulator import SimulatedSeries, SimulatorConfig, simulate
from training.simulator.config import AnnualConfig, DeliveryConfig, NoiseConfig, NuisanceConfig, UnwrappingConfig

COUNT = 12_000


@cache
def six_classes() -> SimulatedSeries:
    """Series of all six classes, as many of each."""
    return simulate(COUNT, seed=11, labels=balanced_labels(COUNT, 11))


def rows_of(series: SimulatedSeries, kind: TrendClass) -> np.ndarray:
    return np.flatnonzero(series.label == kind)


def epochs_of(series: SimulatedSeries) -> np.ndarray:
    """Epochs before the padding of each row; the motion is NaN in the padding only."""
    return np.isfinite(series.motion).sum(axis=1)


def epochs_of_row(series: SimulatedSeries, row: int | np.integer) -> int:
    """Epochs before the padding of one row."""
    return int(np.isfinite(series.motion[row]).sum())


def complete_rows_of(series: SimulatedSeries, *kinds: TrendClass) -> np.ndarray:
    """Rows that miss no value."""
    complete = np.isfinite(series.displacement).sum(axis=1) == epochs_of(series)
    return np.flatnonzero(np.isin(series.label, kinds) & complete)


def still_of(series: SimulatedSeries, row: int) -> np.ndarray:
    """What one row shows beside its motion and its unwrapping error, mm."""
    epochs = epochs_of_row(series, row)
    wrong = series.error[row, :epochs] / np.float32(10)
    return np.asarray(series.displacement[row, :epochs] - series.motion[row, :epochs] - wrong)


def quiet_config() -> SimulatorConfig:
    """No scatter to speak of, no cycle, nothing odd: what remains is motion and unwrapping errors."""
    return SimulatorConfig(
        noise=replace(NoiseConfig().plain(), sigma_limits_mm=(0.01, 0.01)),
        annual=replace(AnnualConfig(), amplitude_mm=0.0, strong_probability=0.0),
        nuisance=NuisanceConfig().none(),
        delivery=DeliveryConfig(missing_probability=0),
    )


def only_errors(**numbers: float | tuple[float, float]) -> UnwrappingConfig:
    """Lost cycles whose levels are steady and whose edges are sharp, but for what is asked for."""
    plain = UnwrappingConfig(
        physics_probability=0.0,
        wander_probability=0.0,
        returning_probability=0.0,
        flicker_probability=0.0,
        unsteady_probability=0.0,
        smeared_probability=0.0,
        spike_probability=0.0,
        projected_probability=0.0,
    )
    return replace(plain, **numbers)  # type: ignore[arg-type]
