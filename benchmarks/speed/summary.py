"""Tables of speed and cost in ``docs/speed.md`` and ``docs/cost.md``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from benchmarks.speed.peer_names import PEERS

PAPER_PREDICT: Final = "paper-cnn, Keras predict in batches of 1024"
PAPER_FUNCTION: Final = "paper-cnn, tf.function"
OURS: Final = "trend-net, Classifier int8"
_ROUND: Final = 2
"""Number of significant digits in these tables."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table and an empty line."""
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows), ""]


def _about(number: float) -> str:
    """Return a number with two significant digits; the third differs between runs."""
    if number < 1:
        return f"{number:.2g}"
    digits = _ROUND - len(str(int(number)))
    return f"{round(number, digits):,.0f}"


def _times(ratio: float) -> str:
    return _about(ratio) if ratio >= 1 else f"{ratio:.1g}"


def peer_ratios(facts: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Return the peers that were measured: name, series per second, and how many times as fast ``Classifier`` is."""
    engines = facts["engines"]
    paces = {name: engines[name]["per_second"] for name in PEERS if name in engines}
    return [(name, pace, engines[OURS]["per_second"] / pace) for name, pace in paces.items()]


def summary(facts: dict[str, Any]) -> list[str]:
    """Return the table of ``docs/speed.md``."""
    engines = facts["engines"]
    whole = {(p["container"], p["threads"]): p["whole"] for p in facts["pipelines"]}
    cores = max(threads for _, threads in whole)
    epochs = facts["pipeline_epochs"]
    rows = [
        (f"{name}, one core, 139 epochs", f"{_about(engines[key]['per_second'])} series/s")
        for name, key in (
            ("**trend-net int8, `Classifier`**", OURS),
            ("trend-net fp32, `Classifier`", "trend-net, Classifier fp32"),
            ("trend-net int8 in OpenVINO", "trend-net, OpenVINO int8"),
            ("trend-net in a compiled `tf.function`", "trend-net, tf.function"),
            ("trend-net in LiteRT", "trend-net, LiteRT fp32"),
            ("paper-cnn int8, `Classifier`", "paper-cnn, Classifier int8"),
            ("paper-cnn in a compiled `tf.function`", PAPER_FUNCTION),
            ("paper-cnn in Keras `predict`", PAPER_PREDICT),
            ("MiniRocket and ridge", "MiniRocket"),
            ("least squares and BIC, noise estimated", "glsbic"),
            ("F tests, vectorised", "F tests with 20 breaks and all steps"),
        )
        if key in engines
    ]
    rows += [
        (f"{name}, one core, 139 epochs", f"{_about(pace)} series/s; `Classifier` is {_times(ratio)} times as fast")
        for name, pace, ratio in peer_ratios(facts)
    ]
    for (container, threads), pace in whole.items():
        where = "one core" if threads == 1 else f"{cores} cores"
        rows.append((f"whole file, {container}, {where}, {epochs} epochs", f"{_about(pace)} series/s"))
    largest = str(facts["rows"][-1])
    for container, runs in facts["growth"].items():
        run = runs[largest]
        rows.append(
            (
                f"{int(largest):,} series of {facts['growth_epochs']} epochs, {container}, {cores} cores",
                f"{run['seconds']:.0f} s, {_about(run['peak_mb'])} MB",
            )
        )
    rows.append(("1,000 series from start to exit", f"{facts['start']['insar-rt classify'] / 1000:.1f} s"))
    return table(("", facts["hardware"]), rows)


def cost(facts: dict[str, Any]) -> list[str]:
    """Return the table of core-hours, from the speed of whole files on one core."""
    paces = {p["container"]: p["whole"] for p in facts["pipelines"] if p["threads"] == 1}
    rows = []
    for what, series in (
        ("a burst, 1.8 million points", 1.77e6),
        ("a national service, 5 thousand million points (InSAR Norway)", 5e9),
        ("all of EGMS, 10 thousand million series", 1e10),
    ):
        hours = [series / pace / 3600 for pace in paces.values()]
        rows.append((what, *(f"{3600 * h:.0f} core-seconds" if h < 0.1 else f"{_about(h)} core-hours" for h in hours)))
    return table((f"{facts['pipeline_epochs']} epochs, a core of {facts['hardware']}", *paces), rows)
