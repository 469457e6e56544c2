"""``insar-rt bench``: speed of this device, in series a second, for the model alone and for a whole file."""

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
"""Share of the time for the model alone; the rest is for files."""
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
        Number of threads that call the model.
    epochs : int
        Epochs of each series.
    series : int
        Series of one round.
    series_per_second : float
        Median of the rounds.
    """

    precision: Precision
    threads: int
    epochs: int
    series: int
    series_per_second: float


def measure_device(model: str | Path | None, device: Device, seconds: float) -> dict[str, Any]:
    """Measure the speed of the model in each precision, with one thread and with all, and of a whole file.

    Parameters
    ----------
    model : str or Path, optional
        As for ``Classifier``.
    device : str
        As for ``Classifier``.
    seconds : float
        Approximate duration.

    Returns
    -------
    dict
        ``processor``, ``device``, ``versions``, and lists of ``Measurement`` for ``model`` and ``file``.

    Raises
    ------
    UnavailableError
        If the model or the device is not available.
    """
    chosen = Classifier(model, device=device)
    # On other devices one precision: int8 is for CPUs.
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
    """A task to time."""

    classifier: Classifier
    epochs: int

    def prepare(self, count: int) -> Callable[[], object]:
        """Return the call to be timed for a number of series."""


class _ModelTask:
    """Classification of series in memory, by ``Classifier.classify_matrix``."""

    def __init__(self, classifier: Classifier, epochs: int) -> None:
        self.classifier, self.epochs = classifier, epochs

    def prepare(self, count: int) -> Callable[[], object]:
        rows, days = _some_series(count, self.epochs)
        return partial(self.classifier.classify_matrix, rows, days)


class _FileTask:
    """Classification of a wide Parquet file, from disk to disk."""

    def __init__(self, classifier: Classifier, folder: Path) -> None:
        self.classifier, self.epochs = classifier, _FILE_EPOCHS
        self._folder = folder

    def prepare(self, count: int) -> Callable[[], object]:
        # With one batch or two, opening and closing would dominate.
        source = _file_of(self._folder, max(count, _LEAST_FILE_ROWS))
        output = self._folder / "out.parquet"
        return partial(classify_file, source, output, classifier=self.classifier, overwrite=True)


def _interleaved(tasks: Sequence[_Task], seconds: float) -> list[Measurement]:
    """Time all tasks in turns, so that other load on the machine affects all of them."""
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
    """Return the number of series that take about this time, from a short trial and a longer one."""
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
    """Return lines with an annual cycle and noise, one epoch every 12 days; the speed does not depend on the values."""
    rng = np.random.default_rng(0)
    days = np.arange(epochs, dtype=np.float32) * 12
    some = min(count, _WARM_UP_ROWS)
    rate = rng.normal(0, 4, (some, 1)) / DAYS_PER_YEAR
    rows = rate * days + np.sin(days * (2 * np.pi / DAYS_PER_YEAR)) + rng.normal(0, 2.5, (some, epochs))
    return np.resize(np.round(rows, 1).astype(np.float32), (count, epochs)), days


def _file_of(folder: Path, count: int) -> Path:
    """Return a file with this number of points, which is written on the first call.

    Raises
    ------
    InputOutputError
        If the file cannot be written.
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
    """Return the measurements of ``insar-rt bench`` as a table."""
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    lines = [f"processor: {facts['processor']}", f"device: {facts['device']}", f"versions: {versions}", ""]
    lines.append(f"{'':<16}{'precision':>10}{'threads':>9}{'epochs':>8}{'series/s':>12}")
    lines += [
        f"{what:<16}{pace['precision']:>10}{pace['threads']:>9}{pace['epochs']:>8}{pace['series_per_second']:>12.0f}"
        for part, what in (("model", "model alone"), ("file", "Parquet file"))
        for pace in facts[part]
    ]
    return "\n".join(lines)
