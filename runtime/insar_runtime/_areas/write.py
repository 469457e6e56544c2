"""Writing of areas: GeoPackage, GeoParquet, GeoJSON and CSV."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from insar_runtime._areas.detect import DetectedAreas
from insar_runtime._areas.geojson import geojson_parts
from insar_runtime._areas.geometry import AREA_GEOMETRY, geo_metadata, geometry_columns, well_known_text
from insar_runtime._areas.schema import area_schema
from insar_runtime._output.area_style import AREA_STYLE_NAME, area_style
from insar_runtime._output.atomic import OutputGroup
from insar_runtime._output.run_metadata import METADATA_KEY
from insar_runtime._output.sinks import add_table
from insar_runtime.errors import UsageError

FORMATS: Final = (".gpkg", ".parquet", ".geoparquet", ".pq", ".geojson", ".csv")


def check_format(path: Path) -> None:
    """Refuse the name of an output that has none of the extensions of areas.

    Raises
    ------
    UsageError
        If it has another one.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"output {path} has no extension for areas; name it {', '.join(FORMATS)}")


def add_areas(group: OutputGroup, path: Path, areas: DetectedAreas, block: Mapping[str, Any], *, series: bool) -> None:
    """Add the areas of a table to the outputs of a run, in the format of their extension.

    Parameters
    ----------
    group : OutputGroup
        The outputs of the run.
    path : Path
        Of the output; see ``FORMATS``.
    areas : DetectedAreas
        The areas.
    block : mapping
        Metadata of the run.
    series : bool
        Whether the areas have the columns of their series.

    Raises
    ------
    InsarRuntimeError
        If the output exists and must not be replaced, or cannot be written.
    """
    table = pa.Table.from_pylist(areas.numbers, schema=area_schema(series=series))
    metadata = {METADATA_KEY: json.dumps(block)}
    kind = path.suffix.lower()
    if kind == ".geojson":
        group.add_bytes(path, geojson_parts(table, areas.outlines, areas.system, block))
        return
    if kind == ".csv":
        plain = _texts(table).append_column(AREA_GEOMETRY, well_known_text(areas.outlines))
        plain = _with(plain, metadata)
        _write(add_table(group, path, plain.schema, lambda: metadata), plain)
        return
    multi = kind == ".gpkg"
    table = _texts(table) if multi else table
    for field, column in geometry_columns(areas.outlines, multi=multi):
        table = table.append_column(field, column)
    metadata["geo"] = json.dumps(geo_metadata(areas.outlines, areas.system, multi=multi))
    whole = _with(table, metadata)
    # The metadata of Parquet are those of the schema, and a key stands once in a file.
    known = (lambda: metadata) if multi else dict
    _write(add_table(group, path, whole.schema, known, style=(AREA_STYLE_NAME, area_style())), whole)


def _with(table: pa.Table, metadata: Mapping[str, str]) -> pa.Table:
    return table.replace_schema_metadata(dict(metadata))


def _write(sink: Any, table: pa.Table) -> None:
    for batch in table.combine_chunks().to_batches():
        sink.write(batch)


def _texts(table: pa.Table) -> pa.Table:
    """Return a table with lists as JSON."""
    for place, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            texts = [None if row is None else json.dumps(row, default=str) for row in table.column(place).to_pylist()]
            table = table.set_column(place, pa.field(field.name, pa.string()), pa.array(texts, pa.string()))
    return table
