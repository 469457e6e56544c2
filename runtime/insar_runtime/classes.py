"""The six trend classes and the states of a row. The numbers that bound the classes are in ``definitions``."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class TrendClass(IntEnum):
    """Trend shown by a displacement time series; the first five, their ids and their order are the seed paper's.

    Mirmazloumi et al., "InSAR deformation time series classification using a convolutional neural
    network", ISPRS Archives, 2022. ``OTHER`` is ours. An annual cycle, coloured noise, single bad epochs and gaps
    belong to no class: a series of any class may have them.
    """

    STABLE = 0
    """No deformation beyond noise: a rate below ``definitions.STABLE_RATE_MM_YR``, no jump and no bend."""
    LINEAR = 1
    """One constant rate of ``definitions.STABLE_RATE_MM_YR`` or more, whatever the span."""
    QUADRATIC = 2
    """Constant acceleration: the motion departs from its best line by the noise or more, without a corner."""
    BILINEAR = 3
    """Two rates and one break, which lies within ``definitions.BREAK_SHARE`` of the span."""
    PUE = 4
    """Phase unwrapping error: abrupt jumps of ``definitions.JUMP_MM`` or more, lasting or temporary, one or several."""
    OTHER = 5
    """A motion that none of the five describes: several bends, transients, late or early breaks, small steps."""


CLASS_NAMES: Final = ("Stable", "Linear", "Quadratic", "Bilinear", "PUE", "Other")
"""Names of the classes in the order of their ids."""

SEED_CLASS_NAMES: Final = CLASS_NAMES[:5]
"""The classes of the seed paper, which ``paper-cnn`` and models of version 1 know."""

NO_CLASS: Final = -1
"""``class_id`` of a row without a class."""


class RowStatus(IntEnum):
    """Why a row has, or has not, a class. The names in lower case are what tables show."""

    OK = 0
    ABSTAINED = 1
    """The most probable class is not probable enough."""
    TOO_FEW_EPOCHS = 2
    """Fewer valid epochs than the model needs."""
    GAP_TOO_LONG = 3
    """Two neighbouring valid epochs lie further apart than the model was made for."""
    NON_FINITE = 4
    """The row holds an infinite value."""
    OUT_OF_DOMAIN = 5
    """The values lie outside what the model was made for."""


STATUS_NAMES: Final = tuple(status.name.lower() for status in RowStatus)
"""Names of the states in the order of their ids."""
