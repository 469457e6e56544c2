"""Tables as files of every container, each written in one of the many ways that its writers have."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hostile.chance import happens, pick
from hostile.files.point_containers import pack_csv, write_dbf, write_geojson, write_geopackage, write_shapefile

_NULLS: Final = ("", "", "NaN", "nan", "NULL", "NA", "None")


def write_parquet(rng: np.random.Generator, table: pa.Table) -> bytes:
    """Return a table as Parquet: compression, encodings, pages and row groups differ."""
    options: dict[str, Any] = {
        "compression": pick(rng, ("none", "snappy", "gzip", "zstd", "lz4", "brotli")),
        "use_dictionary": happens(rng, 0.5),
        "row_group_size": int(rng.integers(1, 30)),
        "data_page_version": pick(rng, ("1.0", "2.0")),
        "data_page_size": pick(rng, (64, 1 << 20)),
        "write_page_checksum": happens(rng, 0.3),
        "write_page_index": happens(rng, 0.3),
        # Metadata of the table go with its schema.
        "store_schema": bool(table.schema.metadata) or happens(rng, 0.7),
        "version": pick(rng, ("1.0", "2.4", "2.6")),
        "write_statistics": happens(rng, 0.7),
    }
    if not options["use_dictionary"] and happens(rng, 0.3):
        floats = {f.name: "BYTE_STREAM_SPLIT" for f in table.schema if pa.types.is_float64(f.type)}
        if floats and len(floats) == len({f.name for f in table.schema if pa.types.is_float64(f.type)}):
            options["column_encoding"] = floats
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def write_arrow_file(rng: np.random.Generator, table: pa.Table) -> bytes:
    """Return a table as an Arrow IPC file."""
    return _write_ipc(rng, table, pa.ipc.new_file)


def write_arrow_stream(rng: np.random.Generator, table: pa.Table) -> bytes:
    """Return a table as an Arrow IPC stream."""
    return _write_ipc(rng, table, pa.ipc.new_stream)


def _write_ipc(rng: np.random.Generator, table: pa.Table, open_writer: Callable[..., Any]) -> bytes:
    if happens(rng, 0.3):
        table = _with_dictionaries(table)
    # pyarrow writes compressed buffers into version 4 without saying so: no reader can use such files.
    versions = pa.ipc.MetadataVersion
    compression = pick(rng, (None, None, "lz4", "zstd"))
    options = pa.ipc.IpcWriteOptions(
        compression=compression,
        metadata_version=versions.V4 if compression is None and happens(rng, 0.3) else versions.V5,
        emit_dictionary_deltas=open_writer is pa.ipc.new_stream and happens(rng, 0.3),
        unify_dictionaries=open_writer is pa.ipc.new_file and happens(rng, 0.3),
    )
    sink = io.BytesIO()
    with open_writer(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=int(rng.integers(1, 30)))
    return sink.getvalue()


def _with_dictionaries(table: pa.Table) -> pa.Table:
    columns = [
        column.combine_chunks().dictionary_encode() if pa.types.is_string(column.type) else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.schema.names).replace_schema_metadata(table.schema.metadata)


def write_csv(rng: np.random.Generator, table: pa.Table) -> bytes:
    """Return a table as CSV in one of its dialects."""
    separator = pick(rng, (",", ",", ";", "\t", "|"))
    null = pick(rng, _NULLS)
    text = io.StringIO()
    end = pick(rng, ("\n", "\n", "\r\n"))
    writer = csv.writer(text, delimiter=separator, lineterminator=end)
    if null == "" and happens(rng, 0.2):
        writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(table.schema.names)
    columns = [[_cell(value, null) for value in column.to_pylist()] for column in table.columns]
    writer.writerows(zip(*columns, strict=True))
    content = text.getvalue()
    if happens(rng, 0.1):
        content = f"sep={separator}{end}{content}"
    if happens(rng, 0.1):
        content = content.rstrip("\r\n")
    data = content.encode("utf-8", "surrogatepass")
    return b"\xef\xbb\xbf" + data if happens(rng, 0.15) else data


def _cell(value: Any, null: str) -> str:
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 - NaN
        return null
    return repr(value) if isinstance(value, float) else str(value)


def write_zip(rng: np.random.Generator, table: pa.Table) -> bytes:
    """Return a zip with a CSV, as a ground motion service delivers it, at times with an XML beside it."""
    sink = io.BytesIO()
    method = pick(
        rng, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    )
    name = pick(rng, ("EGMS_L2b_022_0845_IW2_VV.csv", "folder/table.csv", "ä.csv"))
    with zipfile.ZipFile(sink, "w", method) as archive:
        add_member(archive, name, write_csv(rng, table))
        if happens(rng, 0.5):
            text = f"<burst><product>L2b</product><rows>{len(table)}</rows></burst>"
            add_member(archive, name[:-4] + ".xml", text.encode())
    return sink.getvalue()


def add_member(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Add a member with a fixed time, so that the same case has the same bytes on any day."""
    info = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
    info.compress_type = archive.compression
    archive.writestr(info, data)


def _packed(kind: str) -> Callable[[np.random.Generator, pa.Table], bytes]:
    return lambda rng, table: pack_csv(rng, write_csv(rng, table), kind)


def write_transposed(rng: np.random.Generator, table: pa.Table) -> bytes:
    """Return a CSV with one row a date and one column a point, as ``convert`` reads it."""
    points, epochs = max(len(table), 1), int(rng.integers(3, 50))
    days = np.datetime64("2018-01-01") + 6 * np.arange(epochs)
    values = np.round(rng.normal(0, 3, (epochs, points)), 1)
    lines = [",".join(["date", *(f"p{number}" for number in range(points))])]
    lines += [",".join([str(day), *map(str, row)]) for day, row in zip(days, values, strict=True)]
    return ("\n".join(lines) + "\n").encode()


def write_mintpy(rng: np.random.Generator, table: pa.Table) -> bytes:
    """Return a small ``timeseries.h5`` as MintPy writes it; needs h5py."""
    import h5py  # noqa: PLC0415 - an extra

    epochs, lines, pixels = int(rng.integers(3, 40)), 4, max(len(table), 1)
    days = np.datetime64("2018-01-01") + 6 * np.arange(epochs)
    sink = io.BytesIO()
    with h5py.File(sink, "w") as file:
        values = rng.normal(0, 0.003, (epochs, lines, pixels)).astype(np.float32)
        file.create_dataset("timeseries", data=values, compression=pick(rng, (None, "gzip", "lzf")), chunks=True)
        file["date"] = np.array([str(day).replace("-", "").encode() for day in days])
        file["bperp"] = np.zeros(epochs, np.float32)
        file.attrs.update(
            {
                "FILE_TYPE": "timeseries",
                "UNIT": "m",
                "LENGTH": str(lines),
                "WIDTH": str(pixels),
                "WAVELENGTH": "0.05546576",
                "X_FIRST": "7.0",
                "Y_FIRST": "45.0",
                "X_STEP": "0.001",
                "Y_STEP": "-0.001",
                "X_UNIT": "degrees",
                "Y_UNIT": "degrees",
                "REF_DATE": str(days[0]).replace("-", ""),
            }
        )
    return sink.getvalue()


Writer = Callable[[np.random.Generator, pa.Table], bytes]
WRITERS: Final[dict[str, Writer]] = {
    "parquet": write_parquet,
    "arrow": write_arrow_file,
    "arrows": write_arrow_stream,
    "csv": write_csv,
    "zip": write_zip,
    "gpkg": write_geopackage,
    "shapefile": write_shapefile,
    "dbf": write_dbf,
    "csv.gz": _packed("csv.gz"),
    "csv.zst": _packed("csv.zst"),
    "csv.bz2": _packed("csv.bz2"),
    "geojson": write_geojson,
    "transposed": write_transposed,
    "h5": write_mintpy,
}
EXTENSIONS: Final = {**{kind: f".{kind}" for kind in WRITERS}, "transposed": ".csv", "shapefile": ".zip"}
"""Of the file of a container."""
