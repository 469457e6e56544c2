"""Rules of the scores on labelled rows."""

from __future__ import annotations

from typing import Final

from insar_runtime import classes

SEED_CLASSES: Final = classes.SEED_CLASS_NAMES
"""The five classes of the seed paper, in the order of their ids."""
COARSE_CLASSES: Final = ("Stable", "Linear", "Quadratic or Bilinear", "PUE")
"""The five classes with Quadratic and Bilinear as one class."""
NO_ANSWER: Final = -1
"""Class of a row without a result, for example outside the limits of the classifier."""

EITHER_RATE_MM_YR: Final = (1.25, 2.25)
"""For absolute rates between these, both Stable and Linear are correct for a row labelled Stable or Linear.

Readers put the limit between 1.4 and 2.2 mm/yr, and differ.
"""

ABSTAIN_BELOW: Final = 0.6
"""Confidence below which there is no class, for a classifier without its own threshold."""

CALIBRATION_BINS: Final = 15
"""Number of bins of confidence of the expected calibration error and of the reliability curve, as in
``training.metrics``."""

BOOTSTRAPS: Final = 1000
"""Number of bootstrap samples of the 95 % intervals of mean recalls and AUROCs."""
BOOTSTRAP_SEED: Final = 2026
