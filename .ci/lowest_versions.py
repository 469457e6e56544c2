"""Print constraints.txt with the lowest versions that pyproject.toml allows of what the package itself needs."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEED_MORE = ("pandas",)
"""Packages of the tests whose pinned versions need higher versions than the lowest: they get the newest that fits."""


def lowest_versions(project: str, constraints: str) -> str:
    """Return constraints in which the run-time dependencies of a project have their lowest versions.

    Parameters
    ----------
    project : str
        Text of a ``pyproject.toml``, whose dependencies are of the form ``name>=version``.
    constraints : str
        Text of a ``constraints.txt``.

    Raises
    ------
    ValueError
        If a dependency has another form.
    """
    floors = {}
    for dependency in tomllib.loads(project)["project"]["dependencies"]:
        found = re.fullmatch(r"([\w-]+)>=([\d.]+)", dependency)
        if found is None:
            raise ValueError(f"{dependency!r} is not of the form name>=version")
        floors[found[1]] = found[2]
    others = [line for line in constraints.splitlines() if line.partition("==")[0] not in (*floors, *NEED_MORE)]
    return "\n".join([*others, *(f"{name}=={version}" for name, version in floors.items())]) + "\n"


if __name__ == "__main__":
    read = [(ROOT / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "constraints.txt")]
    sys.stdout.write(lowest_versions(*read))
