"""Subset of the simulator's series for which the Bayes classifier can be computed."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from training.simulator.config import NuisanceConfig, SimulatorConfig


def limit_config(config: SimulatorConfig | None = None, *, white_mm: float | None = None) -> SimulatorConfig:
    """Restrict the simulator to series whose likelihood is known.

    What stays: all four motions, Gaussian noise of a white, a short and a slow part, and as unwrapping error one
    jump by lost integers, lasting or temporary, exact or damped. What goes: yearly cycle, nuisances, missing values,
    noise of any other kind; errors by folding, by wander, that flicker, return by degrees or scatter more, smeared
    jumps, spikes, projection, and more small damped jumps than large ones; and the rules that tie what is drawn to the
    noise in a way that no likelihood knows: that a jump stands out from the scatter around it, that a curve is measured
    by the scatter from epoch to epoch (the RMS of the noise is taken), and that Stable and Linear series show a rate of
    their class, noise and all.

    Parameters
    ----------
    config : SimulatorConfig, optional
        Whose numbers stay wherever they are not switched off; the defaults if not given.
    white_mm : float, optional
        White noise alone, of this RMS in mm, in all rows.

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
