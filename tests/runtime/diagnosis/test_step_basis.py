"""Fits of steps and boxcars by cumulative sums are those of generalised least squares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.gls import restricted_precision
from insar_runtime._diagnosis.jumps.step_basis import (
    StepBasis,
    StepProjections,
    best_box,
    best_step,
    gram_matrix,
    projection_matrix,
)
from insar_runtime._diagnosis.jumps.step_fit import MOST_STEPS, fit_steps
from insar_runtime._diagnosis.jumps.step_projection import project_rows
from insar_runtime._diagnosis.jumps.step_search import refine_epochs
from insar_runtime._diagnosis.noise.noise_model import NoiseKind

KIND = NoiseKind(0.6, 0.3, 0.1)
Floats = NDArray[np.float64]


def test_gains_equal_those_of_least_squares() -> None:
    days = np.cumsum(np.random.default_rng(11).choice([6.0, 12.0, 18.0], 20))
    covariance = KIND.covariance(days)
    line = np.stack([np.ones(20), days / 365], axis=1)
    precision = restricted_precision(covariance, line).matrix
    basis = StepBasis.of(gram_matrix(precision)[None], 18, 0.0)
    values = np.random.default_rng(12).normal(size=(4, 20)).astype(np.float32)
    index, half = np.arange(20), np.linalg.inv(np.linalg.cholesky(covariance))

    def gain(*columns: NDArray[np.bool_]) -> Floats:
        left = []
        for design in (line, np.column_stack([line, *columns])):
            fit = np.linalg.lstsq(half @ design, half @ values.T.astype(np.float64), rcond=None)[0]
            left.append(((half @ (values.T - design @ fit)) ** 2).sum(axis=0))
        return np.asarray(left[0] - left[1])

    kind = np.zeros(4, dtype=np.int64)
    projections = StepProjections(basis, kind, project_rows(values, projection_matrix(precision)[None], kind))
    single = np.array([gain(index >= first) for first in range(3, 18)])
    place, best = best_step(projections)
    np.testing.assert_array_equal(place, 3 + single.argmax(axis=0))
    np.testing.assert_allclose(best, single.max(axis=0), rtol=1e-3)
    pairs = [
        (first, last) for first in range(3, 18) for last in range(first + 3, 18) if last - first not in (9, 11, 13)
    ]
    boxes = np.array([gain((index >= first) & (index < last)) for first, last in pairs])
    first, last, best = best_box(projections)
    assert [tuple(pair) for pair in np.stack([first, last], axis=1)] == [pairs[place] for place in boxes.argmax(axis=0)]
    np.testing.assert_allclose(best, boxes.max(axis=0), rtol=1e-3)
    epochs = np.full((4, MOST_STEPS), 20)
    epochs[:, :3] = [5, 10, 16]
    three = fit_steps(projections, epochs)
    np.testing.assert_allclose(three.fall, gain(*(index >= epoch for epoch in (5, 10, 16))), rtol=1e-3)
    assert (refine_epochs(projections, three).fall >= three.fall).all()
