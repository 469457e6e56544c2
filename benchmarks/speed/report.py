"""Report of the measurements: JSON and Markdown tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.speed.summary import OURS, PAPER_FUNCTION, PAPER_PREDICT, cost, summary, table


def write(facts: dict[str, Any], folder: Path) -> None:
    """Write ``speed.json`` and ``README.md`` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "speed.json").write_text(json.dumps(facts, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_markdown(facts), encoding="utf-8")
    (folder / "summary.md").write_text("\n".join(summary(facts)), encoding="utf-8")
    (folder / "cost.md").write_text("\n".join(cost(facts)), encoding="utf-8")


def _k(pace: float) -> str:
    return f"{pace:,.0f}"


def _markdown(facts: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    lines = [
        "# Speed and footprint",
        "",
        f"Written by `python -m benchmarks.speed` on {facts['date']}: {facts['hardware']}; {versions}.",
        "All measurements of a table were taken in turns on the same series. The tables show medians over the turns;",
        "`speed.json` also has the slowest and the fastest.",
        "",
        *_goals(facts),
        *_engines(facts),
        *_calls(facts),
        *_graph(facts),
        *_choices(facts),
        *_pipelines(facts),
        *_today(facts),
        *_growth(facts),
        *_start(facts),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _goals(facts: dict[str, Any]) -> list[str]:
    engines, peaks = facts["engines"], facts["peaks"]
    ours = engines[OURS]["per_second"]
    per_100 = ours / (2 * peaks["fp32"] / 1e11)
    naive = engines["paper-cnn as Conv1D, exported naively, onnxruntime fp32"]["per_second"]
    bare = engines["paper-cnn without preparation, as Conv1D, fp32"]["per_second"]
    steps = facts["graph"]["int8"]
    largest = facts["rows"][-1]
    small = min((rows for rows in facts["rows"] if rows >= largest / 10), default=largest)
    pipelines = {(p["container"], p["threads"]): p for p in facts["pipelines"]}
    rows = [
        (
            "trend-net through `Classifier`, times paper-cnn in Keras `predict`",
            "10",
            f"{ours / engines[PAPER_PREDICT]['per_second']:.1f} (in its default batches of 32: "
            f"{ours / engines['paper-cnn, Keras predict']['per_second']:.1f})",
        ),
        (
            "trend-net through `Classifier`, times paper-cnn in a compiled `tf.function`",
            "6",
            f"{ours / engines[PAPER_FUNCTION]['per_second']:.1f}",
        ),
        (
            "series/s and core at 139 epochs, scaled to an fp32 peak of 100 GFLOP/s",
            "80,000",
            f"{_k(per_100)} ({_k(ours)} here, peak {2 * peaks['fp32'] / 1e9:.0f} GFLOP/s)",
        ),
        (
            "paper-cnn int8, times its naive Conv1D export in fp32",
            "4",
            f"{_over('paper-cnn, Classifier int8', engines, naive)} (without the preparation, in both: "
            f"{_over('paper-cnn without preparation, ours, int8', engines, bare)})",
        ),
        (
            "preparation, share of a call (int8, 139 epochs)",
            "below 20 %",
            f"{100 * steps['preparation']['share']:.0f} % to the input of the convolutions, "
            f"{100 * steps['positions and features']['share']:.0f} % positions and features",
        ),
    ]
    for (container, threads), p in pipelines.items():
        slower = min(p["read"], p["infer"])
        rows.append(
            (
                f"whole file, {container}, {threads} threads, speed relative to the slower of reading and inference",
                "85 %",
                f"{100 * p['whole'] / slower:.0f} % ({100 * p['whole'] / p['bound']:.0f} % of the bound of the cores)",
            )
        )
    for container in dict.fromkeys(c for c, _ in pipelines):
        counts = sorted(t for c, t in pipelines if c == container)
        if len(counts) > 1:
            gain = pipelines[container, counts[-1]]["whole"] / pipelines[container, counts[0]]["whole"]
            rows.append((f"whole file, {container}, speed-up by {counts[-1]} cores", "1.8", f"{gain:.2f}"))
    for container, runs in facts["growth"].items():
        peak, before = runs[str(largest)]["peak_mb"], runs[str(small)]["peak_mb"]
        bar = "400" if "Parquet" in container else "500"
        rows.append(
            (
                f"peak memory, {container} of {_k(largest)} series",
                f"{bar} MB, within 10 % of {_k(small)} series",
                f"{peak:.0f} MB, {100 * (peak / before - 1):+.0f} %",
            )
        )
    return ["## Goals", "", *table(("", "goal", "measured"), rows)]


def _over(name: str, engines: dict[str, Any], other: float) -> str:
    return f"{engines[name]['per_second'] / other:.1f}"


def _engines(facts: dict[str, Any]) -> list[str]:
    engines = facts["engines"]
    predict = engines[PAPER_PREDICT]["per_second"]
    rows = [
        (
            name,
            _k(pace["per_second"]),
            _k(pace["per_core_second"]),
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


def _calls(facts: dict[str, Any]) -> list[str]:
    rows = [
        (
            f"{c['precision']}, {c['threads']} threads, {c['epochs']} epochs",
            *(_k(c["by_rows"][r]) for r in c["by_rows"]),
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
    rows = [(name, *(_k(paces[name]) for paces in facts["reading"].values())) for name in names]
    lines += table(("", *facts["reading"]), rows)
    lines += ["Calling the int8 network, 139 epochs, series/s:", ""]
    return [*lines, *table(("", "series/s"), [(name, _k(pace)) for name, pace in facts["calling"].items()])]


def _pipelines(facts: dict[str, Any]) -> list[str]:
    rows = [
        (p["container"], str(p["threads"]), _k(p["read"]), _k(p["infer"]), _k(p["whole"]), _k(p["bound"]))
        for p in facts["pipelines"]
    ]
    text = f"{facts['pipeline_rows']:,} series of {facts['pipeline_epochs']} epochs."
    processes = [(name, _k(pace)) for name, pace in facts["processes"].items()]
    return [
        "## Whole files",
        "",
        f"{text} The last column is the upper bound for the cores: threads / (1 / read + 1 / inference of one thread).",
        "",
        *table(("", "threads", "read only", "infer only", "whole", "at most"), rows),
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
    ]
