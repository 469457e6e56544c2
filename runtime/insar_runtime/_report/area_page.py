"""Moving areas on a page: their numbers, outlines and mean series."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

import numpy as np

from insar_runtime._input.position import LONGITUDE_LATITUDE
from insar_runtime._report.area_file import AreaFile
from insar_runtime._report.outlines import Ring
from insar_runtime._report.pack import Packed, pack, tenths
from insar_runtime._report.projections import projection_between
from insar_runtime.classes import CLASS_NAMES
from insar_runtime.errors import DataError, UsageError

_NUMBERS: Final = {
    "quality": "quality",
    "moving": "moving_points",
    "points": "points",
    "share": "moving_share",
    "size": "area_m2",
    "rate": "rate_mm_yr",
    "spread": "rate_spread_mm_yr",
    "acceleration": "acceleration_mm_yr2",
    "breakSpread": "break_spread_days",
    "displacement": "displacement_mm",
}
"""Numbers of an area by their names in the script."""
_MOST_VALUES: Final = 20_000_000
"""Areas times dates of their series."""
_SERIES: Final = ("lower_quartile_mm", "median_mm", "upper_quartile_mm")


def area_page(areas: AreaFile, position: Mapping[str, Any] | None) -> tuple[dict[str, Any], dict[str, Packed]]:
    """Return the moving areas of a page.

    Parameters
    ----------
    areas : AreaFile
    position : mapping or None
        Facts about the positions of the points: ``kind``, ``system``, ``steps``, ``x0``, ``y0``, ``size``.

    Returns
    -------
    facts : dict
        ``file``; ``list``, the numbers of each area, None for what is missing; ``dates`` of the mean series, empty
        without them; ``corner`` of the places.
    arrays : dict of str to Packed
        ``areaPlaces`` [K, 2], steps from the corner, uint32; ``areaRings``, places of each ring; ``areaParts``, rings
        of each area; ``areaSeries`` [areas, 3, dates], lower quartiles, medians and upper quartiles in tenths of mm,
        zigzag.

    Raises
    ------
    UsageError
        If the points have no positions.
    DataError
        If the areas lie elsewhere, or in a system that cannot be related to that of the points.
    """
    if position is None:
        raise UsageError(
            f"the points have no positions, so the areas of {areas.name} cannot be drawn; leave --areas out"
        )
    outlines = [_in_steps(rings, areas, position) for rings in areas.outlines]
    if areas.rows and not any(_is_near(rings, position) for rings in outlines):
        raise DataError(
            f"{areas.name}: none of its {len(areas.rows)} areas lies among the points; give the areas of this table"
        )
    rings = [ring for one in outlines for ring in one]
    places = np.concatenate(rings) if rings else np.zeros((0, 2))
    corner = places.min(axis=0) if len(places) else np.zeros(2)
    dates, series = _mean_series(areas)
    facts = {
        "file": areas.name,
        "list": [_numbers(row) for row in areas.rows],
        "dates": dates,
        "corner": corner.tolist(),
    }
    return facts, {
        "areaPlaces": pack((places - corner).astype(np.uint32)),
        "areaRings": pack(np.array([len(ring) for ring in rings], dtype=np.uint32)),
        "areaParts": pack(np.array([len(one) for one in outlines], dtype=np.uint32)),
        "areaSeries": pack(tenths(series)),
    }


def _in_steps(rings: list[Ring], areas: AreaFile, position: Mapping[str, Any]) -> list[Ring]:
    """Return rings in whole steps from the lower left corner of the points, without those beyond the plane."""
    system = LONGITUDE_LATITUDE if position["kind"] == "degrees" else position["system"]
    if areas.system is not None and areas.system != system and (system == LONGITUDE_LATITUDE or "EPSG:" in system):
        project = projection_between(areas.system, system)
        if project is None:
            raise DataError(
                f"{areas.name} is in {areas.system} and the points are in {system}; pip install "
                "'insar-runtime[spatial]' for pyproj, or give areas in the system of the points"
            )
        rings = [project(ring) for ring in rings]
    origin = np.array([position["x0"], position["y0"]])
    steps = [np.round(ring * position["steps"]) - origin for ring in rings]
    most = np.iinfo(np.int32).max
    return [ring for ring in steps if len(ring) and (np.abs(ring) < most).all()]


def _is_near(rings: list[Ring], position: Mapping[str, Any]) -> bool:
    if not rings:
        return False
    places = np.concatenate(rings)
    return bool((places.max(axis=0) >= 0).all() and (places.min(axis=0) <= position["size"]).all())


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    name = row.get("class_name")
    broken = row.get("break_date")
    return {
        "id": str(row["area_id"]),
        "group": CLASS_NAMES.index(name) if name in CLASS_NAMES else len(CLASS_NAMES),
        **{key: _number(row.get(column)) for key, column in _NUMBERS.items()},
        "break": str(broken)[:10] if broken else None,
    }


def _number(value: Any) -> float | None:
    number = _finite(value)
    return None if number is None else round(number, 4)


def _finite(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def _mean_series(areas: AreaFile) -> tuple[list[str], np.ndarray]:
    """Return all dates, and the quartiles [areas, 3, dates] in mm, NaN where an area has none."""
    listed = [[_list(row.get(name)) for name in ("dates", *_SERIES)] for row in areas.rows]
    whole = [one if len({len(values) for values in one}) == 1 else [[], [], [], []] for one in listed]
    dates = sorted({str(date)[:10] for one in whole for date in one[0]})
    if len(dates) * len(whole) > _MOST_VALUES:
        raise DataError(
            f"the {len(whole)} areas of {areas.name} have series of {len(dates)} dates in all, more than a page takes; "
            "drop the columns of the series"
        )
    place = {date: k for k, date in enumerate(dates)}
    series = np.full((len(whole), len(_SERIES), len(dates)), np.nan)
    for row, (days, *quartiles) in enumerate(whole):
        at = [place[str(date)[:10]] for date in days]
        for k, values in enumerate(quartiles):
            series[row, k, at] = [_finite(value) for value in values]  # None is NaN to numpy
    return dates, series


def _list(value: Any) -> list[Any]:
    """Return a list, which a GeoPackage and a CSV hold as JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    return value if isinstance(value, list) else []
