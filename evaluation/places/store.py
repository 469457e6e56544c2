"""Scenes as files: written, classified by the released model, and kept below ``.cache``."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evaluation.places.scene import CRS, PlaceScene, make_scene
from insar_runtime import Classifier, classify_file, load_model
from insar_runtime._input.slopes import slopes
from insar_runtime._spatial.require import require
from insar_runtime._version import __version__
from training.announce import Announce

CACHE: Final = Path(__file__).resolve().parents[2] / ".cache" / "places"
_CODE: Final = ("positions.py", "shapes.py", "scene.py")
"""Modules that decide what a scene is."""
_GROUP_ROWS: Final = 50_000


@dataclass(frozen=True)
class ClassifiedScene:
    """A scene with its files.

    Attributes
    ----------
    scene : PlaceScene
        With the truth.
    raw : Path
        Its points and series, wide Parquet with longitude, latitude and mean velocity.
    classified : Path
        The same after ``classify_file`` with series and diagnosis, in the same order.
    """

    scene: PlaceScene
    raw: Path
    classified: Path


def write_scene(scene: PlaceScene, path: Path) -> None:
    """Write points and series of a scene as wide Parquet: ``pid``, position, ``mean_velocity``, one column a date."""
    degrees = require("pyproj", "a scene").Transformer.from_crs(CRS, "OGC:CRS84", always_xy=True)
    longitude, latitude = degrees.transform(*scene.points_m.T)
    days = (scene.dates - scene.dates[0]).astype(np.float64)
    columns = {
        "pid": pa.array([f"p{row:07d}" for row in range(len(scene))]),
        "longitude": pa.array(np.round(longitude, 7)),
        "latitude": pa.array(np.round(latitude, 7)),
        "easting": pa.array(np.round(scene.points_m[:, 0], 1)),
        "northing": pa.array(np.round(scene.points_m[:, 1], 1)),
        "mean_velocity": pa.array(np.round(slopes(scene.displacement, days, least_epochs=2), 1).astype(np.float32)),
    }
    columns |= {
        str(date).replace("-", ""): pa.array(scene.displacement[:, epoch]) for epoch, date in enumerate(scene.dates)
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, row_group_size=_GROUP_ROWS, compression="zstd")


def classified_scene(
    points: int,
    *,
    seed: int,
    areas: int | None = None,
    diagnose: bool = True,
    cache: Path = CACHE,
    announce: Announce | None = None,
) -> ClassifiedScene:
    """Return a scene and its files; they are made where the cache does not hold them.

    Parameters
    ----------
    points, seed, areas
        As for ``make_scene``.
    diagnose : bool
        Whether rates, breaks and jumps are estimated as well.
    cache : Path
        Folder of the files. Their names contain a digest of the code of the scene, of the model and of the version.
    announce : callable, optional
        Is told what takes long.
    """
    tell = announce or (lambda _: None)
    tell(f"scene of {points} points")
    scene = make_scene(points, seed=seed, areas=areas)
    name = f"scene-{points}-{seed}-{'default' if areas is None else areas}-{_digest()}"
    raw = cache / f"{name}.parquet"
    classified = cache / f"{name}.{'diagnosed' if diagnose else 'classified'}.parquet"
    if not raw.is_file():
        write_scene(scene, raw)
    if not classified.is_file():
        tell(f"classifying {points} points")
        classify_file(
            raw, classified, classifier=Classifier(device="cpu"), units="mm", keep_series=True, diagnose=diagnose
        )
    return ClassifiedScene(scene, raw, classified)


def _digest() -> str:
    """Return what distinguishes the files of this code and this model from those of others."""
    code = [(Path(__file__).parent / name).read_bytes() for name in _CODE]
    model = load_model()
    facts = json.dumps([__version__, model.name, model.version]).encode()
    return hashlib.sha256(b"\0".join([*code, facts])).hexdigest()[:12]
