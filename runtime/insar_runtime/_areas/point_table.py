"""The point table with the area of each point."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._areas.schema import AREA_ID
from insar_runtime._input.opening import open_source
from insar_runtime._output.atomic import OutputGroup
from insar_runtime._output.run_metadata import METADATA_KEY
from insar_runtime._output.sinks import add_table
from insar_runtime._progress import Progress
from insar_runtime.errors import DataError

_GEO: Final = b"geo"


def add_point_table(
    group: OutputGroup,
    path: Path,
    source: Path,
    area_of_row: NDArray[np.int32],
    block: Mapping[str, Any],
    *,
    name: str | None = None,
    as_table: bool = False,
    progress: Progress | None = None,
) -> None:
    """Add a copy of a classified table with the column ``area_id`` to the outputs of a run.

    Parameters
    ----------
    group : OutputGroup
        The outputs of the run.
    path : Path
        Of the output, in any format that ``classify`` writes.
    source : Path
        The classified table.
    area_of_row : ndarray of int32, shape [N]
        Area of each row; 0 for none.
    block : mapping
        Metadata of the output.
    name : str, optional
        What messages call the table; by default its path.
    as_table : bool
        Whether a folder is one table in many files.
    progress : callable, optional
        Called with the number of rows done, and of all if known.

    Raises
    ------
    InsarRuntimeError
        If the table has such a column, or the output cannot be written.
    """
    with open_source(source, as_table=as_table) as table:
        if AREA_ID in table.schema.names:
            raise DataError(f"{name or table.name} has a column {AREA_ID} already; drop it, or leave --points out")
        old = table.schema.metadata or {}
        # Anybody may have written them, in any encoding.
        metadata = {
            key.decode("utf-8", "replace"): value.decode("utf-8", "replace")
            for key, value in old.items()
            if key == _GEO or key.startswith(b"insar_runtime:")
        }
        metadata[METADATA_KEY] = json.dumps(block)
        field = pa.field(AREA_ID, pa.int32())
        schema = pa.schema([*table.schema, field], metadata=metadata)
        sink = add_table(group, path, schema, lambda: metadata)
        first = 0
        for batch in table.batches():
            part = area_of_row[first : first + batch.num_rows]
            column = pa.array(part, pa.int32(), mask=part == 0)
            sink.write(pa.RecordBatch.from_arrays([*batch.columns, column], schema=schema))
            first += batch.num_rows
            if progress:
                progress(first, table.rows)
