"""List tables: one row per point, the series as a list of float32 in mm, the dates once in the metadata."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.join_steps import JOINS_KEY
from insar_runtime._input.layout import DATES_KEY, UNIT_KEY, resolve_layout
from insar_runtime._input.position import Position, read_points
from insar_runtime._output.atomic import Sink
from insar_runtime._output.geoparquet import (
    GEOMETRY_FIELDS,
    PointBounds,
    choose_geometry,
    geo_metadata,
    point_columns,
)
from insar_runtime._output.run_metadata import METADATA_KEY
from insar_runtime._output.sinks import open_table
from insar_runtime._version import __version__
from insar_runtime.errors import DataError

_SERIES_NAMES: Final = ("displacement", "displacements", "displacement_mm", "timeseries")


class ListTable:
    """A table with the series as lists that is written batch by batch; formats without lists get a column a date.

    Parameters
    ----------
    fields : sequence of pyarrow.Field
        Columns before the series.
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    position : Position, optional
        Columns of the positions.
    proven : bool
        Whether the unit of the input is known rather than assumed; the output then states its unit.
    block : mapping
        Facts about the input for the metadata, by the names that they have in our block. What they hold may change
        while rows are written.
    metadata : mapping of str to str
        Metadata of the input, which may describe a geometry column that is kept.
    joins : iterable of datetime64[D]
        First dates after joins of releases.
    names_series : bool
        Whether the metadata name the column of the series, which formats without lists need.

    Raises
    ------
    DataError
        There are no dates, or a kept column would be read as dates or series.
    """

    def __init__(
        self,
        fields: Sequence[pa.Field],
        dates: NDArray[np.datetime64],
        *,
        position: Position | None,
        proven: bool,
        block: Mapping[str, Any],
        metadata: Mapping[str, str] | None = None,
        joins: Iterable[np.datetime64] = (),
        names_series: bool = False,
    ) -> None:
        if not len(dates):
            raise DataError("the table has no dates, and no row that could have any: there is nothing to convert")
        names = [field.name for field in fields]
        self.series = next(name for name in _SERIES_NAMES if name not in names)
        self.rows = 0
        self._block = block
        self._names_series = names_series
        self._width = len(dates)
        self._bounds = PointBounds()
        self._input_geo, self._position = choose_geometry(metadata or {}, names, position)
        stated = {UNIT_KEY: "mm"} if proven else None
        series = pa.field(self.series, pa.list_(pa.float32(), self._width), metadata=stated)
        geometry = GEOMETRY_FIELDS if self._position else ()
        self._known = {DATES_KEY: json.dumps([str(day) for day in dates])}
        if joined := [str(day) for day in joins]:
            self._known[JOINS_KEY] = json.dumps(joined)
        self.schema = pa.schema([*fields, series, *geometry]).with_metadata(self._metadata())
        read = resolve_layout(self.schema)
        if read.columns != (self.series,) or read.dates_column is not None or not np.array_equal(read.dates, dates):
            raise DataError(f"columns {', '.join(names)} hold dates or series besides the one that is used: drop them")

    @contextmanager
    def open(self, path: Path, *, overwrite: bool) -> Iterator[Sink]:
        """Open the file for writing; it appears whole or not at all."""
        with open_table(path, self.schema, self._metadata, overwrite=overwrite) as sink:
            yield sink

    def batch(self, columns: Sequence[pa.Array], matrix: NDArray[np.float32]) -> pa.RecordBatch:
        """Return a batch of columns and displacements [N, T] in mm, and add it to the counts."""
        values = pa.array(np.ascontiguousarray(matrix).ravel())
        arrays = [*columns, pa.FixedSizeListArray.from_arrays(values, self._width)]
        if self._position:
            plain = pa.RecordBatch.from_arrays(arrays, names=self.schema.names[: len(arrays)])
            points = read_points(plain, self._position)
            self._bounds.add(points)
            arrays += point_columns(points)
        self.rows += len(matrix)
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _metadata(self) -> Mapping[str, str]:
        block = {"package": "insar-runtime", "package_version": __version__, **self._block}
        described: dict[str, Any] = {}
        if self._names_series:
            position = asdict(self._position) if self._position else None
            described = {"series": self.series, "dates_column": None, "position": position}
        if JOINS_KEY in self._known:
            described["joins"] = json.loads(self._known[JOINS_KEY])
        if described:
            block["input"] = described
        metadata = {METADATA_KEY: json.dumps(block), **self._known}
        if self._position:
            metadata["geo"] = json.dumps(geo_metadata(self._bounds, self._position.crs))
        elif self._input_geo is not None:
            metadata["geo"] = self._input_geo
        return metadata
