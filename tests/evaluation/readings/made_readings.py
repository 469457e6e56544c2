"""Read rows made by hand, for tests of scores."""

from __future__ import annotations

import numpy as np

from training.labelled_rows.codes import NO_READING, SPLIT
from training.labelled_rows.labels import Readings


def made_readings(*votes: tuple[int, ...], rate: float = 0.0) -> Readings:
    """Return readings of rows of one file from what their two or three readers said."""
    given = np.array([(*row, NO_READING)[:3] for row in votes], dtype=np.int8)
    counts = np.stack([(given == place).sum(axis=1) for place in range(6)], axis=1)
    label = np.where(counts.max(axis=1) > 1, counts.argmax(axis=1), SPLIT).astype(np.int8)
    rows = np.arange(len(votes))
    sure = np.where(given == NO_READING, 0, 3).astype(np.int8)
    return Readings(
        np.full(len(votes), "here/one.csv"), rows, rows.astype(str), label, given, sure, np.full(len(votes), rate)
    )
