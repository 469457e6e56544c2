"""A stack of displacement maps as one row a pixel, read in windows of bounded size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_WINDOW_BYTES: Final = 96 << 20
"""Series that are read at a time: 384 epochs of a square of 256 pixels, the chunk of OPERA DISP-S1."""
_BATCH_BYTES: Final = 8 << 20
"""Series that are turned from maps to rows at a time."""

COHERENCES: Final = ("temporal_coherence", "coherence")

Where = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Lines and pixels within a window."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the map: lines from top to bottom, pixels from left to right, the ends not included."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def part(self) -> tuple[slice, slice]:
        """Index of an array with one value a pixel."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and pixels."""
        return self.bottom - self.top, self.right - self.left


@dataclass(frozen=True, slots=True)
class Layer:
    """An attribute of each pixel.

    Attributes
    ----------
    name : str
        Of the column.
    read : callable
        Gives the values of a window, float32 [lines, pixels], NaN = missing.
    source : str
        Where they come from and in what unit.
    """

    name: str
    read: Callable[[Window], NDArray[np.float32]]
    source: str


@dataclass(frozen=True, slots=True)
class Cube:
    """A stack of displacement maps on one grid.

    Attributes
    ----------
    product : str
        Who makes such stacks.
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    shape : tuple of int
        Lines and pixels.
    chunk : tuple of int
        Lines and pixels that the file holds together.
    series : callable
        Gives the displacements of a window, float32 [T, lines, pixels], mm, positive towards the satellite, NaN =
        missing.
    positions : callable or None
        Gives longitude and latitude in degrees, float64, of some pixels of a window; None if nothing tells them.
    layers : tuple of Layer
    mask : callable or None
        Gives what the product keeps of a window, bool [lines, pixels].
    reference : Window or None
        Where all displacements are zero by definition; elsewhere zeros at all dates mean that there are no data.
    facts : dict
        What the output's metadata say of the product.
    notes : tuple of str
        What a person should know.
    """

    product: str
    dates: NDArray[np.datetime64]
    shape: tuple[int, int]
    chunk: tuple[int, int]
    series: Callable[[Window], NDArray[np.float32]]
    positions: Callable[[Window, Where], tuple[NDArray[np.float64], NDArray[np.float64]]] | None
    layers: tuple[Layer, ...]
    mask: Callable[[Window], NDArray[np.bool_]] | None
    reference: Window | None
    facts: dict[str, Any]
    notes: tuple[str, ...]

    @property
    def coherence(self) -> Layer | None:
        """The layer that tells how far a pixel is to be trusted."""
        return next((layer for layer in self.layers if layer.name in COHERENCES), None)

    @property
    def fields(self) -> list[pa.Field]:
        """Columns before the series."""
        place = [pa.field(name, pa.float64()) for name in ("latitude", "longitude")] if self.positions else []
        index = [pa.field(name, pa.int32()) for name in ("line", "pixel")]
        return [
            pa.field("point_id", pa.string()),
            *place,
            *index,
            *(pa.field(layer.name, pa.float32()) for layer in self.layers),
        ]


@dataclass(slots=True)
class Picking:
    """Which pixels become rows, and how many do not.

    Attributes
    ----------
    every : int
        Take every so many-th line and pixel.
    min_coherence : float or None
        Least coherence.
    left_out : Counter
        Pixels that were looked at and left out, by reason.
    seen : int
        Pixels of the windows so far.
    """

    every: int = 1
    min_coherence: float | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    seen: int = 0


def windows(shape: tuple[int, int], chunk: tuple[int, int], epochs: int) -> Iterator[Window]:
    """Cut a map into windows from top to bottom, and from left to right where its full width is too much.

    Their edges are those of chunks wherever a chunk is not too large itself, so that each is read once.
    """
    lines, pixels = shape
    most = max(_WINDOW_BYTES // (4 * max(epochs, 1)), 1)
    high, wide = min(chunk[0], lines), pixels
    if high * wide <= most:
        high *= most // (high * wide)
    else:
        wide = max(most // high // chunk[1] * chunk[1], min(chunk[1], pixels, most))
        high = min(high, max(most // wide, 1))
    for top in range(0, lines, max(high, 1)):
        for left in range(0, pixels, wide):
            yield Window(top, min(top + high, lines), left, min(left + wide, pixels))


def rows(cube: Cube, picking: Picking) -> Iterator[tuple[list[pa.Array], NDArray[np.float32]]]:
    """Read a stack as rows: window by window, and in a window line by line.

    Parameters
    ----------
    cube : Cube
    picking : Picking
        Counts what is left out.

    Yields
    ------
    columns : list of pyarrow.Array
        As ``cube.fields``.
    matrix : ndarray of float32, shape [N, T]
        Displacements in mm, NaN = missing.
    """
    for window in windows(cube.shape, cube.chunk, len(cube.dates)):
        picked = _picked(cube, window, picking)
        if picked.any():
            maps = cube.series(window)
            picked &= _with_data(cube, window, maps, picked, picking)
            yield from _rows_of(cube, window, maps, picked)
        picking.seen += picked.size


def _picked(cube: Cube, window: Window, picking: Picking) -> NDArray[np.bool_]:
    """Say which pixels of a window are wanted, before their series are read."""
    picked = np.zeros(window.shape, dtype=bool)
    step = picking.every
    picked[-window.top % step :: step, -window.left % step :: step] = True
    if cube.mask is not None and picked.any():
        _leave_out(picked, cube.mask(window), "outside the mask", picking)
    if picking.min_coherence is not None and cube.coherence is not None and picked.any():
        enough = cube.coherence.read(window) >= picking.min_coherence  # a missing one is not enough
        _leave_out(picked, enough, f"{cube.coherence.name} below {picking.min_coherence:g}", picking)
    return picked


def _leave_out(picked: NDArray[np.bool_], keep: NDArray[np.bool_], reason: str, picking: Picking) -> None:
    lost = picked & ~keep
    if lost.any():
        picking.left_out[reason] += int(np.count_nonzero(lost))
        picked &= keep


def _with_data(
    cube: Cube, window: Window, maps: NDArray[np.float32], picked: NDArray[np.bool_], picking: Picking
) -> NDArray[np.bool_]:
    """Say which pixels have data: some value that is neither missing nor zero, or the reference's zeros."""
    data = np.zeros(window.shape, dtype=bool)
    for one in maps:
        data |= (one != 0) & ~np.isnan(one)
    if cube.reference is not None:
        top, left = cube.reference.top - window.top, cube.reference.left - window.left
        bottom, right = cube.reference.bottom - window.top, cube.reference.right - window.left
        part = slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))
        data[part] |= (maps[:, *part] == 0).all(axis=0)
    lost = int(np.count_nonzero(picked & ~data))
    if lost:
        picking.left_out["no data at any date"] += lost
    return data


def _rows_of(
    cube: Cube, window: Window, maps: NDArray[np.float32], picked: NDArray[np.bool_]
) -> Iterator[tuple[list[pa.Array], NDArray[np.float32]]]:
    where = np.nonzero(picked)
    layers = [layer.read(window)[where] for layer in cube.layers]
    step = max(_BATCH_BYTES // (4 * max(len(maps), 1)), 1)
    for start in range(0, len(where[0]), step):
        part = slice(start, start + step)
        some = where[0][part], where[1][part]
        line = pa.array((some[0] + window.top).astype(np.int32))
        pixel = pa.array((some[1] + window.left).astype(np.int32))
        place = [pa.array(values) for values in cube.positions(window, some)[::-1]] if cube.positions else []
        columns = [_ids(line, pixel), *place, line, pixel, *(pa.array(values[part]) for values in layers)]
        yield columns, np.ascontiguousarray(maps[:, *some].T)


def _ids(line: pa.Array, pixel: pa.Array) -> pa.Array:
    """Name pixels after their place in the map, which does not depend on what else is kept."""
    return pc.binary_join_element_wise("y", line.cast(pa.string()), "x", pixel.cast(pa.string()), "")
