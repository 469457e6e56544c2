"""Matching of the points of two releases: by id, else by position, one to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._findings.wording import counted
from insar_runtime._releases.distances import common_coordinates, lengths
from insar_runtime._releases.nearest import nearest_pairs, typical_spacing_m
from insar_runtime._releases.points import ReleasePoints
from insar_runtime.errors import DataError, InsarRuntimeError, UnavailableError, UsageError

MatchBy = Literal["auto", "id", "position"]
_Both = tuple[NDArray[np.float64], NDArray[np.float64]]

LEAST_SHARE: Final = 0.25
"""Least share of the points of the smaller release that are found in the larger one. Unrelated sets of points of one
place, such as two tracks, share a sixth within half of their median spacing if they lie at random: 1 - 2**(-1/4)."""
FARTHEST_SAME_ID_M: Final = 100.0
"""Points with equal ids that lie farther apart are two points. The positions of one scatterer differ between releases
by some metres, because its height does."""
_MOST_FAR: Final = 0.5
"""Share of equal ids that lie farther apart, above which ids mean other points."""
_LEAST_DISTANCE_M: Final = 5.0
_MOST_DISTANCE_M: Final = 50.0
"""Bounds of the distance within which positions are matched by default."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Points that both releases have.

    Attributes
    ----------
    old_rows, new_rows : ndarray of intp, shape [P]
        Rows of the pairs; no row occurs twice. `new_rows` increases.
    distance_m : ndarray of float64, shape [P]
        Distance of both positions; NaN where one is not known.
    by_id : ndarray of bool, shape [P]
        Whether the ids are equal; the others are nearest to each other.
    limit_m : float or None
        Distance within which positions were matched; None if none were.
    other_places : int
        Number of equal ids whose points lie more than ``FARTHEST_SAME_ID_M`` apart, and are no pairs.
    note : str or None
        Why points whose ids are in one release only were not matched by position.
    """

    old_rows: NDArray[np.intp]
    new_rows: NDArray[np.intp]
    distance_m: NDArray[np.float64]
    by_id: NDArray[np.bool_]
    limit_m: float | None
    other_places: int
    note: str | None


def match_points(
    old: ReleasePoints, new: ReleasePoints, *, by: MatchBy = "auto", within_m: float | None = None
) -> Matches:
    """Match the points of two releases, one to one.

    Equal ids are the same point. The points that are left are matched by position: the two nearest points are a pair,
    then the two nearest of the others, and so on, within a distance. So no two points without a partner lie within it,
    and the pairs depend neither on the order of the rows, nor on which release is the old one.

    Parameters
    ----------
    old, new : ReleasePoints
    by : {"auto", "id", "position"}
        Whether to match by ids, by positions, or by both, as far as the releases have them.
    within_m : float, optional
        Greatest distance of two positions of one point; by default half of the median distance of a point of the denser
        release to its nearest neighbour, and 5 to 50 m.

    Returns
    -------
    Matches

    Raises
    ------
    UsageError
        If the distance is not positive, or so large that it pairs everything with everything.
    DataError
        If there is nothing to match by, if ids repeat or mean other points, or if the releases share less than
        ``LEAST_SHARE`` of the points of the smaller one.
    UnavailableError
        If positions are needed, and scipy or pyproj is not installed.
    """
    if within_m is not None and not 0 < within_m < np.inf:
        raise UsageError(f"the distance is {within_m} m; give a positive one")
    has_ids = old.ids is not None and new.ids is not None
    has_positions = _is_placed(old) and _is_placed(new)
    _refuse_nothing(old, new, by, has_ids=has_ids, has_positions=has_positions)
    smaller = min(old.count, new.count)
    coordinates: _Both | None = None
    trouble: InsarRuntimeError | None = None
    if has_positions:
        try:
            coordinates = common_coordinates(old, new)
        except (DataError, UnavailableError) as error:
            trouble = error
    rows, distance, other_places = np.empty((0, 2), dtype=np.intp), np.empty(0), 0
    if has_ids and by != "position":
        rows, distance, other_places = _by_id(old, new, coordinates)
    by_id = np.ones(len(rows), dtype=np.bool_)
    limit_m = None
    if coordinates is not None and by != "id" and len(rows) < smaller:
        try:
            limit_m = within_m or _usual_distance_m(*coordinates)
            found, apart = _by_position(old, new, coordinates, rows, limit_m)
        except UnavailableError as error:
            limit_m, trouble = None, error
        else:
            rows, distance = np.concatenate([rows, found]), np.concatenate([distance, apart])
            by_id = np.concatenate([by_id, np.zeros(len(found), dtype=np.bool_)])
    if len(rows) < LEAST_SHARE * smaller:
        # What kept positions from being compared is why so few points were found.
        if trouble is not None and by != "id":
            raise trouble
        raise _other_places(old, new, coordinates, len(rows), limit_m, by)
    order = np.argsort(rows[:, 1])
    note = None
    if trouble is not None and by != "id":
        note = f"points whose ids are in one release only were not matched by position: {trouble}"
    return Matches(rows[order, 0], rows[order, 1], distance[order], by_id[order], limit_m, other_places, note)


def _is_placed(release: ReleasePoints) -> bool:
    return release.positions is not None and bool(np.isfinite(release.positions).all(axis=1).any())


def _refuse_nothing(old: ReleasePoints, new: ReleasePoints, by: MatchBy, *, has_ids: bool, has_positions: bool) -> None:
    """Refuse releases that have not both what they are to be matched by."""
    for release in (old, new):
        if not release.count:
            raise DataError(f"{release.name} has no points, so there is nothing to match; give two releases with rows")
    without_ids = next((one.name for one in (old, new) if one.ids is None), None)
    if by == "id" and not has_ids:
        raise DataError(
            f"{without_ids} has no ids; name their column with --id-column, or match by position (--match position)"
        )
    without_position = next((one.name for one in (old, new) if not _is_placed(one)), None)
    if by == "position" and not has_positions:
        raise DataError(
            f"{without_position} has no coordinates; name their columns with --lon-column and --lat-column, or match "
            "by id (--match id)"
        )
    if not has_ids and not has_positions:
        raise DataError(
            f"there is nothing to match by: {without_ids} has no ids, and {without_position} no coordinates; name "
            "their columns with --id-column, or with --lon-column and --lat-column"
        )


def _by_id(
    old: ReleasePoints, new: ReleasePoints, coordinates: _Both | None
) -> tuple[NDArray[np.intp], NDArray[np.float64], int]:
    """Return the rows of equal ids [P, 2], their distances [P], and the number of equal ids of two points."""
    for release in (old, new):
        _refuse_repeated_ids(release)
    found = pc.index_in(new.ids, value_set=old.ids, skip_nulls=True)
    new_rows = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
    old_rows = found.drop_null().to_numpy().astype(np.intp)
    rows = np.stack([old_rows, new_rows], axis=1)
    if coordinates is None:
        return rows, np.full(len(rows), np.nan), 0
    distance = lengths(coordinates[0][old_rows] - coordinates[1][new_rows])
    far = distance > FARTHEST_SAME_ID_M
    other_places = int(np.count_nonzero(far))
    if other_places > _MOST_FAR * len(rows):
        raise DataError(
            f"the ids of {old.name} and {new.name} mean other points: {other_places:,} of {len(rows):,} equal ids lie "
            f"more than {FARTHEST_SAME_ID_M:.0f} m apart (median {_length(float(np.nanmedian(distance)))}); match by "
            "position (--match position)"
        )
    return rows[~far], distance[~far], other_places


def _refuse_repeated_ids(release: ReleasePoints) -> None:
    ids: Any = release.ids
    repeated = len(ids) - ids.null_count - pc.count_distinct(ids, mode="only_valid").as_py()
    if not repeated:
        return
    counts: Any = pc.value_counts(ids.drop_null())
    example = counts.field("values").filter(pc.greater(counts.field("counts"), 1))[0].as_py()
    have = "has" if repeated == 1 else "have"
    raise DataError(
        f"{counted(repeated, 'row')} of {release.name} {have} the id of another row, such as {example!r}; make ids "
        "unique, name another column with --id-column, or match by position (--match position)"
    )


def _usual_distance_m(old: NDArray[np.float64], new: NDArray[np.float64]) -> float:
    spacing = min(typical_spacing_m(old), typical_spacing_m(new))
    return float(np.clip(spacing / 2, _LEAST_DISTANCE_M, _MOST_DISTANCE_M))


def _by_position(
    old: ReleasePoints, new: ReleasePoints, coordinates: _Both, matched: NDArray[np.intp], limit_m: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the rows of pairs of points without an equal id [P, 2], and their distances [P]."""
    left, places, ids = [], [], []
    for side, release in enumerate((old, new)):
        free = np.array(np.isfinite(coordinates[side]).all(axis=1))
        free[matched[:, side]] = False
        rows = np.flatnonzero(free)
        left.append(rows)
        places.append(coordinates[side][rows])
        ids.append(None if release.ids is None else release.ids.take(pa.array(rows)))
    pairs, distance = nearest_pairs(places[0], places[1], limit_m, ids=(ids[0], ids[1]))
    return np.stack([left[0][pairs[:, 0]], left[1][pairs[:, 1]]], axis=1), distance


def _other_places(
    old: ReleasePoints,
    new: ReleasePoints,
    coordinates: _Both | None,
    pairs: int,
    limit_m: float | None,
    by: MatchBy,
) -> DataError:
    """Return the error of two releases that share hardly a point."""
    smaller = min(old.count, new.count)
    within = "" if limit_m is None else f" within {limit_m:.3g} m"
    apart = ""
    if coordinates is not None:
        centres = np.stack([np.nanmedian(part, axis=0) for part in coordinates])
        apart = f", and their middles lie {_length(float(lengths(centres[:1] - centres[1:])[0]))} apart"
    if coordinates is None and by != "id":
        without = next(one.name for one in (old, new) if not _is_placed(one))
        return DataError(
            f"{old.name} and {new.name} share {pairs:,} of {smaller:,} ids, and {without} has no coordinates; give two "
            "releases of one place, or name their columns with --lon-column and --lat-column"
        )
    remedy = "give two releases of one place" + ("" if limit_m is None else ", or a larger distance (--within)")
    return DataError(f"{old.name} and {new.name} share {pairs:,} of {smaller:,} points{within}{apart}; {remedy}")


def _length(metres: float) -> str:
    return f"{metres / 1000:.3g} km" if metres >= 1000 else f"{metres:.3g} m"
