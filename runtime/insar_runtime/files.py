"""A whole file at a time: read, classify, write, and say what happened."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa

import insar_runtime
from insar_runtime._geo import (
    BBOX,
    GEOMETRY,
    GEOMETRY_FIELDS,
    PointBounds,
    geo_metadata,
    kept_geometry,
    point_columns,
    read_points,
)
from insar_runtime._layout import Role
from insar_runtime._sinks import Sink, check_output, open_parquet, open_stream
from insar_runtime._sources import Source, open_source
from insar_runtime._stream import Understanding, classify_batch, understand
from insar_runtime._units import Unit
from insar_runtime.classes import CLASS_NAMES, STATUS_NAMES
from insar_runtime.classifier import Classifier
from insar_runtime.errors import UsageError

METADATA_KEY: Final = "insar_runtime"
"""Key of our block in the metadata of an output file; its value is JSON."""

EGMS_ATTRIBUTION: Final = (
    "Generated using European Union's Copernicus Land Monitoring Service information "
    "(European Ground Motion Service); modified"
)

Progress = Callable[[int, int | None], None]
"""Called with the rows done and the rows in all (None if that is not known)."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did.

    Attributes
    ----------
    input, output : str
        Names; ``-`` for standard input and output.
    rows : int
        Rows read, which is the number of rows written.
    classes : dict of str to int
        Rows by class after abstention.
    statuses : dict of str to int
        Rows by status, those that occur.
    epochs : int
        Epochs of the file's time axis.
    first_date, last_date : str or None
        ISO dates of the axis.
    layout, producer, unit, unit_evidence, sign : str or None
        What was understood of the input.
    notes : tuple of str
        What a person should know about the input.
    model, model_version, model_sha256, precision, device, provider, device_reason : str
        What really ran.
    seconds : float
        Time of the run, without start-up.
    """

    input: str
    output: str
    rows: int
    classes: dict[str, int]
    statuses: dict[str, int]
    epochs: int
    first_date: str | None
    last_date: str | None
    layout: str
    producer: str | None
    unit: str
    unit_evidence: str
    sign: str
    notes: tuple[str, ...]
    model: str
    model_version: str
    model_sha256: str
    precision: str
    device: str
    provider: str
    device_reason: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Give the summary as plain values."""
        return asdict(self)


def classify_file(
    source: str | Path | BinaryIO,
    output: str | Path | BinaryIO,
    *,
    classifier: Classifier | None = None,
    units: Unit | None = None,
    columns: Mapping[Role, str] | None = None,
    keep_series: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Classify a file of any size in bounded memory.

    Parameters
    ----------
    source : str, Path or binary stream
        Parquet, CSV, zip with a CSV, or Arrow IPC; ``-`` or a stream for Arrow IPC from a pipe.
    output : str, Path or binary stream
        Parquet file to write (GeoParquet 1.1 where longitude and latitude are known), or ``-`` or a stream
        for an Arrow IPC stream.
    classifier : Classifier, optional
        Made with its defaults if not given.
    units : {"mm", "cm", "m", "rad"}, optional
        Unit of the displacements, where the file does not prove it.
    columns : mapping of role to column name, optional
        Columns to take as ``id``, ``longitude``, ``latitude``, ``easting``, ``northing``, ``velocity``.
    keep_series : bool
        Whether the output keeps the series beside the attributes.
    overwrite : bool
        Whether an output that exists may be replaced.
    progress : callable, optional
        Told of the rows done after each batch.

    Returns
    -------
    Summary

    Raises
    ------
    InsarRuntimeError
        One of its family; the output is then what it was before.
    """
    begin = time.perf_counter()
    source = _path_or_stream(source)
    output = _path_or_stream(output)
    _check_pair(source, output, overwrite=overwrite)
    classifier = classifier or Classifier()
    half_wavelength_mm = classifier.model.half_wavelength_mm
    with open_understood(source, units=units, columns=columns, half_wavelength_mm=half_wavelength_mm) as (
        opened,
        understanding,
        batches,
    ):
        classifier.check_axis(len(understanding.layout.dates))
        run = _Run(classifier, understanding, opened, keep_series=keep_series)
        with run.open_sink(output, overwrite=overwrite) as sink:
            for batch in batches:
                sink.write(run.classify(batch))
                if progress:
                    progress(run.rows, opened.rows)
    return run.summary(opened.name, _name(output), time.perf_counter() - begin)


class _Run:
    """What one run knows, and what it counts."""

    def __init__(
        self, classifier: Classifier, understanding: Understanding, source: Source, *, keep_series: bool
    ) -> None:
        self._classifier = classifier
        self._understanding = understanding
        self._source = source
        self._keep_series = keep_series
        self._schema = understanding.output_schema(keep_series=keep_series)
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
        return open_stream(sys.stdout.buffer if isinstance(output, str) else output, self._schema)

    def classify(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Classify a batch and count its classes."""
        out = classify_batch(
            self._classifier, self._understanding, batch, keep_series=self._keep_series, first_row=self.rows
        )
        self.rows += out.num_rows
        class_id = out.column("class_id").to_numpy()
        self._class_counts += np.bincount(class_id[class_id >= 0], minlength=len(CLASS_NAMES))
        status = out.column("status").indices.to_numpy()
        self._status_counts += np.bincount(status, minlength=len(STATUS_NAMES))
        if self._position:
            points = read_points(batch, *self._position)
            self._bounds.add(points)
            return pa.RecordBatch.from_arrays([*out.columns, *point_columns(points)], schema=self._schema)
        return pa.RecordBatch.from_arrays(out.columns, schema=self._schema)

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
            "parameters": {"abstain_below": classifier.abstain_below, "keep_series": self._keep_series},
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
            },
            "attribution": EGMS_ATTRIBUTION if (layout.producer or "").startswith("EGMS") else None,
        }


def notes_on(understanding: Understanding) -> tuple[str, ...]:
    """Give what a person should know before trusting the classes, one line each."""
    notes = []
    if understanding.units.note:
        notes.append(understanding.units.note)
    if understanding.units.sign == "opposite_to_velocity":
        notes.append("the series have the opposite sign of the velocity column; classes do not depend on it")
    if understanding.layout.longitude and understanding.layout.latitude and understanding.position is None:
        notes.append("the columns of longitude and latitude hold no degrees; the output has no geometry")
    if understanding.layout.producer == "EGMS L3":
        notes.append(
            "EGMS L3 mixes tracks: an unwrapping error is no multiple of half a wavelength there, "
            "so take class PUE with care"
        )
    return tuple(notes)


def _path_or_stream(where: str | Path | BinaryIO) -> Path | str | BinaryIO:
    if isinstance(where, str):
        return where if where == "-" else Path(where)
    return where


def _name(where: Path | str | BinaryIO) -> str:
    return str(where) if isinstance(where, (str, Path)) else "-"


def _check_pair(source: Path | str | BinaryIO, output: Path | str | BinaryIO, *, overwrite: bool) -> None:
    """Refuse what cannot end well before anything is opened."""
    if not isinstance(output, Path):
        return
    if isinstance(source, Path) and source.exists() and output.exists() and output.samefile(source):
        raise UsageError(f"output {output} is the input; name another file")
    check_output(output, overwrite=overwrite)


@contextmanager
def open_understood(
    source: str | Path | BinaryIO,
    *,
    units: Unit | None = None,
    columns: Mapping[Role, str] | None = None,
    half_wavelength_mm: float,
) -> Iterator[tuple[Source, Understanding, Iterator[pa.RecordBatch]]]:
    """Open a source and resolve what its columns mean; ``classify`` and ``inspect`` share it.

    Yields
    ------
    source : Source
        Open until the context ends.
    understanding : Understanding
        Layout, dates and units.
    batches : iterator of pyarrow.RecordBatch
        All rows.

    Raises
    ------
    InsarRuntimeError
        For the same reasons as ``classify_file``.
    """
    with open_source(
        _path_or_stream(source), roles={str(role): name for role, name in (columns or {}).items()}
    ) as opened:
        batches = opened.batches()
        head = next((batch for batch in batches if batch.num_rows), None)
        understanding = understand(
            opened.schema, head, units=units, overrides=columns, half_wavelength_mm=half_wavelength_mm
        )
        yield opened, understanding, batches if head is None else chain([head], batches)
