"""Tables of the comparison of rules for the mix of classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

WHOLE: Final = "whole files"
_STILL: Final = (80, 95, 99)
_ROWS: Final = 20_000


def write_report(numbers: Mapping[str, Any], path: Path) -> None:
    """Write all tables as Markdown."""
    lines = [
        "# Rules for the mix of classes",
        "",
        "Written by `python -m evaluation priors`; all numbers are in priors.json. No network was trained on the noise",
        "or on the labels of the file that it is tested on. Shares in % of the still rows, or of the moving ones.",
        "Cost: the mean of both kinds; a row without a class costs half a false alarm or a missed mover.",
        "",
        rule_table(numbers),
        "## Whole files",
        "",
        "Shares in %: Stable / Linear / Quadratic / Bilinear / PUE / Other.",
        "",
        "| file | rows | readers, weighted | rule | mix assumed | classes | no class | mean confidence |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, file in numbers["files"].items():
        for rule, found in file["rules"].items():
            lines.append(
                f"| {name} | {file['rows']} | {_percent(file['readers'])} | {rule} | {_percent(found['mix'])} "
                f"| {_percent(found['classes'])} | {100 * found['no class']:.1f} | {found['mean confidence']:.3f} |"
            )
    chosen = numbers["chosen on other files"]
    lines += [
        "",
        "## Rule chosen on other files",
        "",
        f"Cost on whole files if the rule is chosen on the others: {100 * chosen[WHOLE]['cost']:.1f} %.",
        "",
        "| files left out | rule of least cost on the others |",
        "|---|---|",
        *(f"| {fold} | {rule} |" for fold, rule in chosen["rules"].items()),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def rule_table(numbers: Mapping[str, Any], names: Mapping[str, str] | None = None) -> str:
    """Return the table of rules.

    Parameters
    ----------
    numbers : mapping
        Contents of ``priors.json``.
    names : mapping of str to str, optional
        Rules to show, and what to call them; all by default.
    """
    shown = names or {name: name for name in numbers["rules"]}
    lines = [
        "| mix of classes | false alarms / no class, of still rows | called Stable / no class, of moving rows | cost "
        "| 95 % Stable: false alarms / no class | called Stable / no class | cost at 80 / 95 / 99 % Stable "
        "| known motions: cost at 80 / 95 / 99 % Stable |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, label in shown.items():
        found = numbers["rules"][name]
        cells = [label, _still(found[WHOLE]), _moving(found[WHOLE]), _cost(found[WHOLE])]
        read, known = (
            [found.get(f"{kind} rows, {still}% Stable, {_ROWS} rows") for still in _STILL] for kind in ("read", "known")
        )
        if all(read) and all(known):
            cells += [_still(read[1]), _moving(read[1]), " / ".join(map(_cost, read)), " / ".join(map(_cost, known))]
        else:
            cells += ["-"] * 4
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _still(errors: Mapping[str, float]) -> str:
    return f"{100 * errors['false_alarms']:.1f} / {100 * errors['still_without_class']:.1f}"


def _moving(errors: Mapping[str, float]) -> str:
    return f"{100 * errors['called_stable']:.1f} / {100 * errors['moving_without_class']:.1f}"


def _cost(errors: Mapping[str, float]) -> str:
    return f"{100 * errors['cost']:.1f}"


def _percent(shares: Mapping[str, float]) -> str:
    return " / ".join(f"{100 * share:.1f}" for share in shares.values())
