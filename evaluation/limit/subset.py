"""Subset of the simulator's series for which the Bayes classifier can be computed."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from training.simulator.config import NuisanceConfig, SimulatorConfig


def limit_config(config: SimulatorConfig | None = None, *, white_mm: float | None = None) -> SimulatorConfig:
    """Return settings of the simulator for series with a known likelihood.

    Kept are all four motions, Gaussian noise with a white, a short and a slow part, and one jump by an integer
    ambiguity error, lasting or temporary, exact or damped. Switched off are

    - annual cycle, nuisances, missing values and all other noise,
    - all other unwrapping errors: wrapping about a line or by slow deviations, alternating values, gradual decay,
      larger scatter, gradual jumps, spikes, projection, and the larger probability of small damped jumps,
    - rules that depend on the noise in a way that the likelihood cannot represent: that a jump is larger than the
      scatter around it, that curves are scaled by the scatter from epoch to epoch (here by the RMS of the noise), and
      that the rate of Stable and Linear series with noise is in the range of the class.

    Parameters
    ----------
    config : SimulatorConfig, optional
        Settings for everything that is kept; by default those of the simulator.
    white_mm : float, optional
        RMS in mm of the noise, which is then white in all rows.

    Returns
    -------
    SimulatorConfig
    """
    config = config or SimulatorConfig()
    noise = config.noise.plain()
    if white_mm is not None:
        limits = white_mm, white_mm
        noise = replace(noise, sigma_limits_mm=limits, short_share=(0.0, 0.0), slow_share=(0.0, 0.0))
    nothing: dict[str, Any] = {
        entry.name: 0.0 for entry in fields(NuisanceConfig) if entry.name.endswith("_probability")
    }
    return replace(
        config,
        noise=noise,
        annual=replace(config.annual, amplitude_mm=0.0, strong_probability=0.0),
        motion=replace(config.motion, settle_rates=False, wander_share=1.0),
        unwrapping=replace(
            config.unwrapping,
            physics_probability=0.0,
            wander_probability=0.0,
            event_count=(1.0,),
            returning_probability=0.0,
            flicker_probability=0.0,
            unsteady_probability=0.0,
            smeared_probability=0.0,
            spike_probability=0.0,
            projected_probability=0.0,
            damped_skew=1.0,
            damped_over_noise=0.0,
            jump_over_noise=0.0,
        ),
        nuisance=replace(config.nuisance, **nothing),
        delivery=replace(config.delivery, missing_probability=0.0),
    )
