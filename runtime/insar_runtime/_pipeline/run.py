"""One run over one table: classify batch by batch, count, and say where the classes come from."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import insar_runtime
from insar_runtime._input.layout import DATES_KEY
from insar_runtime._input.sources import Source
from insar_runtime._input.understanding import Understanding
from insar_runtime._output.points import (
    BBOX,
    GEOMETRY,
    GEOMETRY_FIELDS,
    PointBounds,
    geo_metadata,
    kept_geometry,
    point_columns,
    read_points,
)
from insar_runtime._output.sinks import Sink, open_parquet, open_stream
from insar_runtime._pipeline.stream import classify_batch, output_schema
from insar_runtime.classes import CLASS_NAMES, STATUS_NAMES
from insar_runtime.classifier import Classifier
from insar_runtime.errors import InputOutputError
from insar_runtime.summary import Summary, notes_on

METADATA_KEY: Final = "insar_runtime"
"""Key of our block in the metadata of an output file; its value is JSON."""

EGMS_ATTRIBUTION: Final = (
    "Generated using European Union's Copernicus Land Monitoring Service information "
    "(European Ground Motion Service); modified"
)


@dataclass(frozen=True, slots=True)
class Classified:
    """A batch of the output, and where its points lie [N, 2] in degrees, if that is known."""

    batch: pa.RecordBatch
    points: NDArray[np.float64] | None


class Run:
    """What one run knows, and what it counts."""

    def __init__(
        self, classifier: Classifier, understanding: Understanding, source: Source, *, keep_series: bool
    ) -> None:
        self._classifier = classifier
        self._understanding = understanding
        self._source = source
        self._keep_series = keep_series
        self._schema = output_schema(understanding, keep_series=keep_series)
        self._class_counts = np.zeros(len(CLASS_NAMES), dtype=np.int64)
        self._status_counts = np.zeros(len(STATUS_NAMES), dtype=np.int64)
        self._bounds = PointBounds()
        self._input_geo = kept_geometry(source.metadata, self._schema.names)
        taken = self._input_geo is not None or {GEOMETRY, BBOX} & set(self._schema.names)
        self._position = None if taken else understanding.position
        self.rows = 0

    def open_sink(self, output: Path | str | BinaryIO, *, overwrite: bool) -> AbstractContextManager[Sink]:
        """Open the output; geometry is a matter of files."""
        if not isinstance(output, Path):
            self._position = None
        elif self._position:
            self._schema = pa.schema([*self._schema, *GEOMETRY_FIELDS])
        # What is known before the first row goes into the schema, where every Arrow reader sees it; the footer of
        # a Parquet file then gets the same keys with counts and bounds.
        self._schema = self._schema.with_metadata(self._metadata(self._provenance()))
        if isinstance(output, Path):
            return open_parquet(output, self._schema, self._footer, overwrite=overwrite)
        if not isinstance(output, str):
            return open_stream(output, self._schema)
        if sys.stdout is None:
            raise InputOutputError("standard output is closed; open it, or name a file")
        return open_stream(sys.stdout.buffer, self._schema)

    def classify(self, classifier: Classifier, batch: pa.RecordBatch, first_row: int) -> Classified:
        """Classify a batch; may be called from several threads at once."""
        out = classify_batch(classifier, self._understanding, batch, keep_series=self._keep_series, first_row=first_row)
        columns, points = out.columns, None
        if self._position:
            points = read_points(batch, *self._position)
            columns = [*columns, *point_columns(points)]
        return Classified(pa.RecordBatch.from_arrays(columns, schema=self._schema), points)

    def count(self, classified: Classified) -> pa.RecordBatch:
        """Count the classes of a batch, and give what is to be written."""
        out = classified.batch
        self.rows += out.num_rows
        class_id = out.column("class_id").to_numpy()
        self._class_counts += np.bincount(class_id[class_id >= 0], minlength=len(CLASS_NAMES))
        status = out.column("status").indices.to_numpy()
        self._status_counts += np.bincount(status, minlength=len(STATUS_NAMES))
        if classified.points is not None:
            self._bounds.add(classified.points)
        return out

    def summary(self, source: str, output: str, seconds: float) -> Summary:
        """Say what happened."""
        understanding, classifier = self._understanding, self._classifier
        layout, units = understanding.layout, understanding.units
        return Summary(
            input=source,
            output=output,
            rows=self.rows,
            classes=self._classes(),
            statuses=self._statuses(),
            epochs=len(layout.dates),
            first_date=str(layout.dates[0]) if len(layout.dates) else None,
            last_date=str(layout.dates[-1]) if len(layout.dates) else None,
            layout=layout.kind,
            producer=layout.producer,
            unit=units.unit,
            unit_evidence=units.evidence,
            sign=units.sign,
            notes=notes_on(understanding),
            model=classifier.model.name,
            model_version=classifier.model.version,
            model_sha256=classifier.model.sha256(classifier.precision),
            precision=classifier.precision,
            device=classifier.device,
            provider=classifier.provider,
            device_reason=classifier.device_reason,
            priors=classifier.priors,
            seconds=round(seconds, 3),
        )

    def _classes(self) -> dict[str, int]:
        return dict(zip(CLASS_NAMES, self._class_counts.tolist(), strict=True))

    def _statuses(self) -> dict[str, int]:
        counts = zip(STATUS_NAMES, self._status_counts.tolist(), strict=True)
        return {name: count for name, count in counts if count}

    def _footer(self) -> Mapping[str, str]:
        counts = {"rows": self.rows, "classes": self._classes(), "statuses": self._statuses()}
        return self._metadata({**self._provenance(), **counts})

    def _metadata(self, block: dict[str, Any]) -> Mapping[str, str]:
        metadata = {METADATA_KEY: json.dumps(block)}
        if self._position:
            metadata["geo"] = json.dumps(geo_metadata(self._bounds))
        elif self._input_geo is not None:
            metadata["geo"] = self._input_geo
        layout = self._understanding.layout
        if self._keep_series and layout.kind == "list" and layout.dates_column is None:
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
            "provider": classifier.provider,
            "device_reason": classifier.device_reason,
            "parameters": {"abstain_below": classifier.abstain_below, "keep_series": self._keep_series},
            "priors": asdict(classifier.priors),
            "class_names": list(CLASS_NAMES),
            "input": {
                "name": Path(self._source.name).name,
                "kind": self._source.kind,
                "layout": layout.kind,
                "producer": layout.producer,
                "dates": [str(date) for date in layout.dates],
                "id": layout.id,
                "longitude": layout.longitude,
                "latitude": layout.latitude,
                "velocity": layout.velocity,
                "unit": units.unit,
                "unit_evidence": units.evidence,
                "sign": units.sign,
                "notes": list(notes_on(self._understanding)),
            },
            "attribution": EGMS_ATTRIBUTION if (layout.producer or "").startswith("EGMS") else None,
        }
