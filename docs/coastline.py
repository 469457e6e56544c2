"""Coastline of the report: Natural Earth's land at 1:10 million, simplified, as a small file of the package.

``python docs/coastline.py FOLDER`` reads ``land-10m.json`` of the npm package ``world-atlas`` 2.0.2 and writes
``runtime/insar_runtime/_report/coastline.npz``. FOLDER is that of the package, as made by
``npm install world-atlas@2.0.2`` in ``node_modules/world-atlas``. Natural Earth is in the public domain.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Final

OUTPUT: Final = Path(__file__).resolve().parent.parent / "runtime" / "insar_runtime" / "_report" / "coastline.npz"
VERSION: Final = "2.0.2"
SHA256: Final = "9b9f584709c119d63fbadf484ce425260497697b7166be7a2fe360e8c0b171a8"
"""Of ``land-10m.json`` in that version."""
TOLERANCE: Final = 0.004
"""Most distance in degrees of a simplified line from its source, which is rounded to 0.0036 by 0.0017 degrees."""
FAR_TOLERANCE: Final = 0.02
FAR_LATITUDE: Final = 72.0
"""Beyond it, where few have reflectors to measure, lines are simpler."""
SOUTH: Final = -60.0
"""Antarctica is left out."""
PARTS: Final = 1000
"""A line keeps its form: it is simplified by no more than this part of its length, so that small islands are whole."""
MOST_STEP: Final = 127


def main() -> None:
    """Write the file."""
    import numpy as np  # noqa: PLC0415

    if len(sys.argv) != 2:
        sys.exit("usage: python docs/coastline.py FOLDER (of the npm package world-atlas)")
    data = (Path(sys.argv[1]) / "land-10m.json").read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        sys.exit(f"land-10m.json is not that of world-atlas {VERSION}; npm install world-atlas@{VERSION}")
    topology = json.loads(data)
    scale, corner = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    lines = []
    for deltas in topology["arcs"]:
        arc = np.cumsum(np.array(deltas, dtype=np.int64), axis=0)
        if (arc[:, 1] * scale[1] + corner[1]).max() > SOUTH:
            lines += off_the_antimeridian(simple(arc, scale, corner), round(360 / scale[0]))
    steps = [small_steps(line) for line in lines]
    np.savez_compressed(
        OUTPUT,
        scale=scale,
        corner=corner,
        starts=np.array([line[0] for line in lines], dtype=np.int32),
        lengths=np.array([len(one) for one in steps], dtype=np.int32),
        steps=np.concatenate(steps).T.astype(np.int8),
    )
    print(f"{OUTPUT.name}: {len(lines)} lines, {sum(map(len, steps))} steps, {OUTPUT.stat().st_size} bytes")  # noqa: T201


def simple(arc: Any, scale: Any, corner: Any) -> Any:
    """Return a line of grid places with fewer vertices (Douglas and Peucker, in degrees of latitude)."""
    import numpy as np  # noqa: PLC0415
    import shapely  # noqa: PLC0415

    places = arc * scale + corner
    latitude = abs(places[:, 1].mean())
    places[:, 0] *= (shrink := np.cos(np.radians(min(latitude, 80.0))))
    length = np.hypot(*np.diff(places, axis=0).T).sum()
    tolerance = min(FAR_TOLERANCE if latitude > FAR_LATITUDE else TOLERANCE, length / PARTS)
    kept = np.asarray(shapely.LineString(places).simplify(tolerance, preserve_topology=False).coords)
    kept[:, 0] /= shrink
    return np.round((kept - corner) / scale).astype(np.int64)


def off_the_antimeridian(line: Any, width: int) -> list[Any]:
    """Return the parts of a line that do not follow the antimeridian, where the source cuts the land."""
    import numpy as np  # noqa: PLC0415

    at_edge = (line[:, 0] <= 0) | (line[:, 0] >= width)
    cuts = np.flatnonzero(at_edge[1:] & at_edge[:-1]) + 1
    return [part for part in np.split(line, cuts) if len(part) > 1]


def small_steps(line: Any) -> Any:
    """Return the steps of a line; long ones are divided, so that each fits into a byte."""
    import numpy as np  # noqa: PLC0415

    divided = []
    for step in np.diff(line, axis=0):
        parts = max(1, int(np.ceil(np.abs(step).max() / MOST_STEP)))
        divided.append(np.diff(np.round(np.outer(np.arange(parts + 1), step) / parts).astype(np.int64), axis=0))
    return np.concatenate(divided)


if __name__ == "__main__":
    main()
