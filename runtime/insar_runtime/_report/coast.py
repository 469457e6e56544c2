"""Coastline of a page: the part of the package's file that the extent of the points needs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._report.pack import Packed, pack
from insar_runtime._report.projections import FloatArray, projection_to

IntArray = NDArray[np.int64]

_SOURCE: Final = "Natural Earth, 1:10 million; it may lie some hundred metres off"
_FILE: Final = "coastline.npz"
"""Written by ``docs/coastline.py``."""
_AROUND: Final = 1.0
"""Width of the surroundings, in widths of the extent; most of what a map at half its scale shows."""
_LEAST: Final = {"degrees": 0.1, "metres": 10_000.0}
"""Least width of the surroundings."""


def coast_of(position: Mapping[str, Any] | None) -> tuple[dict[str, Any] | None, dict[str, Packed]]:
    """Return the coastline around the points of a page.

    Parameters
    ----------
    position : mapping or None
        Facts about the positions: ``kind``, ``system``, ``steps`` in a unit, and ``x0``, ``y0``, the lower left corner
        in steps, and ``size``, width and height in steps.

    Returns
    -------
    facts : dict or None
        ``source``, and ``scale`` and ``corner`` of a grid in the unit of the positions; None if no coast is near, or if
        the projection of the positions is not known.
    arrays : dict of str to Packed
        ``coast`` [K, 2], places in the grid, uint32; ``coastLengths``, vertices of each line.
    """
    if position is None:
        return None, {}
    steps, kind = position["steps"], position["kind"]
    low = np.array([position["x0"], position["y0"]]) / steps
    extent = np.array(position["size"]) / steps
    around = max(_AROUND * extent.max(), _LEAST[kind])
    box = np.stack([low - around, low + extent + around])
    found, scale, corner = _of_plane(position["system"], box) if kind == "metres" else _of_degrees(box)
    if not found:
        return None, {}
    facts = {"source": _SOURCE, "scale": scale.tolist(), "corner": corner.tolist()}
    return facts, {
        "coast": pack(np.concatenate(found).astype(np.uint32)),
        "coastLengths": pack(np.array([len(line) for line in found], dtype=np.uint32)),
    }


def _of_degrees(box: FloatArray) -> tuple[list[IntArray], FloatArray, FloatArray]:
    """Return the lines in a box of longitudes and latitudes, in places of the file's grid; its scale and corner."""
    scale, corner, lines, lengths = _read()
    box = (box - corner) / scale
    turn = round(360 / scale[0])
    # Longitudes may be counted to 360 degrees.
    shifts = (0, turn) if box[1, 0] > turn else (0,)
    found = [line for shift in shifts for line in cut(lines + np.array([shift, 0]), lengths, box)]
    return found, scale, corner


def _of_plane(system: str, box: FloatArray) -> tuple[list[IntArray], FloatArray, FloatArray]:
    """Return the lines in a box of a plane, in places of a grid of its unit; its scale and corner."""
    project = projection_to(system)
    if project is None:
        return [], np.ones(2), np.zeros(2)
    scale, corner, lines, lengths = _read()
    found = cut(project(lines * scale + corner), lengths, box)
    origin = np.floor(np.min([line.min(axis=0) for line in found], axis=0)) if found else np.zeros(2)
    return [np.round(line - origin).astype(np.int64) for line in found], np.ones(2), origin


def _read() -> tuple[FloatArray, FloatArray, IntArray, NDArray[np.int32]]:
    """Return scale and corner of the file's grid in degrees, the vertices of all lines in it, and their numbers."""
    with (files("insar_runtime._report") / _FILE).open("rb") as file, np.load(file) as stored:
        scale, corner, starts, lengths, deltas = (
            stored[name] for name in ("scale", "corner", "starts", "lengths", "steps")
        )
    return scale, corner, lines_of(starts, lengths, deltas), lengths + 1


def lines_of(starts: NDArray[np.int32], lengths: NDArray[np.int32], deltas: NDArray[np.int8]) -> IntArray:
    """Return the vertices [V, 2] of all lines, one line after the other.

    Parameters
    ----------
    starts : ndarray of int32, shape [L, 2]
        First vertices.
    lengths : ndarray of int32, shape [L]
        Steps of each line, one less than its vertices.
    deltas : ndarray of int8, shape [2, S]
        Steps from each vertex to the next one.
    """
    steps = deltas.T.astype(np.int64)
    before = np.concatenate([np.zeros((1, 2), np.int64), np.cumsum(steps, axis=0)])
    ends = np.cumsum(lengths)
    first = ends - lengths
    # A vertex is the start of its line and the steps of this line so far.
    step = np.repeat(first, lengths + 1) + _counted(lengths + 1)
    vertices: IntArray = (
        np.repeat(starts, lengths + 1, axis=0) + before[step] - np.repeat(before[first], lengths + 1, axis=0)
    )
    return vertices


def cut(vertices: NDArray[Any], lengths: NDArray[np.int32], box: NDArray[np.float64]) -> list[NDArray[Any]]:
    """Return the parts of lines whose segments may be inside a box [2, 2] of its lowest and highest corner.

    Vertices [V, 2] that are NaN are outside, with the segments from and to them.
    """
    below, above, unknown = vertices < box[0], vertices > box[1], np.isnan(vertices).any(axis=1)
    outside = (below[1:] & below[:-1]).any(axis=1) | (above[1:] & above[:-1]).any(axis=1) | unknown[1:] | unknown[:-1]
    outside[np.cumsum(lengths)[:-1] - 1] = True  # from the last vertex of a line to the first one of the next
    near = np.concatenate([[False], ~outside, [False]])
    (first,) = np.nonzero(near[1:] & ~near[:-1])
    (end,) = np.nonzero(near[:-1] & ~near[1:])
    return [vertices[a : b + 1] for a, b in zip(first, end, strict=True)]


def _counted(lengths: NDArray[np.int32]) -> IntArray:
    """Return 0, 1, ... for each of the lengths."""
    starts = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum(), dtype=np.int64) - np.repeat(starts, lengths)
