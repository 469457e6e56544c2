"""Tables as input of a conversion: the same rows and values, in another layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.producers import attribution_of
from insar_runtime._input.table import TableDescription, as_first
from insar_runtime._output.list_table import ListTable


@dataclass(frozen=True, slots=True)
class InputTable:
    """An open table with its description.

    Attributes
    ----------
    name, kind : str
        Name and container of its source.
    description : TableDescription
    batches : iterator of pyarrow.RecordBatch
    rows : int or None
        Number of rows, if known.
    metadata : dict of str to str
        Metadata of its source.
    """

    name: str
    kind: str
    description: TableDescription
    batches: Iterator[pa.RecordBatch]
    rows: int | None
    metadata: dict[str, str]

    def output(self) -> ListTable:
        """Return the output for its rows."""
        description = self.description
        layout = description.layout
        return ListTable(
            [description.schema.field(name) for name in layout.attributes],
            layout.dates,
            position=description.position,
            proven=description.units.evidence != "assumed",
            block={"converted": self._block()},
            metadata=self.metadata,
            joins=[join.date for join in description.joins],
        )

    def read(self) -> Iterator[tuple[list[pa.Array], NDArray[np.float32]]]:
        """Return attribute columns and displacements [N, T] in mm, NaN = missing, batch by batch."""
        description = self.description
        first_row = 0
        for each in self.batches:
            batch = as_first(each, description.schema)
            matrix = description.as_stored(batch, first_row)
            yield [batch.column(name) for name in description.layout.attributes], matrix
            first_row += batch.num_rows

    def _block(self) -> dict[str, Any]:
        layout, units = self.description.layout, self.description.units
        return {
            "product": layout.producer,
            "sources": [Path(self.name).name],
            "kind": self.kind,
            "layout": layout.kind,
            "unit": "mm",
            "source_unit": units.unit,
            "unit_evidence": units.evidence,
            "sign": units.sign,
            "attribution": attribution_of(layout.producer),
        }
