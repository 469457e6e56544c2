"""Goals of the measurements, and what was reached."""

from __future__ import annotations

from typing import Any, Final

from benchmarks.speed.summary import OURS, PAPER_FUNCTION, PAPER_PREDICT, table

_SPEED_UP: Final = {"wide Parquet": "1.7", "list Parquet": "1.8", "CSV": "1.7"}
"""Goals of the speed-up by all cores."""


def goals(facts: dict[str, Any]) -> list[str]:
    """Return the lines of the table of goals."""
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
            f"{whole_number(per_100)} ({whole_number(ours)} here, peak {2 * peaks['fp32'] / 1e9:.0f} GFLOP/s)",
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
    rows += [
        (f"whole file, {container}, {_cores(threads)}, share of what the cores can do", "85 %", f"{share(p):.0f} %")
        for (container, threads), p in pipelines.items()
    ]
    for container in dict.fromkeys(c for c, _ in pipelines):
        counts = sorted(t for c, t in pipelines if c == container)
        if len(counts) > 1:
            few, many = (pipelines[container, count] for count in (counts[0], counts[-1]))
            rows.append(
                (
                    f"whole file, {container}, speed-up by {counts[-1]} cores",
                    _SPEED_UP[container],
                    f"{many['whole'] / few['whole']:.2f} (reading only {many['read'] / few['read']:.2f}, "
                    f"inference only {many['infer'] / few['infer']:.2f})",
                )
            )
    for container, runs in facts["growth"].items():
        peak, before = runs[str(largest)]["peak_mb"], runs[str(small)]["peak_mb"]
        bar = "400" if "Parquet" in container else "500"
        rows.append(
            (
                f"peak memory, {container} of {whole_number(largest)} series",
                f"{bar} MB, within 10 % of {whole_number(small)} series",
                f"{peak:.0f} MB, {100 * (peak / before - 1):+.0f} %",
            )
        )
    return ["## Goals", "", *table(("", "goal", "measured"), rows)]


def _over(name: str, engines: dict[str, Any], other: float) -> str:
    return f"{engines[name]['per_second'] / other:.1f}"


def what_cores_can(p: dict[str, Any]) -> float:
    """Return the series per second of whole files if nothing but reading and inference took time."""
    return float(1 / (1 / p["read"] + 1 / p["infer"]))


def share(p: dict[str, Any]) -> float:
    """Return the speed of whole files in percent of what the cores can do."""
    return float(100 * p["whole"] / what_cores_can(p))


def _cores(count: int) -> str:
    return "one core" if count == 1 else f"{count} cores"


def whole_number(pace: float) -> str:
    """Return a number without decimals."""
    return f"{pace:,.0f}"
