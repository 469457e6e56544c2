"""Report of the measurements: JSON and Markdown tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.speed.goals import goals, share, what_cores_can, whole_number
from benchmarks.speed.peer_names import NOT_MEASURED, PEERS
from benchmarks.speed.summary import PAPER_PREDICT, cost, peer_ratios, summary, table


def write(facts: dict[str, Any], folder: Path) -> None:
    """Write ``speed.json`` and ``README.md`` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "speed.json").write_text(json.dumps(facts, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_markdown(facts), encoding="utf-8")
    (folder / "summary.md").write_text("\n".join(summary(facts)), encoding="utf-8")
    (folder / "cost.md").write_text("\n".join(cost(facts)), encoding="utf-8")


def _markdown(facts: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    lines = [
        "# Speed and footprint",
        "",
        f"Written by `python -m benchmarks.speed` on {facts['date']}: {facts['hardware']}; {versions}.",
        "All measurements of a table were taken in turns on the same series. The tables show medians over the turns;",
        "`speed.json` also has the slowest and the fastest.",
        "",
        *goals(facts),
        *_engines(facts),
        *_peers(facts),
        *_calls(facts),
        *_graph(facts),
        *_choices(facts),
        *_pipelines(facts),
        *_today(facts),
        *_growth(facts),
        *_start(facts),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _engines(facts: dict[str, Any]) -> list[str]:
    engines = facts["engines"]
    predict = engines[PAPER_PREDICT]["per_second"]
    rows = [
        (
            name,
            whole_number(pace["per_second"]),
            whole_number(pace["per_core_second"]),
            f"{pace['per_second'] / predict:.2f}",
            "" if pace["difference"] is None else f"{pace['difference']:.1e}",
        )
        for name, pace in sorted(engines.items(), key=lambda item: -item[1]["per_second"])
    ]
    missing = [f"- {name}: {why}" for name, why in facts["missing"].items()]
    return [
        "## Engines, one core, 139 epochs",
        "",
        "From millimetres to classes, each library in a separate process. The last column is the largest difference",
        "of a probability from Keras `predict` of the same network.",
        "",
        *table(("", "series/s", "series/CPU-s", "times paper-cnn in Keras", "difference"), rows),
        *(["Not run:", "", *missing, ""] if missing else []),
        "The vectorised F tests are faster than any network, because all series share one matrix product. They assume",
        "white noise; for their accuracy see PS-Time in `artifacts/benchmark`.",
        "",
    ]


def _peers(facts: dict[str, Any]) -> list[str]:
    rows = [
        (name, whole_number(pace), f"{float(f'{ratio:.2g}'):,g}", PEERS[name])
        for name, pace, ratio in peer_ratios(facts)
    ]
    notes = [f"- {name}: {why}" for name, why in NOT_MEASURED.items()]
    notes += [f"- {group.removesuffix(' -')}: {why}" for group, why in facts["missing"].items() if group.endswith(" -")]
    return [
        "## Peers, one core, 139 epochs",
        "",
        "Measured in the same turns as the engines above. The third column says how many times as fast",
        "`Classifier` with trend-net int8 is.",
        "",
        *table(("", "series/s", "times", "what it does"), rows),
        "Not measured:",
        "",
        *notes,
        "",
    ]


def _calls(facts: dict[str, Any]) -> list[str]:
    rows = [
        (
            f"{c['precision']}, {c['threads']} threads, {c['epochs']} epochs",
            *(whole_number(c["by_rows"][r]) for r in c["by_rows"]),
        )
        for c in facts["calls"]
    ]
    head = ("rows of a call", *facts["calls"][0]["by_rows"])
    return [
        "## The session alone, by rows of a call",
        "",
        "Series/s of one shared session that is called by so many threads.",
        "",
        *table(head, rows),
    ]


def _graph(facts: dict[str, Any]) -> list[str]:
    lines = [
        "## Steps of a call",
        "",
        f"onnxruntime's profiler, {facts['profiled_rows']} series of 139 epochs, one thread.",
        "",
    ]
    names = list(facts["graph"]["int8"])
    rows = [
        (
            name,
            *(
                f"{g[name]['microseconds']:.2f} us, {100 * g[name]['share']:.0f} %, {g[name]['nodes']} nodes"
                for g in facts["graph"].values()
            ),
        )
        for name in names
    ]
    lines += table(("", *facts["graph"]), rows)
    used = [
        (
            precision,
            f"{2 * facts['peaks'][precision] / 1e9:.0f}",
            f"{2 * facts['multiply_adds'] * _per_core(facts, precision) / 1e9:.0f}",
            f"{2 * facts['convolution_rate'][precision] / 1e9:.0f}",
        )
        for precision in facts["peaks"]
    ]
    lines += [
        f"Arithmetic: {facts['multiply_adds']:,} multiply-adds per series. In 10^9 operations per second of one core:",
        "",
        *table(("", "peak of a matrix product", "whole call", "convolutions only"), used),
    ]
    return lines


def _per_core(facts: dict[str, Any], precision: str) -> float:
    return float(facts["engines"][f"trend-net, Classifier {precision}"]["per_core_second"])


def _choices(facts: dict[str, Any]) -> list[str]:
    lines = [
        "## Choices",
        "",
        f"Reading {facts['pipeline_rows']:,} series of {facts['pipeline_epochs']} epochs to float32, rows/CPU-s:",
        "",
    ]
    names = list(facts["reading"]["wide Parquet"])
    rows = [(name, *(whole_number(paces[name]) for paces in facts["reading"].values())) for name in names]
    lines += table(("", *facts["reading"]), rows)
    lines += ["Calling the int8 network, 139 epochs, series/s:", ""]
    return [*lines, *table(("", "series/s"), [(name, whole_number(pace)) for name, pace in facts["calling"].items()])]


def _pipelines(facts: dict[str, Any]) -> list[str]:
    rows = [
        (
            p["container"],
            str(p["threads"]),
            *(whole_number(pace) for pace in (p["read"], p["infer"], what_cores_can(p), p["whole"])),
            f"{share(p):.0f} %",
        )
        for p in facts["pipelines"]
    ]
    text = f"{facts['pipeline_rows']:,} series of {facts['pipeline_epochs']} epochs, measured in turns."
    processes = [(name, whole_number(pace)) for name, pace in facts["processes"].items()]
    return [
        "## Whole files",
        "",
        f"{text} Read only and infer only are what all threads do together",
        "if each of them does nothing else. The cores can do 1 / (1 / read + 1 / infer).",
        "",
        *table(("", "threads", "read only", "infer only", "the cores can", "whole", "share"), rows),
        "From the start of the process to its exit:",
        "",
        *table(("wide Parquet", "series/s"), processes),
    ]


def _today(facts: dict[str, Any]) -> list[str]:
    rows = [
        (
            container,
            *(f"{run['seconds']:.1f} s, {run['peak_mb']:.0f} MB" for run in runs.values()),
            f"{runs['pandas and Keras']['seconds'] / runs['insar-rt']['seconds']:.1f}",
        )
        for container, runs in facts["today"].items()
    ]
    return [
        "## Comparison with a pandas script",
        "",
        f"{facts['today_rows']:,} series of {facts['pipeline_epochs']} epochs, from start to exit, all cores. The",
        "script reads with pandas, predicts with the paper's network in Keras, and writes with pandas.",
        "",
        *table(("", "insar-rt", "pandas and Keras", "times"), rows),
    ]


def _growth(facts: dict[str, Any]) -> list[str]:
    heading = "## Time and memory by size of the file"
    lines = [heading, "", f"From start to exit, all cores, {facts['growth_epochs']} epochs.", ""]
    rows = [
        (
            f"{int(count):,}",
            *(f"{runs[count]['seconds']:.1f} s, {runs[count]['peak_mb']:.0f} MB" for runs in facts["growth"].values()),
        )
        for count in next(iter(facts["growth"].values()))
    ]
    lines += table(("series", *facts["growth"]), rows)
    longer = [(str(epochs), f"{pace['int8']:,.0f}", f"{pace['fp32']:,.0f}") for epochs, pace in facts["epochs"].items()]
    return [*lines, "Series/s through `Classifier`, one core:", "", *table(("epochs", "int8", "fp32"), longer)]


def _start(facts: dict[str, Any]) -> list[str]:
    steps = facts["start"]
    parts = {name: ms for name, ms in steps.items() if not name.startswith("insar-rt")}
    rows = [(name, f"{ms:.0f}") for name, ms in parts.items()]
    rows += [("sum of the steps", f"{sum(parts.values()):.0f}")]
    rows += [(f"`{name}`", f"{ms:.0f}") for name, ms in steps.items() if name.startswith("insar-rt")]
    return [
        "## Cold start",
        "",
        f"{facts['start_rows']:,} series, new processes, warm file cache.",
        "",
        *table(("", "ms"), rows),
        "What `insar-rt classify` imports, by `python -X importtime`, which takes some time itself:",
        "",
        *table(("", "modules", "ms", "share"), _imports(facts["imports"])),
    ]


def _imports(packages: dict[str, dict[str, float]]) -> list[tuple[str, str, str, str]]:
    whole = sum(package["ms"] for package in packages.values())
    return [
        (name, f"{package['modules']:.0f}", f"{package['ms']:.0f}", f"{100 * package['ms'] / whole:.0f} %")
        for name, package in packages.items()
    ]
