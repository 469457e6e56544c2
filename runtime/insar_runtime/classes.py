"""The five trend classes of the seed paper and the states of a row."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class TrendClass(IntEnum):
    """Trend shown by a displacement time series; ids and order are the seed paper's.

    Mirmazloumi et al., "InSAR deformation time series classification using a convolutional neural
    network", ISPRS Archives, 2022.
    """

    STABLE = 0
    """No deformation, random variations only."""
    LINEAR = 1
    """Constant rate."""
    QUADRATIC = 2
    """Constant acceleration."""
    BILINEAR = 3
    """Two rates, one break."""
    PUE = 4
    """Phase unwrapping error: abrupt jumps of about n half wavelengths, lasting or temporary."""


CLASS_NAMES: Final = ("Stable", "Linear", "Quadratic", "Bilinear", "PUE")
"""Names of the classes in the order of their ids."""

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
