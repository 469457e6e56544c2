"""Tables of the pages that are generated from the records of measurements and from the definitions of the classes.

``python docs/tables.py`` writes them into the pages; the tests fail if a page does not show its table. A table stands
between ``<!-- NAME table -->`` and ``<!-- end of the table -->``.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
ARTIFACTS: Final = ROOT / "artifacts"

READINGS_ROWS: Final = {
    "left-out": "`trend-net` {version}, trained without the file, int8",
    "trend-net-1.2.0-int8": "`trend-net` 1.2.0, trained without labelled rows",
    "EGMSpy rules": "rules of EGMSpy",
    "a further reader": "a further reader",
}
"""Rows of ``artifacts/readings/scores.md`` that are shown, and what the page calls them."""

PRIORS_ROWS: Final = {
    "trained": "of the training (`--priors trained`)",
    "estimated, undamped": "the most likely one, with all of its weight (`auto` before)",
    "estimated, exponent 0.25": "**the default (`auto`): the estimate to a quarter**",
    "estimated, exponent 0.5": "the estimate to a half",
    "estimated, least share 2 %": "estimated, no class below 2 %",
    "estimated, temperature 2": "estimated, of probabilities with temperature 2",
    "estimated, Dirichlet 0.6": "estimated, with a Dirichlet prior of 60 % of the weight",
    "fixed, 60 % Stable": "always 60 % Stable",
    "fixed, 80 % Stable": "always 80 % Stable",
    "estimated, exponent 0.25, from the first tenth of each file": "the default, from the first tenth of each file",
    "trained, no class below 0.5": "of the training, with `--abstain-below 0.5`",
    "estimated, exponent 0.25, no class below 0.5": "the default, with `--abstain-below 0.5`",
}
"""Rules of ``artifacts/priors/priors.json`` that are shown, and what the page calls them."""

DIAGNOSIS_ROWS: Final = {
    "breaks inside their interval of 90 %": ("true break dates within the 90 % interval", "{:.1%}"),
    "median error of the date at 3 sigmas, epochs": (
        "median error of the break date, for breaks that depart by 3 sigmas",
        "{:.1f} epochs",
    ),
    "variance of the normalised error of v_before": (
        "variance of the errors of `v_before`, divided by their standard deviations",
        "{:.2f}",
    ),
    "variance of the normalised error of v_after": ("the same of `v_after`", "{:.2f}"),
    "recall of jumps": ("jumps of whole cycles that are detected within one epoch (recall)", "{:.1%}"),
    "precision of jumps": ("reported jumps of whole cycles that are correct (precision)", "{:.1%}"),
    "cycles right": ("jumps with the correct number of cycles", "{:.1%}"),
    "recall of damped jumps of 10 to 20 mm": ("recall of jumps of 10 to 20 mm", "{:.1%}"),
    "recall of damped jumps of 10 to 20 mm and 3 to 5 epochs": ("the same, of 3 to 5 epochs", "{:.1%}"),
    "precision of damped jumps": ("precision of damped jumps", "{:.1%}"),
    "RMS error before repair over that after": (
        "RMS error of series with jumps: ratio of before to after the repair",
        "{:.1f}",
    ),
    "series without a jump that are changed": ("series without a jump that are changed", "{:.2%}"),
}
"""Measures of ``artifacts/diagnosis/metrics.json`` that are shown, what the page calls them, and their format."""


def benchmark_table() -> str:
    """Return the table of all contestants, as ``python -m evaluation benchmark`` writes it."""
    return (ARTIFACTS / "benchmark" / "summary.md").read_text(encoding="utf-8")


def speed_table() -> str:
    """Return the table of speeds, as ``python -m benchmarks.speed`` writes it."""
    return (ARTIFACTS / "speed" / "summary.md").read_text(encoding="utf-8")


def cost_table() -> str:
    """Return the table of core-hours, as ``python -m benchmarks.speed`` writes it."""
    return (ARTIFACTS / "speed" / "cost.md").read_text(encoding="utf-8")


def readings_table() -> str:
    """Return accuracy, mean recall and recall of PUE on labelled rows, from ``python -m evaluation readings``."""
    lines = (ARTIFACTS / "readings" / "scores.md").read_text(encoding="utf-8").splitlines()
    table = [
        "| | accuracy, % | mean recall, % | PUE recall, % | five-class accuracy (Other excluded), % |",
        "|---|---|---|---|---|",
    ]
    version = json.loads((ARTIFACTS / "readings" / "left-out.json").read_text(encoding="utf-8"))["version"]
    for name, label in READINGS_ROWS.items():
        row = next(line for line in lines if line.startswith(f"| {name} |"))
        cells = [cell.strip() for cell in row.split("|")]
        table.append(f"| {label.format(version=version)} | {cells[2]} | {cells[4]} | {cells[9]} | {cells[12]} |")
    return "\n".join(table) + "\n"


def diagnosis_table() -> str:
    """Return the measures of the diagnosis, as ``python -m evaluation diagnosis`` has recorded them."""
    goals = json.loads((ARTIFACTS / "diagnosis" / "metrics.json").read_text(encoding="utf-8"))["goals"]
    found = {goal["what"]: goal["found"] for goal in goals}
    table = ["| | simulated noise | noise of real files |", "|---|---|---|"]
    for what, (label, form) in DIAGNOSIS_ROWS.items():
        values = (form.format(found[f"{what}, {noise}"]).replace("%", " %") for noise in ("simulated", "semi-real"))
        table.append(f"| {label} | {' | '.join(values)} |")
    return "\n".join(table) + "\n"


RECENT_ROWS: Final = {"**simulated**": "simulated noise", "**semi-real**": "noise of real files"}
RECENT_KINDS: Final = {
    "line": "a line",
    "acceleration": "constant acceleration",
    "earlier break": "an earlier break",
    "with jumps": "jumps that are found",
}
"""Rows and columns of ``artifacts/recent/recent.json`` that are shown, and what the page calls them."""


def recent_table() -> str:
    """Return the shares of unchanged series above 0.95, as ``python -m evaluation recent`` has recorded them."""
    together = _recent()["together"]
    table = [f"| | {' | '.join(RECENT_KINDS.values())} |", "|" + "---|" * (1 + len(RECENT_KINDS))]
    for name, label in RECENT_ROWS.items():
        table.append(f"| {label} | {' | '.join(f'{100 * together[name][kind]:.1f}' for kind in RECENT_KINDS)} |")
    return "\n".join(table) + "\n"


def power_table() -> str:
    """Return the change of rate found in 90 % of the series, as ``python -m evaluation recent`` has recorded it."""
    rows: dict[tuple[str, float], dict[int, list[str]]] = {}
    for one in _recent()["power"]:
        cells = rows.setdefault((one["noise"], one["every_days"]), {})
        cells.setdefault(one["window_days"], []).append(f"{one['found_in_90_percent_mm_yr']:.2g}")
    windows = list(next(iter(rows.values())))
    head = [f"last {days} days" for days in windows]
    table = [f"| noise | every | {' | '.join(head)} |", "|" + "---|" * (2 + len(head))]
    for (noise, every), cells in rows.items():
        table.append(f"| {noise} | {every:g} days | {' | '.join(' / '.join(cells[days]) for days in windows)} |")
    return "\n".join(table) + "\n"


def rule_table() -> str:
    """Return recall and false alarms beside the published rule, from ``python -m evaluation recent``."""
    rule = _recent()["rule"]
    table = ["| | recall | false alarms of the rule | of the diagnosis |", "|---|---|---|---|"]
    for name in ("simulated", "semi-real"):
        for reading in ("two lines", "lines that meet"):
            found = rule[name][reading]
            cells = (found[key] for key in ("recall", "false_alarms", "false_alarms_of_diagnosis"))
            label = f"{RECENT_ROWS[f'**{name}**']}, {reading}"
            table.append(f"| {label} | {' | '.join(f'{100 * cell:.1f}' for cell in cells)} |")
    return "\n".join(table) + "\n"


def _recent() -> Any:
    return json.loads((ARTIFACTS / "recent" / "recent.json").read_text(encoding="utf-8"))


def priors_table() -> str:
    """Return the errors under each mix of classes, as ``python -m evaluation priors`` has recorded them."""
    rules = json.loads((ARTIFACTS / "priors" / "priors.json").read_text(encoding="utf-8"))["rules"]
    table = [
        "| mix of classes | still rows with a moving class / none, % | moving rows called Stable / without a class, % "
        "| cost on whole files | at 80 / 95 / 99 % Stable | known motions, 80 / 95 / 99 % Stable |",
        "|---|---|---|---|---|---|",
    ]
    for name, label in PRIORS_ROWS.items():
        found = rules[name]
        whole = found["whole files"]
        cells = [
            f"{100 * whole['false_alarms']:.1f} / {100 * whole['still_without_class']:.1f}",
            f"{100 * whole['called_stable']:.1f} / {100 * whole['moving_without_class']:.1f}",
            f"{100 * whole['cost']:.1f}",
        ]
        for kind in ("read", "known"):
            mixtures = [found.get(f"{kind} rows, {still}% Stable, 20000 rows") for still in (80, 95, 99)]
            cells.append(" / ".join("-" if one is None else f"{100 * one['cost']:.1f}" for one in mixtures))
        table.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(table) + "\n"


def churn_table() -> str:
    """Return how much releases of points differ whose motion does not change."""
    return (ARTIFACTS / "releases" / "churn.md").read_text(encoding="utf-8").split("\n\n")[0] + "\n"


def found_table() -> str:
    """Return the true changes of rate that the rules of alerts find."""
    return (ARTIFACTS / "releases" / "churn.md").read_text(encoding="utf-8").split("\n\n")[1]


def neighbours_table() -> str:
    """Return what local priors change, as ``python -m evaluation places local`` has recorded it."""
    scenes = json.loads((ARTIFACTS / "places" / "local.json").read_text(encoding="utf-8"))["scenes"]
    table = [
        "| scene | points | false moving points | points of areas called moving, % "
        "| clear lone movers with their class, % | PUE with its class, % |",
        "|---|---|---|---|---|---|",
    ]
    for name, scene in scenes.items():
        before, after = scene["file"], scene["local"]
        cells = [f"{scene['points']:,}", f"{before['false moving']:,} → {after['false moving']:,}"]
        for key in ("points of areas found", "clear lone movers with their class", "PUE with its class"):
            shares = (one[key] for one in (before, after))
            cells.append(" → ".join("-" if share is None else f"{100 * share:.1f}" for share in shares))
        table.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(table) + "\n"


def jump_kinds_table() -> str:
    """Return how often the kind of a jump is right, as ``python -m evaluation places local`` has recorded it."""
    scenes = json.loads((ARTIFACTS / "places" / "local.json").read_text(encoding="utf-8"))["jumps"]
    errors = {"none": "no error of its own", "point": "an error of its own", "shared": "one that neighbours share"}
    table = ["| scene | what is true | `point` | `shared` | `file` | null |", "|---|---|---|---|---|---|"]
    for name, scene in scenes.items():
        for truth, kinds in scene["by truth"].items():
            table.append(f"| {name} | {errors[truth]} | {' | '.join(f'{count:,}' for count in kinds.values())} |")
    return "\n".join(table) + "\n"


def areas_table() -> str:
    """Return how well areas are found, as ``python -m evaluation places areas`` has recorded it."""
    return (ARTIFACTS / "places" / "areas.md").read_text(encoding="utf-8")


def class_table() -> str:
    """Return the meaning of each class, from ``insar_runtime.definitions``."""
    from insar_runtime.class_meanings import describe_classes  # noqa: PLC0415 - needs the package

    rows = "".join(f"| {name} | {meaning} |\n" for name, meaning in describe_classes().items())
    return f"| class | meaning |\n|---|---|\n{rows}"


def join_table() -> str:
    """Return the comparison of joined files with those that they were cut from."""
    return (ARTIFACTS / "releases" / "join.md").read_text(encoding="utf-8").split("\n\n")[0] + "\n"


def step_table() -> str:
    """Return what a common step at a join does to the classes."""
    return (ARTIFACTS / "releases" / "join.md").read_text(encoding="utf-8").split("\n\n")[1]


TABLES: Final[Mapping[tuple[str, str], Callable[[], str]]] = {
    ("docs/accuracy.md", "readings"): readings_table,
    ("docs/accuracy.md", "benchmark"): benchmark_table,
    ("docs/accuracy.md", "priors"): priors_table,
    ("docs/speed.md", "speed"): speed_table,
    ("docs/cost.md", "cost"): cost_table,
    ("docs/diagnosis.md", "diagnosis"): diagnosis_table,
    ("docs/diagnosis.md", "recent"): recent_table,
    ("docs/diagnosis.md", "power"): power_table,
    ("docs/diagnosis.md", "rule"): rule_table,
    ("docs/neighbours.md", "neighbours"): neighbours_table,
    ("docs/neighbours.md", "jump kinds"): jump_kinds_table,
    ("docs/outputs.md", "class"): class_table,
    ("docs/areas.md", "areas"): areas_table,
    ("docs/releases.md", "join"): join_table,
    ("docs/releases.md", "step"): step_table,
    ("docs/releases.md", "churn"): churn_table,
    ("docs/releases.md", "found"): found_table,
}
"""Page and name of each table, and the function that returns it."""


def with_table(text: str, name: str, table: str) -> str:
    """Return the text of a page with the table of this name replaced.

    Raises
    ------
    ValueError
        If the page does not have exactly one table of this name.
    """
    pattern = rf"(<!-- {name} table -->\n).*?(<!-- end of the table -->)"
    replaced, count = re.subn(pattern, lambda found: found[1] + table + found[2], text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{count} tables are marked <!-- {name} table -->; mark one")
    return replaced


def main() -> None:
    """Write all tables into their pages."""
    for (page, name), table in TABLES.items():
        path = ROOT / page
        path.write_text(with_table(path.read_text(encoding="utf-8"), name, table()), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "runtime"))
    main()
