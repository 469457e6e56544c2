"""Write three small projects with MintPy's own writers, and what its ``save_qgis.py`` reads of them.

Run in an environment with MintPy (1.6.4 wrote what is here): ``python make.py``. OGR, which MintPy does not bring, is
replaced by a recorder of the features that ``save_qgis.py`` makes.
"""

from __future__ import annotations

import json
import sys
import types
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
EPOCHS, LINES, PIXELS = 12, 9, 7
REFERENCE = (5, 3)

GRIDS: dict[str, dict[str, Any]] = {
    "geo": {"Y_FIRST": 40.9, "X_FIRST": 14.03, "Y_STEP": -0.001, "X_STEP": 0.001, "Y_UNIT": "degrees"},
    "utm": {"Y_FIRST": 4.5e6, "X_FIRST": 4.5e5, "Y_STEP": -80, "X_STEP": 80, "Y_UNIT": "meters", "UTM_ZONE": "33N"},
    "radar": {"LAT_REF1": 40.9, "LON_REF1": 14.03},
}


class Recorder(types.ModuleType):
    """Stands in for osgeo.ogr and keeps what becomes a feature."""

    wkbPoint = OFTString = OFTReal = OFTInteger = 0  # noqa: N815

    def __init__(self) -> None:
        super().__init__("osgeo.ogr")
        self.features: list[dict[str, Any]] = []
        self.osr = types.SimpleNamespace(SpatialReference=lambda: types.SimpleNamespace(ImportFromEPSG=lambda _: None))

    def GetDriverByName(self, _: str) -> Any:  # noqa: N802
        layer = types.SimpleNamespace(
            CreateField=lambda _: None,
            GetLayerDefn=lambda: None,
            CreateFeature=lambda one: self.features.append(one.row),
        )
        source = types.SimpleNamespace(CreateLayer=lambda *_, **__: layer)
        return types.SimpleNamespace(CreateDataSource=lambda _: source)

    def FieldDefn(self, *_: Any) -> Any:  # noqa: N802
        return types.SimpleNamespace(SetWidth=lambda _: None, SetPrecision=lambda _: None)

    def Geometry(self, _: int) -> Any:  # noqa: N802
        point = types.SimpleNamespace()
        point.AddPoint = lambda x, y: setattr(point, "place", (float(x), float(y)))
        return point

    def Feature(self, _: Any) -> Any:  # noqa: N802
        feature = types.SimpleNamespace(row={})
        feature.SetField = lambda name, value: feature.row.update(
            {name: value if name == "CODE" else round(float(value), 6)}
        )
        feature.SetGeometry = lambda point: feature.row.update(place=point.place)
        return feature


def main() -> None:
    recorder = Recorder()
    sys.modules["osgeo"] = types.ModuleType("osgeo")
    sys.modules["osgeo"].ogr = sys.modules["osgeo.ogr"] = recorder  # type: ignore[attr-defined]
    save_hdfeos5, save_qgis, writefile = (
        import_module(f"mintpy.{name}") for name in ("save_hdfeos5", "save_qgis", "utils.writefile")
    )

    for kind, grid in GRIDS.items():
        folder = FOLDER / kind
        folder.mkdir(exist_ok=True)
        rng = np.random.default_rng(7)
        shape = LINES, PIXELS
        dates = [str(np.datetime64("2019-01-04") + 12 * i).replace("-", "") for i in range(EPOCHS)]
        velocity = rng.normal(0, 0.02, shape).astype(np.float32)
        years = np.arange(EPOCHS) * 12 / 365.25
        series = velocity * years[:, None, None] + rng.normal(0, 0.002, (EPOCHS, *shape))
        series = (series - series[:1]).astype(np.float32)
        series -= series[:, REFERENCE[0], REFERENCE[1]][:, None, None]
        velocity -= velocity[REFERENCE]
        coherence = rng.uniform(0.5, 1, shape).astype(np.float32)
        mask = coherence > 0.65
        mask[REFERENCE] = True
        mask[0, :2] = False
        series[:, 0, :2] = 0  # no data, as MintPy leaves it
        common = {
            "FILE_TYPE": "timeseries", "UNIT": "m", "LENGTH": LINES, "WIDTH": PIXELS,
            "REF_Y": REFERENCE[0], "REF_X": REFERENCE[1], "REF_DATE": dates[0], "START_DATE": dates[0],
            "END_DATE": dates[-1], "WAVELENGTH": 0.0554657, "ORBIT_DIRECTION": "DESCENDING", "PROCESSOR": "isce",
            **grid,
        }  # fmt: skip
        prefix = "" if kind == "radar" else "geo_"

        def write(name: str, unit: str, **maps: np.ndarray) -> str:
            path = str(folder / f"{prefix}{name}.h5")  # noqa: B023
            kinds = {"timeseries": "timeseries", "geometryRadar": "geometry", "maskTempCoh": "mask"}
            meta = {**common, "FILE_TYPE": kinds.get(name, name), "UNIT": unit}  # noqa: B023
            writefile.write(dict(maps), path, metadata=meta, compression="gzip", print_msg=False)
            return path

        days = np.array(dates, dtype=np.bytes_)
        stack = write("timeseries", "m", timeseries=series, date=days, bperp=np.zeros(EPOCHS, np.float32))
        write("velocity", "m/year", velocity=velocity, velocityStd=np.abs(velocity) / 10)
        coherences = write("temporalCoherence", "1", temporalCoherence=coherence)
        masks = write("maskTempCoh", "1", mask=mask)
        maps = {
            "height": rng.uniform(0, 500, shape).astype(np.float32),
            "incidenceAngle": np.full(shape, 39, np.float32),
        }
        if kind == "radar":
            maps["latitude"], maps["longitude"] = (
                (start + rng.uniform(0, 0.02, shape)).astype(np.float32) for start in (40.9, 14.03)
            )
        geometry = write("geometryRadar", "m", **maps)
        recorder.features.clear()
        save_qgis.write_shape_file(
            save_qgis.gather_files(stack, geometry), str(folder / "none.shp"), (0, 0, PIXELS, LINES)
        )
        (folder / "qgis.json").write_text(json.dumps(recorder.features), encoding="utf-8")
        if kind == "geo":
            meta = {key: str(value) for key, value in common.items()}
            eos = str(folder / "S1_descending.he5")
            save_hdfeos5.write_hdf5_file(meta, eos, stack, coherences, coherences, masks, geometry)


if __name__ == "__main__":
    main()
