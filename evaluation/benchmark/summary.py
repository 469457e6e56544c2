"""Table of the benchmark in ``docs/accuracy.md``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_CONTESTANTS: Final = {
    "trend-net int8": "**trend-net**, int8",
    "trend-net fp32": "the same, fp32",
    "trend-net-simulated int8": "the same network, trained on simulated noise only, int8",
    "paper-cnn": "paper-cnn, trained by the benchmark",
    "paper-cnn, 5000 series": "paper-cnn, trained on 5000 series as in the paper",
    "glsbic-oracle": "least squares + BIC, true noise known",
    "glsbic": "least squares + BIC, noise estimated",
    "ps-time": "tests of PS-Time (Berti et al. 2013)",
    "EGMSpy rules": "published thresholds of EGMSpy (Catani et al. 2026)",
    "minirocket": "MiniRocket + ridge",
    "forest": "random forest on statistical features",
    "dense": "dense network",
}
_GROUPS: Final = ("named", "grid", "tested files", "tested files, damped")


def readme_table(benchmark: Mapping[str, Any]) -> str:
    """Return the table in Markdown.

    Parameters
    ----------
    benchmark : mapping
        Result of ``evaluation.benchmark.record.to_dict``.
    """
    lines = [
        "| | training series | nine kinds | plain noise | real noise | real noise, errors damped | series/s/core |",
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
        lines.append(f"| {words} | {_training_series(contestant)} | {' | '.join(cells)} | {_round(speed)} |")
    return "\n".join(lines)


def _training_series(contestant: Mapping[str, Any]) -> str:
    """Return the number of training series, which the description begins with; "-" without training."""
    first, *_ = contestant["trained on"].split()
    return f"{int(first):,}".replace(",", " ") if first.isdigit() else "-"


def _round(speed: float) -> str:
    """Return a number with two significant digits."""
    return f"{float(f'{speed:.2g}'):,.0f}".replace(",", " ")
