"""Command lines of what needs positions, or changes what is written: drawn by random numbers of their own.

So the other cases of a seed stay what they were before there was such a command.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hostile.chance import happens, pick

POINTS: Final = "points.parquet"
"""Table of the points that ``areas`` writes on request."""
_AREAS: Final = ("areas.gpkg", "areas.parquet", "areas.geojson", "areas.csv")
_OPTIONS: Final[tuple[tuple[str, ...], ...]] = (
    ("--priors", "local"),
    ("--priors", "local", "--neighbour-distance", "100000"),
    ("--diagnose", "--neighbours"),
    ("--diagnose", "--neighbours", "--neighbour-distance", "100000", "--jumps", "all"),
    ("--diagnose", "--repair-above", "0.5", "--jumps", "all"),
    ("--diagnose", "--repair-shared", "--jumps", "all"),
    ("--diagnose", "--recent-days", "90"),
    ("--abstain-below", "0.7"),
    ("--memory-limit", "600M"),
)
"""Of ``classify``; the made points are kilometres apart."""
OTHER_CLASSES: Final = frozenset({"local", "--abstain-below"})
"""Arguments with which classes are others than those of the Python API on the series alone."""


def with_further_option(rng: np.random.Generator, arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command line of ``classify`` with an option more, unless it has one of those already.

    Parameters
    ----------
    rng : numpy.random.Generator
    arguments : tuple of str
    """
    added = pick(rng, _OPTIONS)
    if "--diagnose" in arguments:
        added = tuple(option for option in added if option != "--diagnose")
    return arguments if set(added) & {option for option in arguments if option[:2] == "--"} else (*arguments, *added)


def find_areas(rng: np.random.Generator, name: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return a command line of ``areas``, and what it may write.

    Parameters
    ----------
    rng : numpy.random.Generator
    name : str
        Of the file.
    """
    output = pick(rng, _AREAS)
    arguments, outputs = ["areas", name, "-o", output, "--threads", "1"], {output}
    if happens(rng, 0.4):
        arguments += ["--distance", pick(rng, ("100", "30000", "100000")), "--min-points", pick(rng, ("3", "3", "4"))]
    if happens(rng, 0.5):
        arguments.append("--series")
    if happens(rng, 0.6):
        arguments += ["--points", POINTS]
        outputs.add(POINTS)
    if output == "areas.csv":
        outputs.add(f"{output}.json")
    return tuple(arguments), frozenset(outputs)
