"""Areas of a classified table: clusters of its moving points, their outlines and their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._areas.clusters import Clusters, find_clusters
from insar_runtime._areas.measures import area_numbers
from insar_runtime._areas.member_series import MemberSeries, read_member_series
from insar_runtime._areas.outline import cut_at_antimeridian, inside, outline, without_false_holes
from insar_runtime._areas.read_points import AreaPoints, open_points, read_points
from insar_runtime._areas.settings import AreaSettings
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.position import LONGITUDE_LATITUDE
from insar_runtime._progress import Progress
from insar_runtime._spatial.metres import LocalPlane, System
from insar_runtime._spatial.require import require
from insar_runtime.classes import NO_CLASS, TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR
from insar_runtime.errors import DataError

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

_UNKNOWN_QUALITY: Final = 9
"""Place of an area without a quality in the order of the areas: the last."""


@dataclass(frozen=True, slots=True)
class Outlined:
    """A cluster with its outline.

    Attributes
    ----------
    members : ndarray of int64, shape [K]
        Its moving points, by their number among all moving points.
    shape : shapely geometry
        Polygon or multipolygon in metres.
    rows : ndarray of int64
        Rows of all points inside.
    """

    members: Indices
    shape: Any
    rows: Indices


@dataclass(frozen=True, slots=True)
class DetectedAreas:
    """The areas of a table.

    Attributes
    ----------
    numbers : list of dict
        The columns of each area, as plain values, in the order of ``area_id``.
    outlines : list of shapely geometry
        In the system of the table.
    area_of_row : ndarray of int32, shape [N]
        Area of each row of the table; 0 for none.
    system : str or mapping
        Coordinate reference system of the table.
    block : mapping
        Metadata of the run that classified the table.
    search : dict
        What was searched by: distance, spacing, share of moving points, origin of the rates.
    """

    numbers: list[dict[str, Any]]
    outlines: list[Any]
    area_of_row: NDArray[np.int32]
    system: System
    block: Mapping[str, Any]
    search: dict[str, Any]


def detect_areas(
    path: Path,
    settings: AreaSettings,
    declared: UserDeclarations,
    *,
    name: str | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> DetectedAreas:
    """Find the areas of a classified table; it is read twice, the second time for the series of the areas alone.

    Parameters
    ----------
    path : Path
        Classified table.
    settings : AreaSettings
        What is asked for.
    declared : UserDeclarations
        Columns and system that the user names.
    name : str, optional
        What messages call it; by default its path.
    threads : int
        Threads of the searches.
    progress : callable, optional
        Called with the number of rows done, and of all if known; from 0 in each reading.

    Raises
    ------
    InsarRuntimeError
        If the table cannot be read, has no positions, or has them at one place only.
    """
    with open_points(path, declared, name=name) as table:
        points = read_points(table, settings, progress)
        system = table.positions.system if table.positions else None
        name, block, has_series = table.source.name, table.block, table.series is not None
    if not len(points.points):
        return _no_areas(system or LONGITUDE_LATITUDE, block, points)
    plane = LocalPlane.around(points.points, system)
    points_m = plane.to_metres(points.points)
    placed: NDArray[np.bool_] = np.asarray(np.isfinite(points_m).all(axis=1))
    if np.count_nonzero(placed) < 2:
        raise DataError(f"{name} has one point with coordinates; areas need some points that lie together")
    known = points.class_id != NO_CLASS
    clusters = find_clusters(
        points_m[known],
        points.moving[known],
        points.motion,
        distance_m=settings.distance_m,
        min_points=settings.min_points,
        threads=threads,
    )
    outlined = _outlined(points, points_m, clusters, settings)
    series = None
    of_mover = np.full(len(points.motion.rate), -1, dtype=np.int64)
    if has_series and outlined:
        # The order of the rows is that of the moving points.
        chosen = np.sort(np.concatenate([one.members for one in outlined]))
        of_mover[chosen] = np.arange(len(chosen))
        rows = np.flatnonzero(points.moving)[chosen]
        with open_points(path, declared, name=name) as table:
            series = read_member_series(table, rows, clusters.label[chosen], progress)
    numbers = [_numbers(points, one, series, of_mover, block, settings) for one in outlined]
    order = sorted(range(len(outlined)), key=lambda place: _order(numbers[place]))
    area_of_row = np.zeros(len(placed), dtype=np.int32)
    movers = np.flatnonzero(points.moving)
    for area_id, place in reversed(list(enumerate(order, start=1))):
        numbers[place]["area_id"] = area_id
        area_of_row[outlined[place].rows] = area_id
    # A point that moves belongs to its own area, also where outlines overlap.
    for place in order:
        area_of_row[movers[outlined[place].members]] = numbers[place]["area_id"]
    assert system is not None
    return DetectedAreas(
        numbers=[numbers[place] for place in order],
        outlines=[_in_system(plane, outlined[place].shape) for place in order],
        area_of_row=area_of_row,
        system=system,
        block=block,
        search={
            "distance_m": _rounded(clusters.distance_m, 1),
            "spacing_m": _rounded(clusters.spacing_m, 1),
            "moving_points": int(np.count_nonzero(points.moving)),
            "moving_share_outside": _rounded(clusters.background, 4),
            "rates_from": points.rates_from,
            "rows": len(placed),
            "rows_without_position": int(np.count_nonzero(~placed)),
        },
    )


def _no_areas(system: System, block: Mapping[str, Any], points: AreaPoints) -> DetectedAreas:
    """Return the result of a table without rows, as of an empty tile."""
    counts = ("moving_points", "moving_share_outside", "rows", "rows_without_position")
    search = {"distance_m": None, "spacing_m": None, **dict.fromkeys(counts, 0), "rates_from": points.rates_from}
    return DetectedAreas([], [], np.zeros(0, dtype=np.int32), system, block, search)


def _rounded(value: float, digits: int) -> float | None:
    return round(value, digits) if np.isfinite(value) else None


def _order(numbers: Mapping[str, Any]) -> tuple[float, ...]:
    """Return what areas are sorted by: quality, then number of moving points, then size."""
    quality = numbers.get("quality")
    return (_UNKNOWN_QUALITY if quality is None else quality, -numbers["moving_points"], -numbers["area_m2"])


def _outlined(points: AreaPoints, points_m: Floats, clusters: Clusters, settings: AreaSettings) -> list[Outlined]:
    """Return the outlines of the clusters, without those where unwrapping errors outnumber moving points."""
    movers = np.flatnonzero(points.moving)
    order = np.argsort(clusters.label, kind="stable")
    bounds = np.searchsorted(clusters.label[order], np.arange(clusters.count + 1))
    by_x = np.argsort(points_m[:, 0])
    sorted_x = points_m[by_x, 0]
    counts_errors = TrendClass.PUE not in settings.class_ids
    found = []
    for number in range(clusters.count):
        members = np.sort(order[bounds[number] : bounds[number + 1]])
        distance = float(np.median(clusters.radius_m[members]))
        spacing = min(float(np.nanmedian(clusters.around_m[members])), distance)
        shape = outline(points_m[movers[members]], distance, spacing if spacing > 0 else distance)
        x_min, y_min, x_max, y_max = shape.bounds
        near = by_x[np.searchsorted(sorted_x, x_min) : np.searchsorted(sorted_x, x_max, side="right")]
        near = np.sort(near[(points_m[near, 1] >= y_min) & (points_m[near, 1] <= y_max)])
        moves = points.moving[near]
        shape = without_false_holes(shape, points_m[near[~moves]], points_m[near[moves]])
        rows = near[inside(shape, points_m[near])]
        errors = np.count_nonzero(points.class_id[rows] == TrendClass.PUE)
        if not (counts_errors and errors > len(members)):
            found.append(Outlined(members, shape, rows))
    return found


def _numbers(
    points: AreaPoints,
    area: Outlined,
    series: MemberSeries | None,
    of_mover: Indices,
    block: Mapping[str, Any],
    settings: AreaSettings,
) -> dict[str, Any]:
    """Return the columns of an area but its number."""
    count = max(len(area.rows), len(area.members))
    numbers = area_numbers(points, area.members, series, of_mover[area.members], with_series=settings.series)
    if numbers.get("displacement_mm") is None:
        numbers["displacement_mm"] = _displacement(points.motion.rate[area.members], block)
    return {
        **numbers,
        "moving_points": len(area.members),
        "points": count,
        "moving_share": len(area.members) / count,
        "area_m2": float(area.shape.area),
    }


def _displacement(rate: Floats, block: Mapping[str, Any]) -> float | None:
    """Return the largest displacement of a point by its rate over the span of the dates; None if one is not known."""
    dates = (block.get("input") or {}).get("dates") or []
    known = rate[np.isfinite(rate)]
    if len(dates) < 2 or not len(known):
        return None
    span_days = (date.fromisoformat(dates[-1]) - date.fromisoformat(dates[0])).days
    return float(known[np.argmax(np.abs(known))] * span_days / DAYS_PER_YEAR)


def _in_system(plane: LocalPlane, shape: Any) -> Any:
    """Return a shape in metres in the system of the table."""
    moved = require("shapely", "an outline").transform(shape, plane.to_system)
    return cut_at_antimeridian(moved) if plane.is_in_degrees else moved
