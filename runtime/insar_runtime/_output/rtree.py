"""SQLite's R-tree of points or boxes, filled a block at a time in place of a row at a time (some twenty times faster).

SQLite keeps an R-tree in three ordinary tables (its documentation, "The SQLite R*Tree Module", and the head of its
rtree.c): nodes, the parent of each node, and the leaf of each row. A node is a header of two big-endian uint16, depth
(root only) and number of cells, followed by the cells: int64 row or child, then minx, maxx, miny, maxy as float32.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._output.gpkg_schema import quoted

_CELL: Final = np.dtype([("id", "i8"), ("minx", "f4"), ("maxx", "f4"), ("miny", "f4"), ("maxy", "f4")])
_CORNERS: Final = ("minx", "maxx", "miny", "maxy")
_HEADER_BYTES: Final = 4
_ROOT: Final = 1
_BLOCK_ROWS: Final = 65_536


class RTree:
    """Fills the R-tree of a table whose rows come in order.

    The rows of a block are sorted into leaves at once; of these only the boxes are kept, half a byte a row.
    """

    def __init__(self, database: sqlite3.Connection, name: str) -> None:
        self._database = database
        self._name = name
        database.execute(f"CREATE VIRTUAL TABLE {quoted(name)} USING rtree(id, minx, maxx, miny, maxy)")
        (self._node_bytes,) = database.execute(f"SELECT length(data) FROM {quoted(f'{name}_node')}").fetchone()
        self._capacity = (self._node_bytes - _HEADER_BYTES) // _CELL.itemsize
        self._next_node = _ROOT + 1
        self._leaves: list[NDArray[np.void]] = []
        self._waiting: list[NDArray[np.void]] = []
        self._waiting_rows = 0

    def add(
        self, rows: NDArray[np.int64], points: NDArray[np.float64], farthest: NDArray[np.float64] | None = None
    ) -> None:
        """Take the rows [N] of points [N, 2], without NaN; or of boxes from there to their farthest corners [N, 2]."""
        cells = np.empty(len(rows), dtype=_CELL)
        cells["id"] = rows
        ends = points if farthest is None else farthest
        for axis, (low, high) in enumerate((("minx", "maxx"), ("miny", "maxy"))):
            # Outwards, so that a box holds its point in float32 as well.
            near, far = points[:, axis].astype(np.float32), ends[:, axis].astype(np.float32)
            below, above = near > points[:, axis], far < ends[:, axis]
            cells[low] = np.where(below, np.nextafter(near, np.float32(-np.inf)), near)
            cells[high] = np.where(above, np.nextafter(far, np.float32(np.inf)), far)
        self._waiting.append(cells)
        self._waiting_rows += len(cells)
        if self._waiting_rows >= _BLOCK_ROWS:
            self._make_leaves()

    def finish(self) -> None:
        """Build the levels above the leaves."""
        self._make_leaves()
        if not self._leaves:
            return
        level = np.concatenate(self._leaves)
        depth = 1
        while len(level) > self._capacity:
            level = self._pack(level, "parent")
            depth += 1
        parents = [(int(child), _ROOT) for child in level["id"]]
        self._database.executemany(f"INSERT INTO {self._table('parent')} VALUES (?, ?)", parents)
        root = self._node(level, depth)
        self._database.execute(f"UPDATE {self._table('node')} SET data = ? WHERE nodeno = {_ROOT}", (root,))

    def _make_leaves(self) -> None:
        if self._waiting_rows:
            self._leaves.append(self._pack(np.concatenate(self._waiting), "rowid"))
        self._waiting, self._waiting_rows = [], 0

    def _pack(self, cells: NDArray[np.void], table: str) -> NDArray[np.void]:
        """Write cells into new nodes, and give the cells of these nodes."""
        cells = cells[_tile_order(cells, self._capacity)]
        starts = np.arange(0, len(cells), self._capacity)
        numbers = self._next_node + np.arange(len(starts))
        self._next_node += len(starts)
        nodes = [
            (int(number), self._node(cells[start : start + self._capacity], 0))
            for number, start in zip(numbers, starts, strict=True)
        ]
        self._database.executemany(f"INSERT INTO {self._table('node')} VALUES (?, ?)", nodes)
        owners = np.repeat(numbers, self._capacity)[: len(cells)]
        order = np.argsort(cells["id"])  # a table grows fastest at its end
        pairs = zip(cells["id"][order].tolist(), owners[order].tolist(), strict=True)
        self._database.executemany(f"INSERT INTO {self._table(table)} VALUES (?, ?)", pairs)
        boxes = np.empty(len(starts), dtype=_CELL)
        boxes["id"] = numbers
        for corner in _CORNERS:
            reduce = np.minimum if corner.startswith("min") else np.maximum
            boxes[corner] = reduce.reduceat(cells[corner], starts)
        return boxes

    def _table(self, part: str) -> str:
        return quoted(f"{self._name}_{part}")

    def _node(self, cells: NDArray[np.void], depth: int) -> bytes:
        header = np.array([depth, len(cells)], dtype=">u2").tobytes()
        return (header + cells.astype(_CELL.newbyteorder(">")).tobytes()).ljust(self._node_bytes, b"\0")


def _tile_order(cells: NDArray[np.void], capacity: int) -> NDArray[np.intp]:
    """Order cells so that those of a node lie close: slices by x, and by y in each (Leutenegger et al., ICDE 1997)."""
    slices = max(1, round(np.sqrt(len(cells) / capacity)))
    width = -(-len(cells) // (slices * capacity)) * capacity
    by_x = np.argsort(cells["minx"], kind="stable")
    group = np.arange(len(cells)) // width
    y = cells["miny"][by_x]
    return by_x[np.lexsort((y, group))]
