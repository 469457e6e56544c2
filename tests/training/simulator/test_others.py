"""Each kind of the simulated class Other stands out and satisfies none of the other five definitions."""

from __future__ import annotations

import numpy as np
import pytest

from insar_runtime.definitions import BREAK_SHARE, JUMP_EDGE_EPOCHS, JUMP_MM, SMALL_STEP_MM
from training.simulator.config import OtherConfig
from training.simulator.others import OTHERS, draw_others


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("sigma_mm", [0.5, 2.0, 4.0])
def test_every_kind_of_other_stands_out(kind: str, sigma_mm: float) -> None:
    config, days = OtherConfig(), np.arange(150, dtype=np.float32) * 8
    sigma = np.full(400, sigma_mm, dtype=np.float32)
    motion = draw_others(np.random.default_rng(3), days, sigma, sigma, config, kind)
    assert np.isfinite(motion).all()
    size = np.ptp(motion, axis=1)
    least = max(config.size_over_noise[0] * sigma_mm, config.least_size_mm)
    if kind == "small_step":
        assert size.min() >= max(config.step_mm[0], config.step_scatters * sigma_mm) - 1e-3
        assert size.max() < SMALL_STEP_MM[1] <= JUMP_MM
        assert set(np.count_nonzero(np.diff(motion, axis=1), axis=1)) == {1}
        return
    # Of an exponential that has not died away, a half; a walk may stay near its level; breaks are measured by how far
    # they stray from their line.
    shown = {"decay": 0.5, "random_walk": 0.4, "s_shape": 0.85, "several_breaks": 0.8, "transient": 0.95}
    assert size.min() >= shown.get(kind, 1 - 1e-3) * least
    assert np.median(size) >= 1.1 * least


def test_no_kind_of_other_is_one_of_the_five() -> None:
    config, days = OtherConfig(), np.arange(300, dtype=np.float32) * 6
    sigma = np.full(400, 2.0, dtype=np.float32)
    time = days / days[-1]
    places = np.linspace(*BREAK_SHARE, 29)
    for kind in OTHERS:
        motion = draw_others(np.random.default_rng(4), days, sigma, sigma, config, kind)
        # No level that three epochs keep is left by 10 mm within two epochs.
        step = motion[:, JUMP_EDGE_EPOCHS:] - motion[:, :-JUMP_EDGE_EPOCHS]
        assert np.mean(np.abs(step).max(axis=1) >= JUMP_MM) < 0.01
        # What a parabola leaves, and the best hinge of those that Bilinear may have, beside the scatter of 2 mm.
        parabola = rest_of(motion, time, time**2).std(axis=1)
        hinges = [rest_of(motion, time, np.maximum(time - place, 0)).std(axis=1) for place in places]
        assert np.median(parabola) > 0.6 * 2.0
        assert np.median(np.min(hinges, axis=0)) > 0.4 * 2.0


def test_end_breaks_are_too_near_the_end_for_bilinear() -> None:
    days = np.arange(300, dtype=np.float32) * 6
    sigma = np.full(200, 2.0, dtype=np.float32)
    motion = draw_others(np.random.default_rng(5), days, sigma, sigma, OtherConfig(), "end_break")
    moving = np.abs(np.diff(motion, axis=1)) > 1e-4
    share = moving.mean(axis=1)
    assert share.max() < BREAK_SHARE[0]
    # At one of the ends, and at nothing but that.
    assert (moving[:, 0] != moving[:, -1]).all()


def rest_of(motion: np.ndarray, *columns: np.ndarray) -> np.ndarray:
    """What the best combination of one and some columns leaves of rows."""
    design = np.stack([np.ones_like(columns[0]), *columns], axis=1)
    return np.asarray(motion - (design @ np.linalg.lstsq(design, motion.T, rcond=None)[0]).T)


def test_other_series_are_drawn_with_their_shares() -> None:
    days, rows = np.arange(200, dtype=np.float32) * 6, 4000
    sigma = np.full(rows, 1.0, dtype=np.float32)
    motion = draw_others(np.random.default_rng(6), days, sigma, sigma, OtherConfig())
    changes = np.count_nonzero(np.abs(np.diff(motion, axis=1)) > 1e-4, axis=1)
    wanted = {name: share for name, (_, share) in OTHERS.items()}
    # A step changes at one epoch, and nothing else does.
    assert np.mean(changes == 1) == pytest.approx(wanted["small_step"] / sum(wanted.values()), abs=0.03)
