"""The outputs of a run: what each of them holds, and the open files that batches are written to and counted in."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._diagnosis.options import COUNTS
from insar_runtime._findings.finding import Finding
from insar_runtime._input.join_steps import JOINS_KEY
from insar_runtime._input.layout import DATES_KEY
from insar_runtime._input.position import Position, read_points
from insar_runtime._output.atomic import OutputGroup, Sink
from insar_runtime._output.geoparquet import (
    GEOMETRY_FIELDS,
    PointBounds,
    choose_geometry,
    geo_metadata,
    point_columns,
)
from insar_runtime._output.run_metadata import METADATA_KEY, QUARANTINE_KEY
from insar_runtime._output.sinks import add_table, format_of
from insar_runtime._output.style import make_style
from insar_runtime._pipeline.batch import ClassifiedBatch
from insar_runtime._pipeline.corrected import CorrectedTable, check_csv
from insar_runtime._pipeline.output_files import OutputFiles
from insar_runtime._pipeline.plan import TablePlan
from insar_runtime._pipeline.series_sample import SampledSeries
from insar_runtime.classes import CLASS_NAMES, STATUS_NAMES, RowStatus
from insar_runtime.errors import InputOutputError
from insar_runtime.result import RESULT_SCHEMA


@dataclass(frozen=True, slots=True)
class OutputRows:
    """The rows of a batch as the outputs take them.

    Attributes
    ----------
    batch : pyarrow.RecordBatch
        For the outputs.
    points : ndarray of float64, shape [N, 2], or None
        Where the points lie in their system, if the outputs get a geometry.
    bad : pyarrow.RecordBatch or None
        Rows for the quarantine.
    corrected : pyarrow.RecordBatch or None
        The rows with corrected series.
    diagnosed : mapping of str to int
        Counts of the diagnosis.
    sampled : SampledSeries or None
        Series for the findings about the table.
    """

    batch: pa.RecordBatch
    points: NDArray[np.float64] | None
    bad: pa.RecordBatch | None
    corrected: pa.RecordBatch | None
    diagnosed: Mapping[str, int]
    sampled: SampledSeries | None = None


@dataclass(frozen=True, slots=True, eq=False)
class OutputPlan:
    """What the outputs of a run hold, fixed before the first row; may be shared between threads.

    Attributes
    ----------
    plan : TablePlan
        Of the table.
    schema : pyarrow.Schema
        Columns of the outputs, with their geometry.
    position : Position or None
        Columns that the geometry is made of, if the outputs get one.
    input_geo : str or None
        The ``geo`` value of the input, if its own geometry is kept.
    bad_schema : pyarrow.Schema or None
        Columns of the quarantine, if there is one.
    corrected : CorrectedTable or None
        The table with corrected series, if it is wanted.
    """

    plan: TablePlan
    schema: pa.Schema
    position: Position | None = None
    input_geo: str | None = None
    bad_schema: pa.Schema | None = None
    corrected: CorrectedTable | None = None

    @classmethod
    def of(cls, plan: TablePlan, files: OutputFiles, input_metadata: Mapping[str, str]) -> OutputPlan:
        """Plan the outputs.

        Parameters
        ----------
        plan : TablePlan
            Of the table.
        files : OutputFiles
            Where the rows are written.
        input_metadata : mapping of str to str
            Metadata of the input, which may describe its geometry.

        Raises
        ------
        DataError
            If corrected series are wanted, and the input was corrected before.
        """
        description, schema = plan.description, plan.schema
        corrected = CorrectedTable(description) if files.corrected is not None else None
        input_geo, position = choose_geometry(input_metadata, schema.names, description.position)
        if not files.are_files:
            position = None  # geometry is a matter of files
        elif position:
            schema = pa.schema([*schema, *GEOMETRY_FIELDS])
        bad_schema = None
        if files.quarantine is not None:
            bad_schema = pa.schema([*description.schema, *RESULT_SCHEMA], metadata=description.schema.metadata)
        return cls(plan, schema, position, input_geo, bad_schema, corrected)

    def rows(self, found: ClassifiedBatch) -> OutputRows:
        """Return a classified batch as the outputs take it."""
        batch, columns, points = found.batch, found.columns, None
        bad = None if self.bad_schema is None else _bad_rows(batch, found.added, self.bad_schema)
        if self.position:
            points = read_points(batch, self.position)
            columns = [*columns, *point_columns(points)]
        corrected = None
        if self.corrected is not None and found.diagnosis is not None:
            corrected = self.corrected.make(batch, found.diagnosis)
        out = pa.RecordBatch.from_arrays(columns, schema=self.schema)
        return OutputRows(out, points, bad, corrected, found.counts, found.sampled)


class OutputSet:
    """The open outputs of a run: they are written to batch by batch, and what they hold is counted.

    Parameters
    ----------
    plan : OutputPlan
        What they hold.
    provenance : mapping
        What is known of the run before the first row.
    fingerprint : callable
        Returns what identifies input and run, for the metadata; called after the last row was written.

    Attributes
    ----------
    rows : int
        Rows written so far.
    findings : sequence of Finding
        For the metadata; set after the last row.
    """

    def __init__(
        self, plan: OutputPlan, provenance: Mapping[str, Any], fingerprint: Callable[[], Mapping[str, str | None]]
    ) -> None:
        self._plan = plan
        self._provenance = provenance
        self._fingerprint = fingerprint
        self._class_counts = np.zeros(len(CLASS_NAMES), dtype=np.int64)
        self._status_counts = np.zeros(len(STATUS_NAMES), dtype=np.int64)
        self._diagnosed = Counter(dict.fromkeys(COUNTS, 0))
        self._bounds = PointBounds()
        self._sinks: list[Sink] = []
        self._corrected: Sink | None = None
        self._quarantine: Sink | None = None
        self.rows = 0
        self.findings: Sequence[Finding] = ()

    @property
    def statuses(self) -> dict[str, int]:
        """Number of rows by status, those that occur."""
        return {name: n for name, n in zip(STATUS_NAMES, self._status_counts.tolist(), strict=True) if n}

    @contextmanager
    def opened(self, files: OutputFiles, *, overwrite: bool, csv_safe: bool = False) -> Iterator[None]:
        """Open all outputs; they appear together at the end, each of them whole, or none does."""
        add = partial(add_table, csv_safe=csv_safe)
        # What is known before the first row goes into the schema, where every Arrow reader finds it; the footer of
        # a file then gets the same keys with counts and bounds.
        schema = self._plan.schema.with_metadata(self._metadata(self._provenance))
        with OutputGroup(overwrite=overwrite) as group, ExitStack() as streams:
            for output in files.outputs:
                if isinstance(output, Path):
                    sink = add(group, output, schema, lambda: self._metadata(self.block()))
                else:
                    sink = streams.enter_context(_open_stream(output, schema))
                self._sinks.append(sink)
            if files.corrected is not None and self._plan.corrected is not None:
                self._corrected = self._add_corrected(group, files.corrected, self._plan.corrected)
            if files.quarantine is not None:
                self._quarantine = add(group, files.quarantine, self._plan.bad_schema, self._quarantine_footer)
            for path in files.styles:
                read = self._provenance["input"]
                group.add_bytes(path, [make_style(read["id"], read["velocity"]).encode()])
            yield
            # A stream ends when all files are complete, and they get their names when it has ended.
            group.prepare()

    def write(self, rows: OutputRows) -> None:
        """Count the rows of a batch, and write them to each output."""
        self._count(rows)
        for sink in self._sinks:
            sink.write(rows.batch)
        if self._corrected is not None and rows.corrected is not None:
            self._corrected.write(rows.corrected)
        if self._quarantine is not None and rows.bad is not None:
            self._quarantine.write(rows.bad)

    def block(self) -> dict[str, Any]:
        """Return all that is to be known of the run, when it is over, as plain values."""
        classes = dict(zip(CLASS_NAMES, self._class_counts.tolist(), strict=True))
        counts = {"rows": self.rows, "classes": classes, "statuses": self.statuses}
        findings = [finding.to_dict() for finding in self.findings]
        block = {**self._provenance, **self._fingerprint(), **counts, "findings": findings}
        if "diagnosis" in block:
            block["diagnosis"] = {**block["diagnosis"], "counts": dict(self._diagnosed)}
        return block

    def _add_corrected(self, group: OutputGroup, path: Path, table: CorrectedTable) -> Sink:
        if format_of(path) == "csv":
            check_csv(table.schema_of_input)

        def metadata(block: Mapping[str, Any]) -> dict[str, str]:
            return {METADATA_KEY: json.dumps({**block, **table.described()})}

        schema = table.schema.with_metadata({**(table.schema.metadata or {}), **metadata(self._provenance)})
        return add_table(group, path, schema, lambda: metadata(self.block()))

    def _count(self, rows: OutputRows) -> None:
        out = rows.batch
        self.rows += out.num_rows
        self._diagnosed.update(rows.diagnosed)
        class_id = out.column("class_id").to_numpy()
        self._class_counts += np.bincount(class_id[class_id >= 0], minlength=len(CLASS_NAMES))
        status = out.column("status").indices.to_numpy()
        self._status_counts += np.bincount(status, minlength=len(STATUS_NAMES))
        if rows.points is not None:
            self._bounds.add(rows.points)

    def _quarantine_footer(self) -> Mapping[str, str]:
        return {METADATA_KEY: json.dumps({**self.block(), QUARANTINE_KEY: True})}

    def _metadata(self, block: Mapping[str, Any]) -> Mapping[str, str]:
        metadata = {METADATA_KEY: json.dumps(block)}
        if self._plan.position:
            metadata["geo"] = json.dumps(geo_metadata(self._bounds, self._plan.position.crs))
        elif self._plan.input_geo is not None:
            metadata["geo"] = self._plan.input_geo
        description = self._plan.plan.description
        layout = description.layout
        if self._plan.plan.keep_series and description.joins:
            metadata[JOINS_KEY] = json.dumps([str(join.date) for join in description.joins])
        if self._plan.plan.keep_series and layout.kind == "list":
            # In the file's order, as the lists are: kept series stay readable.
            metadata[DATES_KEY] = json.dumps([str(date) for date in layout.file_dates])
        return metadata


def _open_stream(output: str | BinaryIO, schema: pa.Schema) -> AbstractContextManager[Sink]:
    from insar_runtime._output.arrow_writer import open_stream  # noqa: PLC0415 - most outputs are files

    if not isinstance(output, str):
        return open_stream(output, schema)
    if sys.stdout is None:
        raise InputOutputError("standard output is closed; open it, or name a file")
    return open_stream(sys.stdout.buffer, schema)


def _bad_rows(batch: pa.RecordBatch, found: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch | None:
    """Return the rows that cannot be classified, as they came, with what was found of them."""
    bad = np.flatnonzero(found.column("status").indices.to_numpy() > RowStatus.ABSTAINED)
    if not len(bad):
        return None
    columns = [*batch.columns, *(found.column(name) for name in RESULT_SCHEMA.names)]
    return pa.RecordBatch.from_arrays(columns, schema=schema).take(pa.array(bad))
