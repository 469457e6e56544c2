"""Picture of the README: a map of the demo's points coloured by class, and one series of each class that moves.

``python docs/picture.py`` classifies the embedded demo file and writes ``docs/classes.png``.
"""

from __future__ import annotations

import os
import sys
import tempfile
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

PICTURE: Final = Path(__file__).resolve().parent / "classes.png"
SHOWN: Final = ("Linear", "Bilinear", "PUE")


def main() -> None:
    """Write the picture."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra

    mpl.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    from insar_runtime import classify_file  # noqa: PLC0415
    from insar_runtime._output.palette import CLASS_COLOURS  # noqa: PLC0415

    demo = next(entry for entry in (files("insar_runtime") / "demo").iterdir() if entry.name.endswith(".zip"))
    with as_file(demo) as path, tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "demo.parquet"
        classify_file(path, output, keep_series=True)
        table = pq.read_table(output)
    names = [name for name in table.column_names if len(name) == 8 and name.isdigit()]
    days = np.array([f"{name[:4]}-{name[4:6]}-{name[6:]}" for name in names], dtype="datetime64[D]")
    series = np.stack([table[name].to_numpy() for name in names], axis=1)
    classes = np.array([name or "" for name in table["class_name"].to_pylist()])
    confidence = table["confidence"].to_numpy()
    figure, axes = plt.subplot_mosaic([["map", name] for name in SHOWN], figsize=(10, 4.6), layout="constrained")
    chart = axes["map"]
    east, north = table["easting"].to_numpy() / 1000, table["northing"].to_numpy() / 1000
    chart.scatter(east, north, s=3, color="#d9d9d9")
    for name, colour in CLASS_COLOURS.items():
        rows = classes == name
        chart.scatter(east[rows], north[rows], s=5 if name == "Stable" else 14, color=colour, label=name)
    chart.set(xlabel="easting, km", ylabel="northing, km", aspect="equal")
    chart.locator_params(nbins=4)
    chart.legend(fontsize=8, markerscale=1.4, ncols=6, loc="lower center", bbox_to_anchor=(0.5, 1.0), handletextpad=0.1)
    for name in SHOWN:
        rows = np.flatnonzero(classes == name)
        row = rows[np.argsort(confidence[rows])[len(rows) // 2]]
        axes[name].plot(days, series[row], ".", ms=3, color=CLASS_COLOURS[name])
        axes[name].set_title(f"{name}, confidence {confidence[row]:.2f}", fontsize=9, loc="left")
        axes[name].set_ylabel("mm", fontsize=8)
        axes[name].tick_params(labelsize=8)
    figure.savefig(PICTURE, dpi=90)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "runtime"))
    main()
