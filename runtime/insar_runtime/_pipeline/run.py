"""One run over one table: classify batch by batch, count, and say where the classes come from."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import insar_runtime
from insar_runtime._input.layout import DATES_KEY
from insar_runtime._input.position import read_points
from insar_runtime._input.producers import attribution_of
from insar_runtime._input.sources import Source
from insar_runtime._input.understanding import Understanding
from insar_runtime._output.atomic import Sink
from insar_runtime._output.block import METADATA_KEY
from insar_runtime._output.points import (
    GEOMETRY_FIELDS,
    PointBounds,
    choose_geometry,
    geo_metadata,
    point_columns,
)
from insar_runtime._output.sinks import open_table
from insar_runtime._pipeline.request import Request
from insar_runtime._pipeline.stream import classify_batch, output_schema
from insar_runtime.classes import CLASS_NAMES, STATUS_NAMES, RowStatus
from insar_runtime.classifier import Classifier
from insar_runtime.errors import InputOutputError
from insar_runtime.result import RESULT_SCHEMA
from insar_runtime.summary import notes_on, notes_on_radar


@dataclass(frozen=True, slots=True)
class Classified:
    """A batch of the output, where its points lie [N, 2] in their system, if known, and the rows for the quarantine."""

    batch: pa.RecordBatch
    points: NDArray[np.float64] | None
    bad: pa.RecordBatch | None


class Run:
    """What one run knows, and what it counts.

    Parameters
    ----------
    classifier : Classifier
        With the priors of this run.
    understanding : Understanding
        Of the table.
    source : Source
        The table.
    request : Request
        What was asked for.
    identity : callable
        Gives what identifies input and run, for the metadata; called when the last row was written.
    quarantine : bool
        Whether rows that cannot be classified are given apart, too.
    """

    def __init__(
        self,
        classifier: Classifier,
        understanding: Understanding,
        source: Source,
        request: Request,
        *,
        identity: Callable[[], Mapping[str, str | None]],
        quarantine: bool = False,
    ) -> None:
        self._classifier = classifier
        self._understanding = understanding
        self._source = source
        self._request = request
        self._identity = identity
        self._quarantine = quarantine
        self._schema = output_schema(understanding, keep_series=request.keep_series)
        self._class_counts = np.zeros(len(CLASS_NAMES), dtype=np.int64)
        self._status_counts = np.zeros(len(STATUS_NAMES), dtype=np.int64)
        self._bounds = PointBounds()
        self._input_geo, self._position = choose_geometry(source.metadata, self._schema.names, understanding.position)
        self.rows = 0

    @contextmanager
    def open_outputs(
        self,
        outputs: Sequence[Path | str | BinaryIO],
        quarantine: Path | None,
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
            if quarantine is not None:
                apart = opened.enter_context(
                    open_table(quarantine, self._bad_schema, self._quarantine_footer, overwrite=overwrite)
                )

            def write(classified: Classified) -> None:
                self._count(classified)
                for sink in sinks:
                    sink.write(classified.batch)
                if apart is not None and classified.bad is not None:
                    apart.write(classified.bad)

            yield write

    def classify(self, classifier: Classifier, batch: pa.RecordBatch, first_row: int) -> Classified:
        """Classify a batch; may be called from several threads at once."""
        keep_series = self._request.keep_series
        out = classify_batch(classifier, self._understanding, batch, keep_series=keep_series, first_row=first_row)
        columns, points = out.columns, None
        bad = self._bad_rows(batch, out) if self._quarantine else None
        if self._position:
            points = read_points(batch, self._position)
            columns = [*columns, *point_columns(points)]
        return Classified(pa.RecordBatch.from_arrays(columns, schema=self._schema), points, bad)

    def block(self) -> dict[str, Any]:
        """Give all that is to be known of the run, when it is over, as plain values."""
        counts = {"rows": self.rows, "classes": self._classes(), "statuses": self._statuses()}
        return {**self._provenance(), **self._identity(), **counts}

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
        return {METADATA_KEY: json.dumps({**self.block(), "quarantine": True})}

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

    def _provenance(self) -> dict[str, Any]:
        """Give what a reader needs to know where the classes come from; no time, so equal runs are equal."""
        classifier, layout = self._classifier, self._understanding.layout
        units = self._understanding.units
        return {
            "package": "insar-runtime",
            "package_version": insar_runtime.__version__,
            "model": classifier.model.name,
            "model_version": classifier.model.version,
            "model_sha256": classifier.model.sha256(classifier.precision),
            "precision": classifier.precision,
            "device": classifier.device,
            "provider": classifier.provider,
            "device_reason": classifier.device_reason,
            "parameters": self._request.parameters(classifier),
            "priors": asdict(classifier.priors),
            "class_names": list(CLASS_NAMES),
            "input": {
                "name": Path(self._source.name).name,
                "kind": self._source.kind,
                "layout": layout.stored_as,
                "domain": layout.domain,
                "producer": layout.producer,
                "dates": [str(date) for date in layout.dates],
                "id": layout.id,
                "longitude": layout.longitude,
                "latitude": layout.latitude,
                "position": asdict(position) if (position := self._understanding.position) else None,
                "velocity": layout.velocity,
                "series": layout.columns[0] if layout.kind == "list" else None,
                "dates_column": layout.dates_column,
                "unit": units.unit,
                "unit_evidence": units.evidence,
                "sign": units.sign,
                "sign_convention": layout.made_by.sign if layout.made_by else "unknown",
            },
            "notes": self._notes(),
            "attribution": attribution_of(layout.producer),
        }

    def _notes(self) -> list[str]:
        half_wavelength_mm = self._request.half_wavelength(self._classifier)
        return [*notes_on(self._understanding), *notes_on_radar(half_wavelength_mm, self._classifier.model)]
