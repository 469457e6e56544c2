"""Report of the recent change: all numbers as JSON, and Markdown tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from evaluation.diagnosis.metrics import Numbers
from evaluation.recent.comparison import LIMITS
from evaluation.recent.power import WINDOWS_DAYS
from evaluation.recent.published_rule import READINGS

_KINDS = ("line", "line, above 0.99", "acceleration", "earlier break", "with jumps")


def write_report(numbers: Numbers, folder: Path) -> None:
    """Write ``recent.json`` and ``README.md`` into a folder, which is created if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recent.json").write_text(json.dumps(numbers, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    (folder / "README.md").write_text("\n".join(_lines(numbers)).rstrip("\n") + "\n", encoding="utf-8")


def _lines(numbers: Numbers) -> Iterator[str]:
    yield "# Recent change"
    yield ""
    yield "Written by `python -m evaluation recent`; all numbers are in `recent.json`. Shares are in %."
    yield ""
    yield from _calibration(numbers)
    yield from power_lines(numbers["power"])
    yield ""
    yield from _comparison(numbers["rule"])


def _calibration(numbers: Numbers) -> Iterator[str]:
    yield "## Series that go on as before"
    yield ""
    yield f"Share with `recent_change_prob` above 0.95 (window: {numbers['facts']['recent_days']} days), of series with"
    yield "a line, with a constant acceleration, with a break at least one window older than the window, and with jumps"
    yield "that are found. Simulated noise, and residuals of quiet rows of real files. Spread: of the statistic over"
    yield "a sample of the file, by which standard deviations are scaled. Std: median `v_recent_std`. Points: those"
    yield "whose noise the series have, with random signs; of few points, the shares are those of these points."
    yield ""
    yield "| file | points | epochs | scatter, mm | spread | std | " + " | ".join(_KINDS) + " |"
    yield "|" + "---|" * (6 + len(_KINDS))
    for name, one in {**numbers["files"], **numbers["together"]}.items():
        facts = [
            _number(one.get(key)) for key in ("points", "epochs", "scatter_mm", "recent_spread", "recent_std_mm_yr")
        ]
        yield f"| {name} | " + " | ".join([*facts, *(_percent(one[kind]) for kind in _KINDS)]) + " |"
    yield ""


def power_lines(power: Sequence[Numbers]) -> Iterator[str]:
    """Yield the table of the changes that are found in nine of ten series."""
    yield "## Change of rate that is found in 90 % of the series, mm/yr"
    yield ""
    yield "`recent_change_prob` above 0.95; files of five years. Typical noise is half white, a quarter with a time"
    yield "constant of 12 days, a quarter with one of 150 days; slow noise has 60 % of these. In brackets: the share"
    yield "of unchanged series above 0.95."
    yield ""
    yield from power_table(power)


def power_table(power: Sequence[Numbers]) -> list[str]:
    """Return the table of the changes that are found in nine of ten series, without words."""
    windows = [f"last {days} days" for days in WINDOWS_DAYS]
    lines = ["| noise | scatter, mm | every | " + " | ".join(windows) + " |", "|" + "---|" * (3 + len(windows))]
    rows: dict[tuple[str, float, float], dict[int, Numbers]] = {}
    for one in power:
        rows.setdefault((one["noise"], one["scatter_mm"], one["every_days"]), {})[one["window_days"]] = one
    for (noise, scatter, every), found in rows.items():
        cells = [
            f"{_number(found[days]['found_in_90_percent_mm_yr'])} ({_percent(found[days]['unchanged_above'])} %)"
            for days in WINDOWS_DAYS
        ]
        lines.append(f"| {noise} | {scatter:g} | {every:g} days | " + " | ".join(cells) + " |")
    return lines


def _comparison(rule: Numbers) -> Iterator[str]:
    yield "## Beside the published rule"
    yield ""
    yield "Rule: a change of rate above 10 mm/yr within the last 150 days (Raspini et al., Scientific Reports 8:7253,"
    yield "2018), with two lines of their own, or lines that meet. Same series, same window; recall of changes above"
    yield "10 mm/yr (log-uniform up to 60 mm/yr), false alarms among unchanged series. *Ours*: at the limit with the"
    yield "recall of the rule."
    yield ""
    yield from rule_table(rule)
    yield ""


def rule_table(rule: Numbers) -> list[str]:
    """Return the table of recall and false alarms, without words."""
    head = ["series"]
    for reading in READINGS:
        head += [f"rule, {reading}: recall", "false alarms", "ours"]
    head += [f"ours above {limit}: recall / false alarms" for limit in LIMITS]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for name, one in rule.items():
        cells = [name]
        for reading in READINGS:
            found = one[reading]
            cells += [_percent(found[key]) for key in ("recall", "false_alarms", "false_alarms_of_diagnosis")]
        for limit in LIMITS:
            found = one[f"above {limit}"]
            cells.append(f"{_percent(found['recall'])} / {_percent(found['false_alarms'])}")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _number(value: float | None) -> str:
    return "-" if value is None else str(value) if isinstance(value, int) else f"{value:.3g}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
