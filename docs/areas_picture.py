"""Picture of the page on areas: points of a simulated scene, the outlines that are found, and the series of two areas.

``python docs/areas_picture.py`` makes the scene, classifies it, finds its areas and writes ``docs/areas.png``.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

PICTURE: Final = Path(__file__).resolve().parent / "areas.png"
POINTS: Final = 20_000
SEED: Final = 2
MARGIN_M: Final = 250
METRES_OF_DEGREE: Final = 111_000


def main() -> None:
    """Write the picture."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra

    mpl.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    from evaluation.places.store import classified_scene  # noqa: PLC0415 - needs the repository
    from insar_runtime import find_areas  # noqa: PLC0415
    from insar_runtime._output.palette import CLASS_COLOURS  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        made = classified_scene(POINTS, seed=SEED, cache=Path(folder))
        find_areas(made.classified, Path(folder) / "areas.parquet", series=True)
        areas = pq.read_table(Path(folder) / "areas.parquet").to_pylist()
        points = pq.read_table(made.classified, columns=["longitude", "latitude", "class_name"])
    figure, axes = plt.subplot_mosaic([["map", "first"], ["map", "second"]], figsize=(10, 5.2), layout="constrained")
    x, y = points["longitude"].to_numpy(), points["latitude"].to_numpy()
    classes = np.array([name or "" for name in points["class_name"].to_pylist()])
    chart = axes["map"]
    for name, colour in CLASS_COLOURS.items():
        rows = classes == name
        chart.scatter(x[rows], y[rows], s=2 if name == "Stable" else 7, color=colour, label=name, lw=0)
    shown = sorted(areas, key=lambda area: -area["moving_points"])[:2]
    for area in areas:
        for ring in _rings(area["geometry"]):
            chart.plot(*ring, color="black", lw=1)
    for area in shown:
        box = area["bbox"]
        chart.annotate(str(area["area_id"]), (box["xmax"], box["ymax"]), fontsize=11, weight="bold")
    boxes = np.array([[area["bbox"][name] for name in ("xmin", "ymin", "xmax", "ymax")] for area in shown])
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    # A square on the ground.
    degrees = np.array([1 / np.cos(np.radians(y.mean())), 1]) / METRES_OF_DEGREE
    half = ((high - low) / degrees).max() / 2 + MARGIN_M
    (left, bottom), (right, top) = (low + high) / 2 - half * degrees, (low + high) / 2 + half * degrees
    chart.set(xlim=(left, right), ylim=(bottom, top), aspect=degrees[0] / degrees[1])
    chart.set(xlabel="longitude", ylabel="latitude")
    chart.locator_params(nbins=4)
    chart.legend(fontsize=8, markerscale=2, ncols=6, loc="lower center", bbox_to_anchor=(0.5, 1.0), handletextpad=0.1)
    for place, area in zip(("first", "second"), shown, strict=True):
        colour = CLASS_COLOURS[area["class_name"]]
        axes[place].fill_between(
            area["dates"], area["lower_quartile_mm"], area["upper_quartile_mm"], color=colour, alpha=0.3, lw=0
        )
        axes[place].plot(area["dates"], area["median_mm"], color=colour)
        axes[place].set_title(
            f"area {area['area_id']}: {area['class_name']}, {area['rate_mm_yr']:.1f} mm/yr, "
            f"{area['moving_points']} points, quality {area['quality']}",
            fontsize=9,
            loc="left",
        )
        axes[place].set_ylabel("mm", fontsize=8)
        axes[place].tick_params(labelsize=8)
    figure.savefig(PICTURE, dpi=90)


def _rings(geometry: bytes) -> list[Any]:
    import shapely  # noqa: PLC0415 - an extra

    return [ring.coords.xy for ring in shapely.get_rings(shapely.from_wkb(geometry))]


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    sys.path[:0] = [str(root), str(root / "runtime")]
    main()
