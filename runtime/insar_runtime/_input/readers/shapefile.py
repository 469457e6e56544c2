"""Shapefiles of points: a .dbf, with the .shp, .cpg and .prj beside it, in a folder or in a zip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.crs.system import UNKNOWN, ReferenceSystem, system_of_wkt
from insar_runtime._input.origin import Origin
from insar_runtime._input.point_geometry import geometry_name, wkb_points
from insar_runtime._input.readers.dbf_table import HELD_BYTES, DbfTable, open_dbf_table
from insar_runtime._input.readers.shp_points import HEADER_BYTES, PointReader, read_shape_type
from insar_runtime._input.readers.shp_siblings import find_sibling
from insar_runtime._input.source import Kind, Source, guess_row_bytes
from insar_runtime.errors import DataError

if TYPE_CHECKING:
    from insar_runtime._input.readers.zip_archive import Archive

_MOST_TEXT: Final = 1 << 16
"""Of a .cpg or .prj file."""
_PARTS: Final = 16
"""Places of a file that rows are taken from."""
_LEAST_SHAPE: Final = 12
"""Bytes of a record without a shape."""


@dataclass(frozen=True, slots=True)
class _Member:
    """A file of a shapefile, wherever it is."""

    name: str
    size: int
    open: Callable[[], Any]

    def text(self) -> str:
        with self.open() as stream:
            content: bytes = stream.read(_MOST_TEXT)
        return content.decode("utf-8-sig", "replace")


_Find = Callable[[str], _Member | None]


@dataclass(frozen=True, slots=True)
class _Points:
    """Where the points of a shapefile come from."""

    column: str
    member: _Member
    system: ReferenceSystem


def open_shapefile(path: Path, date_format: str | None) -> Source:
    """Open a shapefile by its .shp; the .dbf has to be beside it.

    Raises
    ------
    DataError
        It has no .dbf, holds no points, or is damaged.
    """
    if path.suffix.lower() == ".shx":
        raise DataError(f"{path} is the index of a shapefile: give the .shp, with its .dbf beside it")

    def find(suffix: str) -> _Member | None:
        sibling = path if suffix == ".shp" else find_sibling(path, suffix)
        return None if sibling is None else _Member(str(sibling), sibling.stat().st_size, lambda: sibling.open("rb"))

    return _open(str(path), (path.name,), "shapefile", find, date_format, needs_shapes=True)


def open_dbf(path: Path, date_format: str | None) -> Source:
    """Open a dBASE table by itself.

    Raises
    ------
    DataError
        It is damaged.
    """

    def find(suffix: str) -> _Member | None:
        if suffix not in {".dbf", ".cpg"}:
            return None
        sibling = path if suffix == ".dbf" else find_sibling(path, suffix)
        return None if sibling is None else _Member(str(sibling), sibling.stat().st_size, lambda: sibling.open("rb"))

    source = _open(str(path), (path.name,), "dbf", find, date_format, needs_shapes=False)
    shapes = find_sibling(path, ".shp")
    if shapes is None:
        return source
    note = f"the points of {shapes.name} beside it were left out: give that file for the table with its geometry"
    return replace(source, origin=replace(source.origin, notes=(*source.origin.notes, note)))


def open_zipped_shapefile(path: Path, archive: Archive, date_format: str | None) -> Source:
    """Open the shapefile, or the .dbf, in a zip.

    Raises
    ------
    DataError
        As the two others.
    """
    stem = archive.member[:-4].lower()
    members = {info.filename.lower(): info for info in archive.file.infolist()}

    def find(suffix: str) -> _Member | None:
        info = members.get(stem + suffix)
        return None if info is None else _Member(info.filename, info.file_size, lambda: archive.file.open(info))

    is_table = archive.member.lower().endswith(".dbf")
    kind: Kind = "dbf" if is_table else "shapefile"
    source = _open(str(path), (archive.member, path.name), kind, find, date_format, needs_shapes=not is_table)
    origin = replace(source.origin, notes=(*archive.notes, *source.origin.notes))
    # Members of a zip cannot be read from the middle.
    metadata = {"member": archive.member, **source.metadata}
    return replace(source, metadata=metadata, origin=origin, spread=None, pick=None)


def _open(
    name: str, file_names: tuple[str, ...], kind: Kind, find: _Find, date_format: str | None, *, needs_shapes: bool
) -> Source:
    table_file, shapes, page = find(".dbf"), find(".shp") if needs_shapes else None, find(".cpg")
    if table_file is None:
        raise DataError(f"{name} has no .dbf beside it, which holds the table of a shapefile: put it there")
    shape_type = 0
    if shapes is not None:
        with shapes.open() as stream:
            shape_type = read_shape_type(stream.read(HEADER_BYTES), name)
    code_page = None if page is None else page.text()
    table = open_dbf_table(table_file.open, table_file.size, Path(table_file.name).name, code_page, date_format)
    points, notes = None, list(table.notes)
    if shapes is not None and shape_type:
        _refuse_other_count(name, shapes, find(".shx"), table)
        prj = find(".prj")
        system = UNKNOWN if prj is None else system_of_wkt(prj.text())
        points = _Points(geometry_name(table.schema.names), shapes, system)
        notes += filter(None, [system.note("no .prj file" if prj is None else f"nothing in {Path(prj.name).name}")])
        if shape_type in {11, 18}:
            notes.append("heights in the geometry of the shapefile were left out: points are written as x and y")
    return _source(name, file_names, kind, table, points, tuple(notes))


def _refuse_other_count(name: str, shapes: _Member, index: _Member | None, table: DbfTable) -> None:
    """Refuse a .shp that cannot belong to its .dbf, as far as sizes say so."""
    records = table.header.records
    count = None if index is None else max(index.size - HEADER_BYTES, 0) // 8
    if count is not None and count != records:
        raise DataError(
            f"{name} has {count} shapes and its .dbf {records} records: both must be of one export: fetch or write "
            "them again"
        )
    if HEADER_BYTES + _LEAST_SHAPE * records > shapes.size:
        raise DataError(f"{name} is too short for the {records} records of its .dbf: fetch or write it again")


def _source(
    name: str, file_names: tuple[str, ...], kind: Kind, table: DbfTable, points: _Points | None, notes: tuple[str, ...]
) -> Source:
    schema, metadata = table.schema, dict[str, str]()
    if points is not None:
        metadata = {"geo": points.system.geo(points.column)}
        schema = pa.schema([*schema, pa.field(points.column, pa.binary())], metadata=metadata)
    read = _Reading(table, points, schema)
    return Source(
        name,
        kind,
        schema,
        table.rows,
        metadata,
        guess_row_bytes(schema),
        HELD_BYTES,
        Origin(file_names, notes=notes),
        lambda *_: read.batches(schema.names),
        read.batches,
        search=table.search,
        spread=None if table.deleted else read.spread,
        pick=None if table.deleted else read.pick,
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    """Read the rows of a shapefile: records of the .dbf, and the points of the .shp in the same order."""

    table: DbfTable
    points: _Points | None
    schema: pa.Schema

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Return all rows of some columns."""
        with ExitStack() as closing:
            reader = None
            if self.points is not None and self.points.column in names:
                stream = closing.enter_context(self.points.member.open())
                stream.read(HEADER_BYTES)
                reader = PointReader(stream, self.points.member.name)
            for _, records, alive in self.table.blocks():
                shapes = None if reader is None else reader.take(len(records))
                if alive.any():
                    geometry = None if shapes is None else wkb_points(shapes[alive])
                    yield self._batch(records if alive.all() else records[alive], names, geometry)
            if reader is not None:
                reader.finish()

    def spread(self, names: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        """Return at most so many rows of the columns of the .dbf, from all over the file."""
        known = [name for name in names if self.points is None or name != self.points.column]
        records, each = self.table.header.records, -(-rows // _PARTS)
        starts = np.unique(np.linspace(0, max(records - each, 0), _PARTS).astype(int))
        end = 0
        for start in starts.tolist():
            first = max(start, end)
            end = min(start + each, records)
            for _, block, _ in self.table.blocks(first, end - first):
                yield self._batch(block, known, None)

    def pick(self, names: Sequence[str], numbers: NDArray[np.intp]) -> Iterator[pa.RecordBatch]:
        """Return the rows of some numbers, with columns of the .dbf; records before the last of them are read."""
        known = [name for name in names if self.points is None or name != self.points.column]
        for first, records, _ in self.table.blocks(0, int(numbers[-1]) + 1 if len(numbers) else 0):
            inside = numbers[(numbers >= first) & (numbers < first + len(records))] - first
            if len(inside):
                yield self._batch(records[inside], known, None)

    def _batch(self, records: Any, names: Sequence[str], geometry: pa.Array | None) -> pa.RecordBatch:
        column = None if self.points is None else self.points.column
        cells = [name for name in names if name != column]
        arrays = dict(zip(cells, self.table.columns(records, cells), strict=True))
        if geometry is not None:
            arrays[str(column)] = geometry
        chosen = [name for name in names if name in arrays]
        schema = pa.schema([self.schema.field(name) for name in chosen])
        if len(chosen) == len(self.schema.names):
            schema = self.schema
        return pa.RecordBatch.from_arrays([arrays[name] for name in chosen], schema=schema)
