"""Forge JSON: other types, depths, sizes, missing keys; texts that would harm a page or a terminal."""

from __future__ import annotations

import copy
import json
from typing import Any, Final

import numpy as np

from hostile.chance import pick

SCRIPT: Final = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
"""Would run in a page that does not escape it."""
_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    1e308,
    float("nan"),
    float("inf"),
    10**400,
    "",
    "text",
    SCRIPT,
    "\x1b[31m\x07",
    "x" * 100_000,
    "\ud800",
    [],
    {},
    [None],
    [[]],
    {"a": {"b": {"c": []}}},
    ["2020-01-01"] * 3,
    [1, "a", None],
)
_TEXTS: Final = (
    "",
    "null",
    "[]",
    "{}",
    '"text"',
    "1",
    "{",
    "[" * 200_000,
    '{"a":' * 50_000,
    "[1e999999]",
    "{" + '"k": 1,' * 100 + "}",
    "\x00",
    "NaN",
)


def forge(rng: np.random.Generator, value: Any) -> tuple[str, str]:
    """Return the text of a forged JSON value, and what was done.

    Parameters
    ----------
    rng : numpy.random.Generator
    value : Any
        As it was.
    """
    if rng.random() < 0.15:
        text = pick(rng, _TEXTS)
        return text, f"whole text {text[:12]!a}"
    forged = copy.deepcopy(value)
    done = []
    for _ in range(pick(rng, (1, 1, 1, 2, 4))):
        path = _path(rng, forged)
        if not path or rng.random() < 0.05:
            forged = copy.deepcopy(pick(rng, _VALUES))
            done.append("all replaced")
            break
        done.append(f"{'.'.join(map(str, path))} {_change(rng, forged, path)}")
    return json.dumps(forged), "; ".join(done)


def _path(rng: np.random.Generator, value: Any) -> tuple[str | int, ...]:
    """Return the way to a random part of a value; each part of one level is as likely as any other, however large."""
    steps: list[str | int] = []
    while isinstance(value, (dict, list)) and value and (not steps or rng.random() < 0.6):
        keys: list[str | int] = list(value) if isinstance(value, dict) else list(range(min(len(value), 3)))
        steps.append(pick(rng, keys))
        value = value[steps[-1]]  # type: ignore[index]
    return tuple(steps)


def _change(rng: np.random.Generator, value: Any, path: tuple[str | int, ...]) -> str:
    """Change a part in place, and return what was done."""
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    last = path[-1]
    how = rng.random()
    if how < 0.2:
        del holder[last]
        return "missing"
    if how < 0.3 and isinstance(holder, dict):
        holder[pick(rng, (SCRIPT, "", "\x1b[2J", "x" * 10_000))] = holder.pop(last)
        return "under another name"
    if how < 0.4:
        deep: Any = holder[last]
        for _ in range(pick(rng, (1, 50, 900))):
            deep = [deep]
        holder[last] = deep
        return "nested"
    if how < 0.5 and isinstance(holder[last], list):
        holder[last] = holder[last] * pick(rng, (0, 2, 10_000 // max(len(holder[last]), 1)))
        return "of another length"
    holder[last] = copy.deepcopy(pick(rng, _VALUES))
    return f"is {json.dumps(holder[last])[:20]}"
