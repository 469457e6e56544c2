"""What this device does (``insar-rt bench``): series a second of the model alone, and of a whole file."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from insar_runtime._engine.hardware import describe_hardware
from insar_runtime._engine.onnx_runtime import import_onnxruntime, usable_cpus
from insar_runtime._input.source import BATCH_ROWS
from insar_runtime._version import __version__
from insar_runtime.classifier import Classifier
from insar_runtime.definitions import DAYS_PER_YEAR
from insar_runtime.devices import Device
from insar_runtime.errors import InputOutputError
from insar_runtime.files import classify_file
from insar_runtime.models import Precision

_EPOCHS: Final = (60, 139, 300)
_FILE_EPOCHS: Final = 243
_MODEL_SHARE: Final = 0.7
"""Part of the time that goes to the model alone; the rest goes to files."""
_ROUNDS: Final = 5
_WARM_UP_ROWS: Final = 512
_LEAST_FILE_ROWS: Final = 2 * BATCH_ROWS
_MOST_ROWS: Final = 200_000


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement.

    Attributes
    ----------
    precision : {"fp32", "int8"}
    threads : int
        Parallel calls of the model.
    epochs : int
        Of each series.
    series : int
        Of one round.
    series_per_second : float
        Median of the rounds.
    """

    precision: Precision
    threads: int
    epochs: int
    series: int
    series_per_second: float


def measure_device(model: str | Path | None, device: Device, seconds: float) -> dict[str, Any]:
    """Measure the model in each precision, with one thread and with all, and a whole file.

    Parameters
    ----------
    model : str or Path, optional
        As for ``Classifier``.
    device : str
        As for ``Classifier``.
    seconds : float
        About how long it may take.

    Returns
    -------
    dict
        ``processor``, ``device``, ``versions``, ``model`` and ``file``; the latter two hold a ``Measurement`` or more.

    Raises
    ------
    UnavailableError
        If the model or the device is not there.
    """
    chosen = Classifier(model, device=device)
    # One precision elsewhere: what int8 gains is a matter of CPUs.
    precisions = chosen.model.precisions if chosen.device == "cpu" else (chosen.precision,)
    counts = sorted({1, usable_cpus()})
    classifiers = [
        Classifier(model, device=device, precision=precision, threads=count)
        for precision in precisions
        for count in counts
    ]
    tasks = [_ModelTask(classifier, epochs) for classifier in classifiers for epochs in _EPOCHS]
    paces = _interleaved(tasks, _MODEL_SHARE * seconds)
    with tempfile.TemporaryDirectory() as folder:
        file_tasks = [_FileTask(Classifier(model, device=device, threads=count), Path(folder)) for count in counts]
        file_paces = _interleaved(file_tasks, (1 - _MODEL_SHARE) * seconds)
    return {
        "processor": describe_hardware(),
        "device": f"{chosen.device} ({chosen.provider}): {chosen.device_reason}",
        "versions": {
            "insar-runtime": __version__,
            f"model {chosen.model.name}": chosen.model.version,
            "onnxruntime": str(import_onnxruntime().__version__),
        },
        "model": [asdict(pace) for pace in paces],
        "file": [asdict(pace) for pace in file_paces],
    }


class _Task(Protocol):
    """Something to time."""

    classifier: Classifier
    epochs: int

    def prepare(self, count: int) -> Callable[[], object]:
        """Make ready for so many series, and give what is to be timed."""


class _ModelTask:
    """Series in memory, through ``Classifier.classify_matrix``."""

    def __init__(self, classifier: Classifier, epochs: int) -> None:
        self.classifier, self.epochs = classifier, epochs

    def prepare(self, count: int) -> Callable[[], object]:
        rows, days = _some_series(count, self.epochs)
        return partial(self.classifier.classify_matrix, rows, days)


class _FileTask:
    """A wide Parquet file, from disk to disk."""

    def __init__(self, classifier: Classifier, folder: Path) -> None:
        self.classifier, self.epochs = classifier, _FILE_EPOCHS
        self._folder = folder

    def prepare(self, count: int) -> Callable[[], object]:
        # Of one batch or two, opening and closing would be most.
        source = _file_of(self._folder, max(count, _LEAST_FILE_ROWS))
        output = self._folder / "out.parquet"
        return partial(classify_file, source, output, classifier=self.classifier, overwrite=True)


def _interleaved(tasks: Sequence[_Task], seconds: float) -> list[Measurement]:
    """Time all tasks in turns, so that a busy machine is busy for all."""
    each = seconds / (len(tasks) * (_ROUNDS + 1))
    counts = [_fitting_count(task, each) for task in tasks]
    runs = [task.prepare(count) for task, count in zip(tasks, counts, strict=True)]
    rounds = [[_timed(run) for run in runs] for _ in range(_ROUNDS)]
    return [
        Measurement(
            task.classifier.precision, task.classifier.threads, task.epochs, count, round(count / median(spent), 1)
        )
        for task, count, spent in zip(tasks, counts, zip(*rounds, strict=True), strict=True)
    ]


def _fitting_count(task: _Task, seconds: float) -> int:
    """Find how many series take about so long: from few ones, which are mostly overhead, to what they promise."""
    count = _LEAST_FILE_ROWS if isinstance(task, _FileTask) else _WARM_UP_ROWS
    least = count
    for share in (0.25, 1.0):
        run = task.prepare(count)
        run()
        count = int(np.clip(share * seconds * count / _timed(run), least, _MOST_ROWS))
    return count


def _timed(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return max(time.perf_counter() - begin, 1e-9)


def _some_series(count: int, epochs: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Make lines with a yearly cycle and noise every 12 days; what they show is of no matter for the pace."""
    rng = np.random.default_rng(0)
    days = np.arange(epochs, dtype=np.float32) * 12
    some = min(count, _WARM_UP_ROWS)
    rate = rng.normal(0, 4, (some, 1)) / DAYS_PER_YEAR
    rows = rate * days + np.sin(days * (2 * np.pi / DAYS_PER_YEAR)) + rng.normal(0, 2.5, (some, epochs))
    return np.resize(np.round(rows, 1).astype(np.float32), (count, epochs)), days


def _file_of(folder: Path, count: int) -> Path:
    """Return a file of so many points, written when it is first asked for.

    Raises
    ------
    InputOutputError
        If it cannot be written.
    """
    path = folder / f"{count}.parquet"
    if not path.is_file():
        rows, days = _some_series(count, _FILE_EPOCHS)
        dates = np.datetime64("2018-01-03") + days.astype(np.int64)
        columns: dict[str, Any] = {
            "pid": pa.array([f"p{i}" for i in range(count)]),
            "longitude": np.linspace(13, 14, count),
            "latitude": np.linspace(38, 39, count),
        }
        columns |= {str(date).replace("-", ""): rows[:, i].astype(np.float64) for i, date in enumerate(dates)}
        try:
            pq.write_table(pa.table(columns), path, row_group_size=10_000)
        except OSError as error:
            raise InputOutputError(
                f"a file to measure with cannot be written to {folder} ({error.strerror or error}); set TMPDIR"
            ) from error
    return path


def describe_speeds(facts: dict[str, Any]) -> str:
    """Lay out what ``insar-rt bench`` has measured."""
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    lines = [f"processor: {facts['processor']}", f"device: {facts['device']}", f"versions: {versions}", ""]
    lines.append(f"{'':<16}{'precision':>10}{'threads':>9}{'epochs':>8}{'series/s':>12}")
    lines += [
        f"{what:<16}{pace['precision']:>10}{pace['threads']:>9}{pace['epochs']:>8}{pace['series_per_second']:>12.0f}"
        for part, what in (("model", "model alone"), ("file", "Parquet file"))
        for pace in facts[part]
    ]
    return "\n".join(lines)
