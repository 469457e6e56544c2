"""A stack of displacement maps on one grid, read in windows of bounded size with one row per pixel."""

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
"""Size of the series that are read at a time: 384 epochs of 256 by 256 pixels, the chunk of OPERA DISP-S1."""
_BATCH_BYTES: Final = 8 << 20
"""Size of the series that are transposed from maps to rows at a time."""

COHERENCES: Final = ("temporal_coherence", "coherence")

PixelIndices = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Line and pixel of each selected pixel, within a window."""


@dataclass(frozen=True, slots=True)
class Window:
    """Part of a map: lines from ``top`` to ``bottom`` and pixels from ``left`` to ``right``, without the last ones."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def part(self) -> tuple[slice, slice]:
        """Index of the window in an array with one value per pixel."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and pixels."""
        return self.bottom - self.top, self.right - self.left


@dataclass(frozen=True, slots=True)
class MapLayer:
    """An attribute of each pixel.

    Attributes
    ----------
    name : str
        Of the column.
    read : callable
        Returns the values of a window, float32 [lines, pixels], NaN = missing.
    source : str
        Dataset or file that they come from, with their unit.
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
        Producer of the stack.
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    shape : tuple of int
        Lines and pixels.
    chunk : tuple of int
        Lines and pixels of a chunk of the file.
    series : callable
        Returns the displacements of a window, float32 [T, lines, pixels], mm, positive towards the satellite, NaN =
        missing.
    positions : callable or None
        Returns longitude and latitude, float64, degrees, of some pixels of a window; None if they are not known.
    layers : tuple of MapLayer
    mask : callable or None
        Returns which pixels of a window the product keeps, bool [lines, pixels].
    reference : Window or None
        Reference area, in which all displacements are zero by definition; other pixels that are zero at all dates have
        no data.
    facts : dict
        Facts about the product for the metadata of the output.
    notes : tuple of str
        Remarks for people.
    """

    product: str
    dates: NDArray[np.datetime64]
    shape: tuple[int, int]
    chunk: tuple[int, int]
    series: Callable[[Window], NDArray[np.float32]]
    positions: Callable[[Window, PixelIndices], tuple[NDArray[np.float64], NDArray[np.float64]]] | None
    layers: tuple[MapLayer, ...]
    mask: Callable[[Window], NDArray[np.bool_]] | None
    reference: Window | None
    facts: dict[str, Any]
    notes: tuple[str, ...]

    @property
    def coherence(self) -> MapLayer | None:
        """The layer with the coherence of the pixels; None without one."""
        return next((layer for layer in self.layers if layer.name in COHERENCES), None)

    @property
    def fields(self) -> list[pa.Field]:
        """Columns of the output before the series."""
        place = [pa.field(name, pa.float64()) for name in ("latitude", "longitude")] if self.positions else []
        index = [pa.field(name, pa.int32()) for name in ("line", "pixel")]
        return [
            pa.field("point_id", pa.string()),
            *place,
            *index,
            *(pa.field(layer.name, pa.float32()) for layer in self.layers),
        ]


@dataclass(slots=True)
class PixelSelection:
    """Which pixels become rows, and counts of those that do not.

    Attributes
    ----------
    every : int
        Keep one of this number of lines, and of pixels.
    min_coherence : float or None
        Least coherence of a pixel.
    left_out : Counter
        Number of pixels that were left out, by reason; not of those skipped by ``every``.
    examined : int
        Number of pixels of the windows so far.
    """

    every: int = 1
    min_coherence: float | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    examined: int = 0


def windows(shape: tuple[int, int], chunk: tuple[int, int], epochs: int) -> Iterator[Window]:
    """Cut a map into windows from top to bottom, and from left to right if its full width is too large.

    The edges of windows are edges of chunks unless one chunk is too large, so that each chunk is read once.
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


def read_rows(cube: Cube, selection: PixelSelection) -> Iterator[tuple[list[pa.Array], NDArray[np.float32]]]:
    """Read a stack as rows, window by window and line by line within a window.

    Parameters
    ----------
    cube : Cube
    selection : PixelSelection
        Its counts are updated.

    Yields
    ------
    columns : list of pyarrow.Array
        Columns of ``cube.fields``.
    matrix : ndarray of float32, shape [N, T]
        Displacements in mm, NaN = missing.
    """
    for window in windows(cube.shape, cube.chunk, len(cube.dates)):
        selected = _selected(cube, window, selection)
        if selected.any():
            maps = cube.series(window)
            selected &= _with_data(cube, window, maps, selected, selection)
            yield from _rows_of(cube, window, maps, selected)
        selection.examined += selected.size


def _selected(cube: Cube, window: Window, selection: PixelSelection) -> NDArray[np.bool_]:
    """Return which pixels of a window are selected before their series are read."""
    selected = np.zeros(window.shape, dtype=bool)
    step = selection.every
    selected[-window.top % step :: step, -window.left % step :: step] = True
    if cube.mask is not None and selected.any():
        _leave_out(selected, cube.mask(window), "outside the mask", selection)
    if selection.min_coherence is not None and cube.coherence is not None and selected.any():
        enough = cube.coherence.read(window) >= selection.min_coherence  # False for a missing coherence
        _leave_out(selected, enough, f"{cube.coherence.name} below {selection.min_coherence:g}", selection)
    return selected


def _leave_out(selected: NDArray[np.bool_], keep: NDArray[np.bool_], reason: str, selection: PixelSelection) -> None:
    lost = selected & ~keep
    if lost.any():
        selection.left_out[reason] += int(np.count_nonzero(lost))
        selected &= keep


def _with_data(
    cube: Cube, window: Window, maps: NDArray[np.float32], selected: NDArray[np.bool_], selection: PixelSelection
) -> NDArray[np.bool_]:
    """Return which pixels have a value that is neither missing nor zero, or lie in the reference area."""
    data = np.zeros(window.shape, dtype=bool)
    for one in maps:
        data |= (one != 0) & ~np.isnan(one)
    if cube.reference is not None:
        top, left = cube.reference.top - window.top, cube.reference.left - window.left
        bottom, right = cube.reference.bottom - window.top, cube.reference.right - window.left
        part = slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))
        data[part] |= (maps[:, *part] == 0).all(axis=0)
    lost = int(np.count_nonzero(selected & ~data))
    if lost:
        selection.left_out["no data at any date"] += lost
    return data


def _rows_of(
    cube: Cube, window: Window, maps: NDArray[np.float32], selected: NDArray[np.bool_]
) -> Iterator[tuple[list[pa.Array], NDArray[np.float32]]]:
    where = np.nonzero(selected)
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
    """Return ids made of line and pixel, which do not depend on the selection."""
    return pc.binary_join_element_wise("y", line.cast(pa.string()), "x", pixel.cast(pa.string()), "")
