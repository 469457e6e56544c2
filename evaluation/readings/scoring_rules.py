"""Settings of the scores on labelled rows."""

from __future__ import annotations

from typing import Final

from insar_runtime import classes

SEED_CLASSES: Final = classes.SEED_CLASS_NAMES
"""The five classes of the seed paper, in the order of their ids."""
COARSE_CLASSES: Final = ("Stable", "Linear", "Quadratic or Bilinear", "PUE")
"""The five with the two curved ones taken together."""
NO_ANSWER: Final = -1
"""Class of a row that a classifier gives none, such as one that its limits exclude."""

EITHER_RATE_MM_YR: Final = (1.25, 2.25)
"""Between these rates, in absolute value, Stable and Linear both count as right for a row read as one of the two.

Readers draw the line at 1.4 to 2.2 mm/yr, and differ there.
"""

ABSTAIN_BELOW: Final = 0.6
"""Confidence below which a classifier without a threshold of its own gives no class."""

CALIBRATION_BINS: Final = 15
"""Bins of confidence of the expected calibration error and the curve of reliability, as in ``training.metrics``."""

BOOTSTRAPS: Final = 1000
"""Samples of rows, drawn with replacement within each class, behind 95 % intervals of mean recalls and AUROCs."""
BOOTSTRAP_SEED: Final = 2026
