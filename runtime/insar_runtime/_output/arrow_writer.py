"""Arrow IPC: streams to a pipe, and files."""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from insar_runtime._output.atomic import Sink, check_count, flush_and_close, let_go
from insar_runtime._output.geometry import Geometry, find_geometry
from insar_runtime._output.output_checks import disk_errors


@contextmanager
def open_stream(stream: BinaryIO, schema: pa.Schema) -> Iterator[Sink]:
    """Write an Arrow IPC stream, such as to standard output; batches go out as they come.

    Of each batch those columns are written that the schema names.

    Raises
    ------
    InputOutputError
        If writing fails. A reader that went away is a BrokenPipeError instead.
    """
    where = Path("-")
    with disk_errors(where):
        writer = pa.ipc.new_stream(stream, schema)
    yield _StreamSink(writer, schema, where)
    with disk_errors(where):
        writer.close()
        stream.flush()


class ArrowWriter:
    """Writes an Arrow file: random access (``ARROW1``), or a stream.

    Its metadata stand in front of the rows, so they hold what is known then.
    """

    def __init__(self, path: Path, schema: pa.Schema, *, stream: bool) -> None:
        self._path = path
        self._schema = as_geoarrow(schema)
        self._is_stream = stream
        self._file = path.open("wb")
        self._writer = (pa.ipc.new_stream if stream else pa.ipc.new_file)(self._file, self._schema)
        self._rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""
        self._writer.write_batch(_select(batch, self._schema))
        self._rows += batch.num_rows

    def close(self, metadata: Mapping[str, str]) -> None:  # noqa: ARG002  # they go beside the file
        """End the file."""
        self._writer.close()
        flush_and_close(self._file)
        # By an open file, as names need not be UTF-8. The map is let go with the last reference to it.
        with self._path.open("rb") as written:
            file = pa.py_buffer(mmap.mmap(written.fileno(), 0, access=mmap.ACCESS_READ))
        reader = pa.ipc.open_stream(file) if self._is_stream else pa.ipc.open_file(file)
        pieces = reader if self._is_stream else (reader.get_batch(i) for i in range(reader.num_record_batches))
        check_count(sum(piece.num_rows for piece in pieces), self._rows)

    def abandon(self) -> None:
        """Let go of the file, whatever state it is in."""
        let_go(self._writer, self._file)


def as_geoarrow(schema: pa.Schema) -> pa.Schema:
    """Mark the geometry for readers of GeoArrow; the covering is Parquet's alone and falls away."""
    geometry = find_geometry(schema)
    if geometry is None:
        return schema
    fields = [field for field in schema if field.name != geometry.covering]
    place = next(i for i, field in enumerate(fields) if field.name == geometry.column)
    if geometry.encoding == "WKB":
        marks = {"ARROW:extension:name": "geoarrow.wkb", "ARROW:extension:metadata": json.dumps(_crs(geometry))}
        fields[place] = fields[place].with_metadata(marks)
    # The key describes Parquet columns.
    metadata = {key: value for key, value in (schema.metadata or {}).items() if key != b"geo"}
    return pa.schema(fields, metadata)


def _crs(geometry: Geometry) -> dict[str, object]:
    if geometry.crs is not None:
        return {"crs": geometry.crs, "crs_type": "projjson"}
    return {"crs": "OGC:CRS84", "crs_type": "authority_code"} if geometry.is_longitude_latitude else {}


def _select(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([batch.column(name) for name in schema.names], schema=schema)


class _StreamSink:
    def __init__(self, writer: pa.ipc.RecordBatchStreamWriter, schema: pa.Schema, where: Path) -> None:
        self._writer = writer
        self._schema = schema
        self._where = where

    def write(self, batch: pa.RecordBatch) -> None:
        with disk_errors(self._where):
            self._writer.write_batch(_select(batch, self._schema))
