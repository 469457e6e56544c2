"""The logger of the package, silent until a program sets up ``logging``."""

from __future__ import annotations

import logging
from functools import cache
from typing import Final

NAME: Final = "insar_runtime"


@cache
def logger() -> logging.Logger:
    """Return the one logger of the package.

    Its handler of no effect keeps Python from writing warnings to standard error where no program asked for them.
    """
    found = logging.getLogger(NAME)
    found.addHandler(logging.NullHandler())
    return found
