"""The job of an engine's workers: the plan of a table, made once on the driver, and the options of the model."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, Unpack, cast

import pyarrow as pa

from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._input.column_roles import Role
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.head import read_head
from insar_runtime._input.layout import DATES_KEY
from insar_runtime._input.units.series_units import Unit
from insar_runtime._pipeline.batch import BatchClassifier
from insar_runtime._pipeline.class_mix import mix_of
from insar_runtime._pipeline.noise_sample import noise_of
from insar_runtime._pipeline.output_columns import refuse_taken_names
from insar_runtime._pipeline.plan import TablePlan, plan_table
from insar_runtime.classifier import Classifier, Shares
from insar_runtime.devices import Device
from insar_runtime.errors import DataError

if TYPE_CHECKING:
    from insar_runtime.models import Precision

SAMPLE_ROWS: Final = 8192
"""Rows of a table that the driver reads; as many as the command reads of a file before it describes it."""


class TableDeclarations(TypedDict, total=False):
    """What the user declares of a table.

    ``units``, ``columns``, ``date_format`` and ``half_wavelength_mm`` as for ``classify_file``. ``dates`` are those of
    the lists of all rows, in their order, where no column holds them: engines lose the metadata of files, such as those
    that ``insar-rt convert`` writes.
    """

    units: Unit | None
    columns: Mapping[Role, str] | None
    date_format: str | None
    half_wavelength_mm: float | None
    dates: Sequence[str] | None


class WorkerOptions(TypedDict, total=False):
    """Options of ``Classifier`` for the workers; a model of your own must lie under the same path on each of them.

    ``priors`` may be "auto", the default, or "trained" as well, as for ``classify_file``: the mix of classes is
    estimated from the first rows, on the driver.
    """

    model: str | Path | None
    device: Device
    precision: Precision | None
    abstain_below: float | None
    stable_rate: float | None
    priors: Shares | Literal["auto", "trained"] | None


class Options(TableDeclarations, WorkerOptions, total=False):
    """Options of a table and of its workers."""


@dataclass(frozen=True, slots=True)
class Job:
    """Classify batches of one table, wherever they are; made by ``plan``, and small enough to be sent with every task.

    Layout and units are resolved once, before the table is divided, because the first rows of two partitions may lead
    to different ones. Called with an iterable of record batches, it returns one batch for each, rows in their order:
    the contract of Spark's ``mapInArrow``.

    Attributes
    ----------
    plan : TablePlan
        Of the table: noise and wavelength of the sample hold for all of its rows.
    options : dict
        Of the classifier.
    """

    plan: TablePlan
    options: WorkerOptions

    @property
    def kept(self) -> list[str]:
        """Names of the columns of the table that stay."""
        return self.plan.kept

    @property
    def schema(self) -> pa.Schema:
        """Columns of the output: those that stay, then those of the result."""
        return _in_text(self.plan.schema)

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Classify batches one by one, in a session that the process keeps for the next call."""
        runner, schema = _opened(pickle.dumps(self.options)), self.schema
        classifier = _prepared(pickle.dumps(self.plan))
        first_row = 0
        for batch in batches:
            yield classifier.output(runner, self._typed(batch), first_row).cast(schema)
            first_row += batch.num_rows

    def _typed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch with the types of the sample: engines change nullability and time zone from step to step."""
        wanted = self.plan.description.schema
        if batch.schema.types == wanted.types or batch.schema.names != wanted.names:
            return batch
        try:
            return batch.cast(wanted)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
            raise DataError(f"a batch has other types than the first rows of the table: {error}; cast them") from error


def plan(
    sample: pa.Table, *, keep_series: bool = False, diagnose: bool | Diagnose = False, **options: Unpack[Options]
) -> Job:
    """Plan how a table is classified, by its first rows, on the driver.

    Parameters
    ----------
    sample : pyarrow.Table
        First rows of the table; at most ``SAMPLE_ROWS`` are looked at. Where rows have dates of their own, those that
        share the dates of the first one decide the unit of all.
    keep_series : bool
        Whether the columns of the series are kept beside the attributes.
    diagnose : bool or Diagnose
        Whether rates, breaks and jumps are found as well, and how.
    **options
        See ``TableDeclarations`` and ``WorkerOptions``. ``units`` are needed where neither a velocity column nor the
        producer's format proves them. Without ``precision`` each worker takes what is faster on its own CPU: name one
        where the machines differ and the results must not.

    Returns
    -------
    Job

    Raises
    ------
    DataError
        If the table cannot be read as series, or nothing proves their unit: what a run over one file assumes
        with a note, must be declared for a cluster.
    UsageError, UnavailableError, ModelIntegrityError
        As ``Classifier``.
    """
    declarations, settings = _divided(options)
    # Opened here as well, though on the CPU: what is wrong with the options is said before any worker starts.
    asked = settings.pop("priors", None)
    by_rule = isinstance(asked, str) and asked in {"auto", "trained"}
    if asked is not None and not by_rule:
        settings["priors"] = asked
    here: dict[str, Any] = {**settings, "device": "cpu"}
    classifier = Classifier(**here, threads=1)
    dates = declarations.get("dates")
    sample = sample.slice(0, SAMPLE_ROWS).combine_chunks()
    if dates is not None:
        metadata = {**(sample.schema.metadata or {}), DATES_KEY: json.dumps([str(date) for date in dates])}
        sample = sample.replace_schema_metadata(metadata)
    declared = UserDeclarations(
        declarations.get("units"),
        declarations.get("columns") or {},
        declarations.get("date_format"),
        declarations.get("half_wavelength_mm"),
    )
    head = read_head(iter(sample.to_batches()), sample.schema)
    description = head.describe(declared.or_radar(classifier.model.half_wavelength_mm), any_axis=True)
    if head.rows is not None:
        if description.units.evidence == "assumed":
            raise DataError("nothing in the first rows proves the unit of the series: declare it, e.g. units='mm'")
        if not description.any_axis:
            classifier.check_axis(len(description.layout.dates))
    how = Diagnose() if diagnose is True else diagnose or None
    # Before the noise is estimated, which takes a while.
    refuse_taken_names(description, keep_series=keep_series, diagnosed=how is not None)
    noise = None if how is None else noise_of(description, head.rows, how.recent_days)
    table = plan_table(description, declared, keep_series=keep_series, diagnose=how, noise=noise)
    if asked is None or (by_rule and asked == "auto"):
        # A worker has some partitions only; one mix holds for all of them.
        settings["priors"] = mix_of(description, head.rows, classifier)
    return Job(table, settings)


def _divided(options: Options) -> tuple[TableDeclarations, WorkerOptions]:
    table: dict[str, Any] = {
        name: value for name, value in options.items() if name in TableDeclarations.__annotations__
    }
    settings: dict[str, Any] = {name: value for name, value in options.items() if name not in table}
    return cast("TableDeclarations", table), cast("WorkerOptions", settings)


@lru_cache(maxsize=4)
def _opened(options: bytes) -> Classifier:
    """Open a classifier once in a process; the engine divides the work, so it has one thread."""
    settings: dict[str, Any] = pickle.loads(options)
    return Classifier(**settings, threads=1)


@lru_cache(maxsize=4)
def _prepared(plan: bytes) -> BatchClassifier:
    """Keep what classifies a table, and the matrices of its diagnosis, for the next call."""
    planned: TablePlan = pickle.loads(plan)
    return BatchClassifier(planned)


def _in_text(schema: pa.Schema) -> pa.Schema:
    """Return a schema with text in place of dictionaries of text, which not every engine knows."""
    plain = [f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in schema]
    return pa.schema(plain)
