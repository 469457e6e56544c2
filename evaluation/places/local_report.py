"""Report of local priors and kinds of jumps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_HALF: Final = "areas with half of their points"


def write_local_report(numbers: Mapping[str, Any], path: Path) -> None:
    """Write the tables.

    Parameters
    ----------
    numbers : mapping
        Contents of ``local.json``.
    path : Path
        Markdown file.
    """
    lines = [
        "# Local priors, and neighbours of jumps",
        "",
        "Written by `python -m evaluation places local`. Each cell has the value with one mix for the whole file, then",
        "that with a mix around each point (`--priors local`).",
        "",
        scene_table(numbers),
        "False moving: points without motion, away from the areas, of class Linear, Quadratic, Bilinear or Other.",
        "Clear lone movers: points that move alone, whose true class has a probability of 95 % or more for the mix",
        "of the training. Some scenes have a step of 3 mm of all points at one date, hence a rate that all share.",
        "",
        "## Read rows of real files",
        "",
        read_table(numbers),
        "## Distances and weights",
        "",
        choice_table(numbers),
        "## Kinds of jumps",
        "",
        jump_table(numbers),
        "## Processor time and memory",
        "",
        run_table(numbers),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


def scene_table(numbers: Mapping[str, Any]) -> str:
    """Return the table of scenes."""
    lines = [
        "| scene | points | false moving | fall | points of areas found | with their class | areas with half of their "
        "points | clear lone movers with their class | all lone movers | PUE with its class |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, scene in numbers["scenes"].items():
        before, after = scene["file"], scene["local"]
        false = before["false moving"]
        fall = f"{100 * (1 - after['false moving'] / false):.0f} %" if false else "-"
        cells = [
            name,
            f"{scene['points']:,}",
            f"{false} / {after['false moving']}",
            fall,
            *(_both(before, after, key) for key in ("points of areas found", "points of areas with their class")),
            f"{before[_HALF]} / {after[_HALF]} of {before['areas']}",
            *(
                _both(before, after, key)
                for key in (
                    "clear lone movers with their class",
                    "lone movers with their class",
                    "PUE with its class",
                )
            ),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def read_table(numbers: Mapping[str, Any]) -> str:
    """Return the table of read rows."""
    if "read rows" not in numbers:
        return "Not measured: no real files.\n"
    lines = [
        "Rows on which all readers agree, with the networks that were not trained on the file. Cost: see",
        "[priors](../priors/priors.md).",
        "",
        "| | most probable class right | has a class, and it is right | without a class | mean cost |",
        "|---|---|---|---|---|",
    ]
    for name, found in numbers["read rows"].items():
        keys = ("most probable class right", "has a class, and it is right", "without a class", "mean cost")
        lines.append(f"| {name} | {' | '.join(_percent(found[key]) for key in keys)} |")
    return "\n".join(lines) + "\n"


def choice_table(numbers: Mapping[str, Any]) -> str:
    """Return the table of distances and weights."""
    names = list(next(iter(numbers["choices"].values())))
    lines = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for name, row in numbers["choices"].items():
        cells = (str(value) if isinstance(value, int) else _percent(value) for value in row.values())
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def jump_table(numbers: Mapping[str, Any]) -> str:
    """Return the table of the kinds of jumps."""
    lines = [
        "Points on which a jump was found, by what is true of them; the kind is that of their largest jump.",
        "",
        "| scene | true | point | shared | file | unknown |",
        "|---|---|---|---|---|---|",
    ]
    for scene, found in numbers["jumps"].items():
        for truth, kinds in found["by truth"].items():
            lines.append(f"| {scene} | {truth} | {' | '.join(str(count) for count in kinds.values())} |")
    return "\n".join(lines) + "\n"


def run_table(numbers: Mapping[str, Any]) -> str:
    """Return the table of time and memory."""
    if "runs" not in numbers:
        return "Not measured.\n"
    points = numbers["runs"]["points"]
    lines = [
        f"One thread, {points:,} points, wide Parquet.",
        "",
        "| run | CPU seconds | peak memory, MB |",
        "|---|---|---|",
    ]
    lines += [
        f"| {name} | {run['cpu_seconds']} | {run['peak_memory_mb']} |" for name, run in numbers["runs"]["runs"].items()
    ]
    return "\n".join(lines) + "\n"


def _both(before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> str:
    return f"{_percent(before[key])} / {_percent(after[key])}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
