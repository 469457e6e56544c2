"""The run that ``classify`` would make of a file: device, columns, memory and time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from insar_runtime._engine.onnx_runtime import usable_cpus
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._inspect.forecast import RowTime, measure_row
from insar_runtime._output.geoparquet import GEOMETRY_FIELDS, choose_geometry
from insar_runtime._pipeline.memory import resident_bytes
from insar_runtime._pipeline.output_columns import refuse_taken_names
from insar_runtime._pipeline.prepare import PreparedTable, load_of
from insar_runtime._pipeline.table_sample import SampledRows
from insar_runtime.classifier import Classifier
from insar_runtime.devices import Device
from insar_runtime.errors import DataError
from insar_runtime.models import Model, Precision
from insar_runtime.result import RESULT_SCHEMA


@dataclass(frozen=True, slots=True)
class InspectOptions:
    """InspectOptions of the run to be planned.

    Attributes
    ----------
    model, device, precision, threads
        As for ``Classifier``.
    declared : UserDeclarations
        Declarations of the user about the file.
    output : str or None
        File that the run would write.
    quick : bool
        Whether to omit what takes time: reading the ids of all rows, and timing the model.
    """

    model: str | Path | None = None
    device: Device = "auto"
    precision: Precision | None = None
    threads: int | None = None
    declared: UserDeclarations = field(default_factory=UserDeclarations)
    output: str | None = None
    quick: bool = False


class PlannedRun:
    """The run that ``classify`` would make; the model is opened, since int8 is proven only then."""

    def __init__(self, model: Model, options: InspectOptions) -> None:
        self._model, self._options = model, options
        self.threads = options.threads or usable_cpus()
        self._classifier = Classifier(
            options.model, device=options.device, precision=options.precision, threads=options.threads
        )
        self._resident = resident_bytes()

    @property
    def device(self) -> str:
        """Device on which the model runs."""
        return self._classifier.device

    def refusals(self, table: PreparedTable) -> Iterator[str]:
        """Yield the reasons for which ``classify`` would refuse a described table."""
        limits, epochs = self._model.limits, len(table.description.layout.dates)
        if not limits.min_epochs <= epochs <= limits.max_epochs:
            yield f"{epochs} epochs: model {self._model.name} takes {limits.min_epochs} to {limits.max_epochs}"
        try:
            refuse_taken_names(table.description, keep_series=False, diagnosed=False)
        except DataError as error:
            yield str(error)

    def describe(
        self, table: PreparedTable, sample: SampledRows, points: int | None, refused: str | None
    ) -> dict[str, Any]:
        """Return the facts of the run: outputs, columns, model, device, memory, time."""
        runs, plan, description = self._classifier, table.batch_plan, table.description
        need = plan.need(load_of(table.source)) + (self._resident or 0)
        took = None
        if not self._options.quick and sample.batch is not None and refused is None:
            took = measure_row(runs, description, sample.batch, plan.threads)
        geometry, position = _geometry(table), description.position
        added = [*RESULT_SCHEMA.names, *((field.name for field in GEOMETRY_FIELDS) if geometry == "points" else ())]
        return {
            "refused": refused,
            "output": self._options.output,
            "output_exists": bool(self._options.output) and Path(str(self._options.output)).exists(),
            "geometry": geometry,
            "geometry_columns": [position.x, position.y] if position and geometry == "points" else [],
            "crs": position.crs if position and geometry == "points" else None,
            "columns_kept": description.kept(keep_series=False),
            "columns_added": added,
            "model": self._model.name,
            "model_version": self._model.version,
            "precision": runs.precision,
            "device": runs.device,
            "provider": runs.provider,
            "device_reason": runs.device_reason,
            "priors": "auto",
            "abstain_below": self._model.abstain_below,
            "threads": plan.threads,
            "batch_rows": plan.batch_rows,
            "memory_mb": round(need / 2**20),
            **_times(took, sample, points),
        }


def _times(took: RowTime | None, sample: SampledRows, points: int | None) -> dict[str, Any]:
    if took is None or points is None:
        return {"seconds": None, "points_per_second": None, "measured_points": 0 if took is None else took.rows}
    seconds = took.seconds(points, sample.seconds / max(sample.rows_read, 1))
    return {
        "seconds": seconds,
        "points_per_second": points / seconds if seconds else None,
        "measured_points": took.rows,
    }


def _geometry(table: PreparedTable) -> str | None:
    """Return whether the output keeps the geometry of the input ("kept"), gets "points", or has none."""
    description = table.description
    geo, position = choose_geometry(table.source.metadata, description.kept(keep_series=False), description.position)
    return "kept" if geo is not None else "points" if position is not None else None
