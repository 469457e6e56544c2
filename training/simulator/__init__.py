"""Simulator of labelled displacement time series of persistent scatterers."""

from training.simulator.calendars import CALENDARS, draw_calendar
from training.simulator.config import HALF_WAVELENGTH_MM, SimulatorConfig
from training.simulator.simulator import SimulatedSeries, simulate

__all__ = [
    "CALENDARS",
    "HALF_WAVELENGTH_MM",
    "SimulatedSeries",
    "SimulatorConfig",
    "draw_calendar",
    "simulate",
]
