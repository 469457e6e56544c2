"""Random numbers of a case: they depend on the seed, the command and the number of the case alone."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Choice = TypeVar("Choice")


def case_generator(seed: int, command: str, number: int) -> np.random.Generator:
    """Return the generator of one case."""
    return np.random.default_rng([seed, zlib.crc32(command.encode()), number])


def pick(rng: np.random.Generator, choices: Sequence[Choice]) -> Choice:
    """Return one of some things, all equally likely."""
    return choices[int(rng.integers(len(choices)))]


def happens(rng: np.random.Generator, probability: float) -> bool:
    """Return True with a probability."""
    return bool(rng.random() < probability)
