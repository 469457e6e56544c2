"""One run over one table: classify batch by batch, count, and say where the classes come from."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._diagnosis.options import COUNTS
from insar_runtime._engine.runner import ModelRunner
from insar_runtime._input.layout import DATES_KEY
from insar_runtime._input.position import read_points
from insar_runtime._input.source import Source
from insar_runtime._input.table import TableDescription
from insar_runtime._output.atomic import Sink
from insar_runtime._output.geoparquet import (
    GEOMETRY_FIELDS,
    PointBounds,
    choose_geometry,
    geo_metadata,
    point_columns,
)
from insar_runtime._output.run_metadata import METADATA_KEY, QUARANTINE_KEY
from insar_runtime._output.sinks import format_of, open_table
from insar_runtime._pipeline.batch import answer
from insar_runtime._pipeline.corrected import CorrectedTable, check_csv
from insar_runtime._pipeline.diagnosis_setup import DiagnoserCache
from insar_runtime._pipeline.provenance import provenance
from insar_runtime._pipeline.request import Request
from insar_runtime._pipeline.stream import beside, output_schema
from insar_runtime.classes import CLASS_NAMES, STATUS_NAMES, RowStatus
from insar_runtime.errors import InputOutputError
from insar_runtime.result import RESULT_SCHEMA


@dataclass(frozen=True, slots=True)
class Classified:
    """A batch of the output, where its points lie [N, 2] in their system, if known, and what goes elsewhere.

    That is: the rows for the quarantine, the rows with corrected series, and what the diagnosis counts.
    """

    batch: pa.RecordBatch
    points: NDArray[np.float64] | None
    bad: pa.RecordBatch | None
    corrected: pa.RecordBatch | None
    diagnosed: Mapping[str, int]


class Run:
    """What one run knows, and what it counts.

    Parameters
    ----------
    classifier : ModelRunner
        With the priors of this run.
    description : TableDescription
        Of the table.
    source : Source
        The table.
    request : Request
        What was asked for.
    identity : callable
        Gives what identifies input and run, for the metadata; called when the last row was written.
    quarantine : bool
        Whether rows that cannot be classified are given apart, too.
    diagnosers : DiagnoserCache, optional
        Of the table, where its rows are diagnosed.
    corrected : bool
        Whether the rows are given with corrected series, too.
    """

    def __init__(
        self,
        classifier: ModelRunner,
        description: TableDescription,
        source: Source,
        request: Request,
        *,
        identity: Callable[[], Mapping[str, str | None]],
        quarantine: bool = False,
        diagnosers: DiagnoserCache | None = None,
        corrected: bool = False,
    ) -> None:
        self._classifier = classifier
        self._understanding = description
        self._source = source
        self._request = request
        self._identity = identity
        self._quarantine = quarantine
        self._diagnosers = diagnosers
        self._diagnosed = Counter(dict.fromkeys(COUNTS, 0))
        self._corrected = CorrectedTable(description) if corrected else None
        self._schema = output_schema(description, keep_series=request.keep_series, diagnosed=diagnosers is not None)
        self._class_counts = np.zeros(len(CLASS_NAMES), dtype=np.int64)
        self._status_counts = np.zeros(len(STATUS_NAMES), dtype=np.int64)
        self._bounds = PointBounds()
        self._input_geo, self._position = choose_geometry(source.metadata, self._schema.names, description.position)
        self.rows = 0

    @contextmanager
    def open_outputs(
        self,
        outputs: Sequence[Path | str | BinaryIO],
        quarantine: Path | None,
        corrected: Path | None = None,
        *,
        overwrite: bool,
    ) -> Iterator[Callable[[Classified], None]]:
        """Open all outputs; what is yielded counts a batch and writes it to each of them."""
        if not all(isinstance(output, Path) for output in outputs):
            self._position = None  # geometry is a matter of files
        elif self._position:
            self._schema = pa.schema([*self._schema, *GEOMETRY_FIELDS])
        # What is known before the first row goes into the schema, where every Arrow reader sees it; the footer of
        # a file then gets the same keys with counts and bounds.
        self._schema = self._schema.with_metadata(self._metadata(self._provenance()))
        with ExitStack() as opened:
            sinks = [opened.enter_context(self._open(output, overwrite=overwrite)) for output in outputs]
            apart: Sink | None = None
            repaired: Sink | None = None
            if corrected is not None and self._corrected is not None:
                repaired = opened.enter_context(self._open_corrected(corrected, self._corrected, overwrite=overwrite))
            if quarantine is not None:
                apart = opened.enter_context(
                    open_table(quarantine, self._bad_schema, self._quarantine_footer, overwrite=overwrite)
                )

            def write(classified: Classified) -> None:
                self._count(classified)
                for sink in sinks:
                    sink.write(classified.batch)
                if repaired is not None and classified.corrected is not None:
                    repaired.write(classified.corrected)
                if apart is not None and classified.bad is not None:
                    apart.write(classified.bad)

            yield write

    def classify(self, classifier: ModelRunner, batch: pa.RecordBatch, first_row: int) -> Classified:
        """Classify a batch; may be called from several threads at once."""
        description = self._understanding
        found = answer(classifier, batch, first_row, description=description, diagnosers=self._diagnosers)
        columns = beside(description, batch, found, keep_series=self._request.keep_series)
        points = None
        bad = self._bad_rows(batch, found.columns) if self._quarantine else None
        if self._position:
            points = read_points(batch, self._position)
            columns = [*columns, *point_columns(points)]
        corrected = None
        if self._corrected is not None and found.diagnosis is not None:
            corrected = self._corrected.make(batch, found.diagnosis)
        return Classified(
            pa.RecordBatch.from_arrays(columns, schema=self._schema), points, bad, corrected, found.counts
        )

    def block(self) -> dict[str, Any]:
        """Give all that is to be known of the run, when it is over, as plain values."""
        counts = {"rows": self.rows, "classes": self._classes(), "statuses": self._statuses()}
        block = {**self._provenance(), **self._identity(), **counts}
        if self._diagnosers is not None:
            block["diagnosis"]["counts"] = dict(self._diagnosed)
        return block

    def _open_corrected(self, path: Path, table: CorrectedTable, *, overwrite: bool) -> AbstractContextManager[Sink]:
        if format_of(path) == "csv":
            check_csv(table.schema_of_input)

        def ours(block: dict[str, Any]) -> dict[str, str]:
            return {METADATA_KEY: json.dumps({**block, **table.described()})}

        schema = table.schema.with_metadata({**(table.schema.metadata or {}), **ours(self._provenance())})
        return open_table(path, schema, lambda: ours(self.block()), overwrite=overwrite)

    def _open(self, output: Path | str | BinaryIO, *, overwrite: bool) -> AbstractContextManager[Sink]:
        if isinstance(output, Path):
            return open_table(output, self._schema, self._footer, overwrite=overwrite)
        from insar_runtime._output.arrow import open_stream  # noqa: PLC0415 - most outputs are files

        if not isinstance(output, str):
            return open_stream(output, self._schema)
        if sys.stdout is None:
            raise InputOutputError("standard output is closed; open it, or name a file")
        return open_stream(sys.stdout.buffer, self._schema)

    def _count(self, classified: Classified) -> None:
        out = classified.batch
        self.rows += out.num_rows
        self._diagnosed.update(classified.diagnosed)
        class_id = out.column("class_id").to_numpy()
        self._class_counts += np.bincount(class_id[class_id >= 0], minlength=len(CLASS_NAMES))
        status = out.column("status").indices.to_numpy()
        self._status_counts += np.bincount(status, minlength=len(STATUS_NAMES))
        if classified.points is not None:
            self._bounds.add(classified.points)

    @property
    def _bad_schema(self) -> pa.Schema:
        return pa.schema([*self._understanding.schema, *RESULT_SCHEMA], metadata=self._understanding.schema.metadata)

    def _bad_rows(self, batch: pa.RecordBatch, out: pa.RecordBatch) -> pa.RecordBatch | None:
        """Give the rows that cannot be classified, as they came, with what was found of them."""
        bad = np.flatnonzero(out.column("status").indices.to_numpy() > RowStatus.ABSTAINED)
        if not len(bad):
            return None
        columns = [*batch.columns, *(out.column(name) for name in RESULT_SCHEMA.names)]
        return pa.RecordBatch.from_arrays(columns, schema=self._bad_schema).take(pa.array(bad))

    def _classes(self) -> dict[str, int]:
        return dict(zip(CLASS_NAMES, self._class_counts.tolist(), strict=True))

    def _statuses(self) -> dict[str, int]:
        counts = zip(STATUS_NAMES, self._status_counts.tolist(), strict=True)
        return {name: count for name, count in counts if count}

    def _footer(self) -> Mapping[str, str]:
        return self._metadata(self.block())

    def _quarantine_footer(self) -> Mapping[str, str]:
        return {METADATA_KEY: json.dumps({**self.block(), QUARANTINE_KEY: True})}

    def _provenance(self) -> dict[str, Any]:
        return provenance(self._classifier, self._understanding, self._source, self._request, self._diagnosers)

    def _metadata(self, block: dict[str, Any]) -> Mapping[str, str]:
        metadata = {METADATA_KEY: json.dumps(block)}
        if self._position:
            metadata["geo"] = json.dumps(geo_metadata(self._bounds, self._position.crs))
        elif self._input_geo is not None:
            metadata["geo"] = self._input_geo
        layout = self._understanding.layout
        if self._request.keep_series and layout.kind == "list":
            # In the file's order, as the lists are: kept series stay readable.
            metadata[DATES_KEY] = json.dumps([str(date) for date in layout.file_dates])
        return metadata
