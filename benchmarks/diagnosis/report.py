"""Report of the speed of the diagnosis: all numbers as JSON, and Markdown tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.speed.summary import table

_LEAST: Final = {"rates": 150_000, "breaks": 10_000, "jumps": 10_000}
_MOST_RATIO: Final = 1.5
"""Goals: series per second and core of each fit, and ratio of the CPU times of ``classify`` with and without
``--diagnose``."""


def write(facts: dict[str, Any], folder: Path) -> None:
    """Write ``speed.json`` and ``speed.md`` into a folder, which is created if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "speed.json").write_text(json.dumps(facts, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    (folder / "speed.md").write_text(markdown(facts), encoding="utf-8")


def markdown(facts: dict[str, Any]) -> str:
    """Return the numbers of ``speed.json`` as Markdown tables."""
    return "\n".join([*_head(facts), *_fits(facts), *_files(facts["file"])]).rstrip("\n") + "\n"


def _head(facts: dict[str, Any]) -> Iterator[str]:
    yield "# Speed of the diagnosis"
    yield ""
    yield f"Written by `python -m benchmarks.diagnosis` on {facts['date']}, {facts['hardware']};"
    yield f"all numbers are in `speed.json`. Series of {facts['epochs']} epochs; methods run in turns; medians."
    yield ""


def _fits(facts: dict[str, Any]) -> Iterator[str]:
    yield "## Fits, one core"
    yield ""
    yield "Rates of all series, breaks of Bilinear series, jumps of PUE series. The other methods fit single series:"
    yield "the three models of EGMS with scipy; a bilinear fit with one `curve_fit`, or with a break at each epoch;"
    yield "steps added one by one. GLS has a dense covariance per series and fits every hinge or step. None of them"
    yield "returns intervals of dates, probabilities, cycles or temporary jumps, or estimates the noise model of a row."
    yield ""
    rows = []
    for name, pace in facts["fits"].items():
        what, _, rival = name.partition(", ")
        own = facts["fits"][what]["per_core_second"]
        wanted = f"{_LEAST[what]:,}" if not rival else ""
        met = "" if rival else "met" if pace["per_core_second"] >= _LEAST[what] else "**missed**"
        times = f"{own / pace['per_core_second']:,.0f}" if rival else ""
        label = name if rival else f"**{name}, ours**"
        rows.append((label, f"{_about(pace['per_core_second'])}", times, wanted, met))
    yield from table(("", "series per second and core", "times slower", "goal", ""), rows)


def _files(facts: dict[str, Any]) -> Iterator[str]:
    yield "## Whole files"
    yield ""
    share = f"{100 * facts['flagged']:.0f} %"
    yield f"{facts['rows']:,} series as wide Parquet, {share} of them Bilinear or PUE; from start to exit. Ratios"
    yield "are to the time of `classify` without diagnosis."
    yield ""
    rows = []
    for cores, runs in facts["runs"].items():
        plain = runs["classify"]
        for name, run in runs.items():
            # CPU time, because other load on the machine hardly affects it.
            ratio = run["cpu_seconds"] / plain["cpu_seconds"]
            judged = name == "classify --diagnose"
            met = ("met" if ratio <= _MOST_RATIO else "**missed**") if judged else ""
            rows.append(
                (
                    f"{name}, {cores} {'core' if cores == '1' else 'cores'}",
                    f"{run['seconds']:.2f} s",
                    f"{_about(facts['rows'] / run['seconds'])} series/s",
                    f"{run['peak_mb']:.0f} MB",
                    f"{run['seconds'] / plain['seconds']:.2f}",
                    f"{ratio:.2f}",
                    f"{_MOST_RATIO:g}" if judged else "",
                    met,
                )
            )
    yield from table(("", "time", "speed", "memory", "time ratio", "CPU time ratio", "goal, at most", ""), rows)


def _about(number: float) -> str:
    """Return a number rounded to three digits."""
    return f"{float(f'{number:.3g}'):,.0f}"
