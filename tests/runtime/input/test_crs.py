"""Coordinate systems from well-known text: the places that PROJ finds; names that prove nothing are not taken."""

from __future__ import annotations

import json

import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._input.crs.projjson import projjson_of
from insar_runtime._input.crs.system import system_of_epsg, system_of_wkt
from insar_runtime._input.crs.wkt import parse_wkt

CODES = [3035, 4258, 32632, 32733, 25832, 3003, 31287, 2154, 28992, 27700, 31370, 23032]


@pytest.mark.parametrize("spelling", ["WKT1_ESRI", "WKT1_GDAL"])
@pytest.mark.parametrize("code", CODES)
def test_places_are_those_of_proj(code: int, spelling: str) -> None:
    crs = pyproj.CRS.from_epsg(code)
    system = system_of_wkt(crs.to_wkt(spelling))
    assert system.projjson is not None
    ours = pyproj.CRS.from_json(json.dumps(system.projjson))
    area = crs.area_of_use
    degrees = (area.west + area.east) / 2, (area.south + area.north) / 2
    place = pyproj.Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True).transform(*degrees)
    moved = pyproj.Transformer.from_crs(ours, crs, always_xy=True).transform(*place)
    assert np.allclose(moved, place, rtol=0, atol=1e-3 if crs.is_projected else 1e-8)
    if spelling == "WKT1_GDAL":
        assert system.code == code


@pytest.mark.parametrize("code", [4258, 3035, *range(32601, 32661, 7), *range(32701, 32761, 7), *range(25828, 25839)])
def test_systems_that_are_known_by_their_codes(code: int) -> None:
    ours = pyproj.CRS.from_json(json.dumps(projjson_of(code)))
    assert ours.equals(pyproj.CRS.from_epsg(code), ignore_axis_order=True)


@pytest.mark.parametrize("spelling", ["WKT1_ESRI", "WKT1_GDAL", "WKT2_2019"])
def test_longitude_and_latitude(spelling: str) -> None:
    system = system_of_wkt(pyproj.CRS.from_epsg(4326).to_wkt(spelling))
    assert system.is_longitude_latitude
    assert "crs" not in json.loads(system.geo("g"))["columns"]["g"]


@pytest.mark.parametrize("spelling", ["WKT1_ESRI", "WKT2_2019"])
@pytest.mark.parametrize("code", [3035, 32632, 25833])
def test_codes_from_names_or_ids(code: int, spelling: str) -> None:
    assert system_of_wkt(pyproj.CRS.from_epsg(code).to_wkt(spelling)).code == code


@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        (3035, "4321000", "4000000"),
        (32632, '"Central_Meridian",9', '"Central_Meridian",15'),
        (32632, '"False_Easting",500000', '"False_Easting",0'),
    ],
)
def test_a_name_with_other_parameters_proves_no_code(code: int, old: str, new: str) -> None:
    text = pyproj.CRS.from_epsg(code).to_wkt("WKT1_ESRI")
    assert old in text
    system = system_of_wkt(text.replace(old, new))
    assert system.code is None
    assert system.projjson is not None


def test_what_is_not_known_is_named() -> None:
    swiss = system_of_wkt(pyproj.CRS.from_epsg(2056).to_wkt("WKT1_GDAL"))
    assert not swiss.is_known
    assert swiss.note("x") == (
        "coordinate system 'CH1903+ / LV95' (EPSG:2056) is not known here: the output's geometry names none"
    )
    assert json.loads(swiss.geo("g"))["columns"]["g"]["crs"] is None
    assert system_of_wkt("").note("no part") == "no part names the coordinate system: the output's geometry has none"
    assert not system_of_epsg(2056).is_known


@given(st.text(alphabet='GEOCSPRJ[]()",0123456789.eE+- _', max_size=60))
def test_any_text_is_taken(text: str) -> None:
    system_of_wkt(text)


@pytest.mark.parametrize("text", ["A[" * 30 + "]" * 30, "A" * (1 << 17), 'A["x"', "A]", "A[1e]", "A[1] B[2]", "[1]"])
def test_text_that_is_no_definition(text: str) -> None:
    assert parse_wkt(text) is None
