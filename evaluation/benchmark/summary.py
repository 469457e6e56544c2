"""Table of the benchmark in the project's README."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_CONTESTANTS: Final = {
    "trend-net int8": "**trend-net**, int8",
    "trend-net fp32": "the same, fp32",
    "trend-net-simulated int8": "the same network, simulated noise alone, int8",
    "paper-cnn": "paper-cnn, taught here",
    "paper-cnn, 5000 series": "paper-cnn, taught with 5000 series as in the paper",
    "glsbic-oracle": "least squares + BIC, told the true noise",
    "glsbic": "least squares + BIC, noise estimated",
    "ps-time": "tests of PS-Time (Berti et al. 2013)",
    "EGMSpy rules": "EGMSpy's published thresholds (Catani et al. 2026)",
    "minirocket": "MiniRocket + ridge",
    "forest": "random forest on statistics",
    "dense": "dense network",
}
_GROUPS: Final = ("named", "grid", "tested files", "tested files, damped")


def readme_table(benchmark: Mapping[str, Any]) -> str:
    """Return the table of the README in Markdown.

    Parameters
    ----------
    benchmark : mapping
        What ``evaluation.benchmark.record.to_dict`` returns.
    """
    lines = [
        "| | learned from | nine kinds | plain noise | real noise | real noise, errors damped | series/s/core |",
        "|---|---|---|---|---|---|---|",
    ]
    contestants = benchmark["contestants"]
    for name, words in _CONTESTANTS.items():
        if name not in contestants:
            continue
        contestant = contestants[name]
        accuracies = (contestant["groups"].get(group) for group in _GROUPS)
        cells = ["-" if found is None else f"{100 * found['accuracy']:.1f}" for found in accuracies]
        speed = contestant["series_per_second_and_core"]
        lines.append(f"| {words} | {_lessons(contestant)} | {' | '.join(cells)} | {_round(speed)} |")
    return "\n".join(lines)


def _lessons(contestant: Mapping[str, Any]) -> str:
    """Return the number of series at the beginning of the text, if there is one."""
    first, *_ = contestant["learned from"].split()
    return f"{int(first):,}".replace(",", " ") if first.isdigit() else "-"


def _round(speed: float) -> str:
    """Return a number with two significant digits."""
    return f"{float(f'{speed:.2g}'):,.0f}".replace(",", " ")
