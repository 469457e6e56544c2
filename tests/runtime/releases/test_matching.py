"""Points of two releases are matched one to one, whatever the order of the rows and whichever release is first."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime import DataError, UnavailableError, UsageError
from insar_runtime._releases.distances import common_coordinates, lengths
from insar_runtime._releases.matching import Matches, match_points
from insar_runtime._releases.nearest import nearest_pairs, typical_spacing_m
from insar_runtime._releases.points import PointCollector, ReleasePoints, id_texts

LAEA = "EPSG:3035"
NO_IDS = object()


def release(
    positions: Any = None, ids: Any = None, *, name: str = "file.parquet", system: Any = LAEA, count: int | None = None
) -> ReleasePoints:
    places = None if positions is None else np.array(positions, dtype=np.float64).reshape(-1, 2)
    rows = count if count is not None else len(places) if places is not None else len(ids)
    texts = None if ids is None else id_texts(pa.array(ids))
    return ReleasePoints(name, rows, texts, places, system)


def scattered(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform((4.5e6, 1.7e6), (4.502e6, 1.702e6), (count, 2))


def pairs_of(matches: Matches) -> set[tuple[int, int]]:
    return set(zip(matches.old_rows.tolist(), matches.new_rows.tolist(), strict=True))


@pytest.fixture
def without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "scipy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)


def test_equal_ids_are_one_point_in_any_type_of_column() -> None:
    old = release(ids=["3", "1", None, "7"])
    for ids in ([1, 3, 8], [1.0, 3.0, 8.0], pa.array(["1", "3", ""]).dictionary_encode()):
        found = match_points(old, release(ids=ids))
        assert pairs_of(found) == {(1, 0), (0, 1)}
        assert found.by_id.all()
        assert np.isnan(found.distance_m).all()
        assert found.limit_m is None


def test_missing_ids_are_no_point() -> None:
    found = match_points(release(ids=["a", "", None]), release(ids=["", None, "a"]))
    assert pairs_of(found) == {(0, 2)}


def test_ids_are_collected_batch_by_batch() -> None:
    collector = PointCollector("a.parquet", LAEA)
    collector.add(2, pa.array(["a", "b"]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    collector.add(1, pa.array([7]), np.array([[5.0, np.nan]]))
    points = collector.points()
    assert points.ids is not None
    assert points.ids.to_pylist() == ["a", "b", "7"]
    assert points.positions is not None
    assert points.positions.shape == (3, 2)
    nothing = PointCollector("b.parquet").points()
    assert (nothing.count, nothing.ids, nothing.positions) == (0, None, None)


def test_ids_are_matched_without_the_extra(without_scipy: None) -> None:
    places = scattered(50)
    ids = [f"p{i}" for i in range(50)]
    found = match_points(release(places, ids), release(places[:45] + 3, ids[:45]))
    assert len(found.old_rows) == 45
    assert np.allclose(found.distance_m, np.sqrt(18))
    # Points that are in one release only need positions, and those need scipy.
    some = match_points(release(places, ids), release(places, [*ids[:45], *"vwxyz"]))
    assert len(some.old_rows) == 45
    assert some.note is not None
    assert "not matched by position" in some.note
    assert "insar-runtime[spatial]" in some.note
    with pytest.raises(UnavailableError, match=r"pip install 'insar-runtime\[spatial\]'"):
        match_points(release(places), release(places))


def test_points_of_new_ids_are_matched_by_position(scipy: Any) -> None:
    places = scattered(400)
    order = np.random.default_rng(1).permutation(400)
    new_ids = [f"p{i}" if i < 300 else f"other {i}" for i in order]
    found = match_points(
        release(places, [f"p{i}" for i in range(400)]),
        release(places[order] + np.random.default_rng(2).normal(0, 0.5, (400, 2)), new_ids),
    )
    assert pairs_of(found) == {(int(old), row) for row, old in enumerate(order)}
    assert np.count_nonzero(found.by_id) == 300
    assert found.limit_m is not None
    assert 5 <= found.limit_m <= 50
    assert found.distance_m.max() < found.limit_m


def test_equal_ids_far_apart_are_two_points(scipy: Any) -> None:
    places = scattered(100)
    moved = places.copy()
    moved[7] += 5000
    found = match_points(release(places, range(100)), release(moved, range(100)))
    assert len(found.old_rows) == 99
    assert found.other_places == 1


def test_ids_that_mean_other_points_are_refused() -> None:
    places = scattered(100)
    with pytest.raises(
        DataError, match=r"98 of 100 equal ids lie more than 100 m apart \(median 1\.17 km\); match by position"
    ):
        match_points(release(places, range(100), name="old.csv"), release(places[::-1], range(100), name="new.csv"))


def test_by_position_ids_do_not_count(scipy: Any) -> None:
    places = scattered(100)
    found = match_points(release(places, range(100)), release(places[::-1], range(100)), by="position")
    assert pairs_of(found) == {(i, 99 - i) for i in range(100)}
    assert not found.by_id.any()


def test_repeated_ids_are_refused_with_an_example() -> None:
    good, bad = release(ids=["a", "b", "c", "d"]), release(ids=["a", "b", "b", "b", None, None], name="bad.csv")
    with pytest.raises(DataError, match=r"2 rows of bad\.csv have the id of another row, such as 'b'"):
        match_points(good, bad)
    with pytest.raises(DataError, match=r"2 rows of bad\.csv"):
        match_points(bad, good, by="id")


@pytest.mark.parametrize(
    ("old", "new", "by", "words"),
    [
        (release(scattered(9), name="o"), release(ids="abc", name="n"), "auto", "o has no ids, and n no coordinates"),
        (release(scattered(9), name="o"), release(ids="abc", name="n"), "id", "o has no ids; name their column"),
        (release(scattered(9), name="o"), release(ids="abc", name="n"), "position", "n has no coordinates"),
        (release([[np.nan, 1.0]], name="o"), release(scattered(9)), "position", "o has no coordinates"),
        (release(ids=[], name="o"), release(ids="abc"), "auto", "o has no points"),
        (
            release(ids="abcdefgh", name="o"),
            release(ids="aijklmnop", name="n"),
            "id",
            "o and n share 1 of 8 points; give",
        ),
        (release(scattered(9), system=None, name="o"), release(scattered(9)), "auto", "o have no known system"),
    ],
)
def test_what_cannot_be_matched_is_refused_in_one_line(
    old: ReleasePoints, new: ReleasePoints, by: Any, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        match_points(old, new, by=by)


@pytest.mark.parametrize("distance", [0.0, -1.0, np.inf, np.nan])
def test_a_distance_is_positive(distance: float) -> None:
    with pytest.raises(UsageError, match="give a positive one"):
        match_points(release(ids="a"), release(ids="a"), within_m=distance)


def test_releases_of_different_places_are_refused_with_numbers(scipy: Any) -> None:
    places = scattered(200)
    words = r"old share 0 of 150 points within .* m, and their middles lie 4\d\.\d km apart; .* distance \(--within\)"
    with pytest.raises(DataError, match=words):
        match_points(release(places, name="old"), release(places[:150] + 30_000, name="old"))


def test_unrelated_points_of_one_place_are_refused(scipy: Any) -> None:
    """As of two tracks: some lie near each other by chance."""
    with pytest.raises(DataError, match="of one place"):
        match_points(release(scattered(3000, 1)), release(scattered(3000, 2)))


def test_degrees_and_metres_of_one_place_are_compared(scipy: Any) -> None:
    pyproj = pytest.importorskip("pyproj", reason="extra spatial is not installed")
    places = scattered(300)
    x, y = pyproj.Transformer.from_crs(LAEA, "OGC:CRS84", always_xy=True).transform(*places.T)
    degrees = release(np.stack([x, y], axis=1), system="OGC:CRS84")
    for system in (LAEA, pyproj.CRS(LAEA).to_json_dict()):
        found = match_points(release(places, system=system), degrees)
        assert pairs_of(found) == {(i, i) for i in range(300)}
        assert found.distance_m.max() < 0.01


def test_degrees_under_a_system_in_metres_are_refused(scipy: Any) -> None:
    degrees = scattered(300) / 1e6
    assert (np.abs(degrees) < 90).all()
    with pytest.raises(DataError, match="in degrees, and EPSG:32633 is in metres"):
        match_points(release(degrees, system="EPSG:32633"), release(degrees, system="EPSG:32633"))


def test_distances_in_degrees_are_those_of_the_ellipsoid() -> None:
    pyproj = pytest.importorskip("pyproj", reason="extra spatial is not installed")
    rng = np.random.default_rng(0)
    start = rng.uniform((-180, -89), (180, 89), (500, 2))
    azimuth, wanted = rng.uniform(0, 360, 500), rng.uniform(0, 2000, 500)
    x, y, _ = pyproj.Geod(ellps="WGS84").fwd(*start.T, azimuth, wanted)
    both = common_coordinates(release(start, system="OGC:CRS84"), release(np.stack([x, y], 1), system="EPSG:4258"))
    assert both is not None
    assert np.abs(lengths(both[0] - both[1]) - wanted).max() < 0.001


PLACES = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=25)
"""On a coarse grid, so that equal distances and points at one place are frequent."""


def greedy(old: np.ndarray, new: np.ndarray, limit: float) -> list[float]:
    """Distances of the pairs by definition: the two nearest points, then the two nearest of the rest, ..."""
    left_old, left_new, found = list(range(len(old))), list(range(len(new))), []
    while left_old and left_new:
        distance, i, j = min((float(np.hypot(*(old[i] - new[j]))), i, j) for i in left_old for j in left_new)
        if distance > limit:
            break
        found.append(distance)
        left_old.remove(i)
        left_new.remove(j)
    return found


@settings(max_examples=150)
@given(old=PLACES, new=PLACES, limit=st.floats(0.1, 6), seed=st.integers(0, 99))
def test_pairs_are_one_to_one_symmetric_and_independent_of_the_order(
    old: list[tuple[int, int]], new: list[tuple[int, int]], limit: float, seed: int
) -> None:
    pytest.importorskip("scipy", reason="extra spatial is not installed")
    a, b = (np.array(places, dtype=np.float64).reshape(-1, 2) for places in (old, new))
    ids = pa.array([f"o{i}" for i in range(len(a))]), pa.array([f"n{i}" for i in range(len(b))])
    pairs, distance = nearest_pairs(a, b, limit, ids=ids)
    # One to one, within the distance.
    assert all(len(set(side)) == len(pairs) for side in pairs.T.tolist())
    assert np.allclose(distance, lengths(a[pairs[:, 0]] - b[pairs[:, 1]]))
    assert (distance <= limit).all()
    # No point without a partner lies nearer to another one than that one to its partner.
    of_old, of_new = np.full(len(a), np.inf), np.full(len(b), np.inf)
    of_old[pairs[:, 0]] = of_new[pairs[:, 1]] = distance
    for i in range(len(a)):
        apart = lengths(b - a[i])
        assert not ((apart < of_old[i]) & (apart < of_new) & (apart <= limit)).any()
    if len(set(old + new)) == len(old) + len(new):
        every = [round(float(np.hypot(*(p - q))), 9) for p in a for q in b]
        if len(set(every)) == len(every):
            assert sorted(distance.tolist()) == pytest.approx(sorted(greedy(a, b, limit)))
    # Whichever is first, and in whatever order.
    swapped, _ = nearest_pairs(b, a, limit, ids=ids[::-1])
    assert {tuple(pair) for pair in swapped.tolist()} == {(j, i) for i, j in pairs.tolist()}
    rng = np.random.default_rng(seed)
    p, q = rng.permutation(len(a)), rng.permutation(len(b))
    mixed, _ = nearest_pairs(a[p], b[q], limit, ids=(ids[0].take(pa.array(p)), ids[1].take(pa.array(q))))
    assert {(p[i], q[j]) for i, j in mixed.tolist()} == {(i, j) for i, j in pairs.tolist()}


def test_a_chain_of_ever_nearer_points_is_matched(scipy: Any) -> None:
    """Each point has a nearer one on its other side: more rounds than are taken at once."""
    places = np.cumsum(np.linspace(2, 1, 401))
    line = np.stack([places, np.zeros(401)], axis=1)
    pairs, distance = nearest_pairs(line[::2], line[1::2], 5.0)
    assert len(pairs) == 200
    assert np.allclose(np.sort(distance), np.sort(np.diff(places)[1::2]))


def test_a_distance_that_pairs_all_with_all_is_refused(scipy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insar_runtime._releases.nearest._MOST_PAIRS", 5000)
    places = scattered(100)
    with pytest.raises(UsageError, match="give a smaller --within"):
        match_points(release(places), release(places), within_m=1e5)
    assert len(match_points(release(places), release(places), within_m=10.0).old_rows) == 100


def test_one_point_and_points_of_one_place_are_matched(scipy: Any) -> None:
    one = release([[4.5e6, 1.7e6]])
    found = match_points(one, release([[4.5e6 + 3, 1.7e6]]))
    assert (pairs_of(found), found.limit_m) == ({(0, 0)}, 50)
    heap = release(np.tile([[4.5e6, 1.7e6]], (30, 1)))
    assert len(pairs_of(match_points(heap, heap))) == 30


def test_the_spacing_is_that_to_the_nearest_other_place(scipy: Any) -> None:
    grid = np.stack(np.meshgrid(np.arange(20) * 30.0, np.arange(20) * 30.0), axis=-1).reshape(-1, 2)
    assert typical_spacing_m(np.concatenate([grid, grid, [[np.nan, 0.0]]])) == 30
    assert typical_spacing_m(np.zeros((5, 2))) == np.inf
    one = release(grid, system=LAEA)
    assert match_points(one, replace(one, positions=grid + 1)).limit_m == 15
