"""Golden vectors of an int8 file: series whose probabilities any processor must give, or int8 is wrong there.

Three things make int8 products wrong where it runs: sums of 16 bits that saturate (x86 without VNNI), kernels that are
wrong from 32 rows on (AMX in onnxruntime before 1.25, microsoft/onnxruntime#26324), and whatever comes next. So there
are more than 32 rows, and among them, for each product of bytes that can saturate, series in which saturation changes
the probabilities by far more than the tolerance. These are searched for without gradients, because saturation has none:
series are changed at random, and those kept in which it does most. The recorded probabilities are those of exact sums,
computed in ``export.saturation`` and not by the processor that exports.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from export.prove import ProofError, open_bytes
from export.saturation import Product, SaturatingGraph
from export.tenths import encode
from insar_runtime._engine.golden import GoldenVectors
from training import dataset

Floats = NDArray[np.float32]

VECTOR_SEED: Final = 10_004
TOLERANCE: Final = 0.02
"""Largest difference of a probability from the recorded one. Processors round a value that lies between two of the 256
steps up or down, which moves probabilities of the vectors by at most a quarter of this."""
_DECISIVE: Final = 3 * TOLERANCE
"""What saturation must change in a vector that is to show it."""
_EPOCHS: Final = 60
_ROWS: Final = 48
_PER_PRODUCT: Final = 5
_POPULATION: Final = 64
_ROUNDS: Final = 300
_PATIENCE: Final = 60
"""Rounds without a better series after which a search ends."""
_NUDGES: Final = 6
_NUDGE_MM: Final = 2e-4
"""Two parts in a million of 100 mm: some times the rounding of float32 in the features."""
_LARGEST_MM: Final = 600.0


@dataclass(frozen=True)
class Vectors:
    """What is written.

    Attributes
    ----------
    golden : GoldenVectors
        Series, days and probabilities.
    saturating : dict of str to float
        By name of a product that can saturate, the largest change of a probability by saturation in it alone.
    """

    golden: GoldenVectors
    saturating: dict[str, float]

    @property
    def undecided(self) -> list[str]:
        """Products that can saturate, and for which no series was found that shows it beyond doubt."""
        return [name for name, change in self.saturating.items() if change < _DECISIVE]


def write_vectors(folder: Path, *, announce: Callable[[str], None]) -> dict[str, Any]:
    """Write the golden vectors of a model's int8 file beside it, and name them in its ``model.json``.

    Parameters
    ----------
    folder : Path
        With a ``model.json`` and an int8 file.
    announce : callable
        Receives one line for people at each step.

    Returns
    -------
    dict
        The new ``model.json``.

    Raises
    ------
    ProofError
        As ``find_vectors``, or if the folder has no int8 file.
    FileNotFoundError
        If there is no ``model.json``.
    """
    card: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    if "int8" not in card["files"]:
        raise ProofError(f"{folder} has no int8 file; only its integer arithmetic needs golden vectors")
    content = (folder / card["files"]["int8"]["file"]).read_bytes()
    found = find_vectors(content, classes=len(card["classes"]), announce=announce)
    data = found.golden.to_bytes()
    rows, epochs = found.golden.tenths.shape
    card["golden"] = {
        "int8": {
            "file": f"{card['name']}.int8.golden",
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "rows": rows,
            "epochs": epochs,
            "tolerance": found.golden.tolerance,
            "changed_by_saturation": found.saturating,
        }
    }
    (folder / card["golden"]["int8"]["file"]).write_bytes(data)
    (folder / "model.json").write_text(json.dumps(card, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    announce(f"vectors: {rows} series of {epochs} epochs, {len(data)} bytes")
    if found.undecided:
        announce(f"vectors: saturation in {', '.join(found.undecided)} changes no series by {_DECISIVE:g}")
    return card


def find_vectors(content: bytes, *, classes: int, announce: Callable[[str], None]) -> Vectors:
    """Choose golden vectors for an int8 file.

    Parameters
    ----------
    content : bytes
        The ONNX file, QDQ.
    classes : int
        Number of its outputs, 5 or 6.
    announce : callable
        Receives one line for people at each step.

    Returns
    -------
    Vectors
        48 series of 60 epochs; the same for the same file.

    Raises
    ------
    ProofError
        If too few series have probabilities that do not depend on rounding, or if onnxruntime computes others here
        than exact sums give, and saturation does not explain that.
    """
    graph = SaturatingGraph(onnx.load_model_from_string(content))
    series = dataset.simulated(8 * _ROWS, seed=VECTOR_SEED, calendar="egms_2018_2022", classes=classes)
    epochs = np.linspace(0, series.days.shape[1] - 1, _EPOCHS).astype(np.int64)
    days, ordinary = series.days[:1, epochs], _rounded(series.displacement[:, epochs])
    stable = _Stability(content, days)

    chosen: list[Floats] = []
    saturating = {}
    for product in graph.products:
        if not product.may_saturate:
            continue
        rows, change = _search(graph, product, np.nan_to_num(ordinary[:_POPULATION]), days, stable)
        chosen.append(rows)
        saturating[product.name] = round(float(change.max(initial=0)), 3)
        announce(f"vectors: saturation in {product.name} changes up to {saturating[product.name]:.3f}")
    common = stable.only(ordinary[_POPULATION:])
    rows = np.concatenate([*chosen, _of_all_classes(common, graph.probabilities(common, days))])[:_ROWS]
    if len(rows) < _ROWS:
        raise ProofError(f"only {len(rows)} series give the same probabilities however numbers are rounded")
    exact = graph.probabilities(rows, days)
    _check_here(stable.run(rows), exact, graph.probabilities(rows, days, list(saturating)), announce)
    return Vectors(GoldenVectors(encode(rows), days[0], exact, TOLERANCE), saturating)


def _check_here(found: Floats, exact: Floats, saturated: Floats, announce: Callable[[str], None]) -> None:
    """Refuse exact sums that onnxruntime does not give, unless this processor saturates."""
    if (difference := np.abs(found - exact).max()) <= TOLERANCE:
        return
    if np.abs(found - saturated).max() > TOLERANCE:
        raise ProofError(f"int8 differs by {difference:.2g} from exact sums, and this is not saturation")
    announce(f"vectors: this processor saturates sums; int8 differs by {difference:.2g} here, the vectors are exact")


class _Stability:
    """Which series have probabilities that do not depend on how a processor rounds."""

    def __init__(self, content: bytes, days: Floats) -> None:
        self._session, self._days = open_bytes(content), days

    def only(self, rows: Floats) -> Floats:
        """Return the series that change by at most a quarter of the tolerance when they are nudged."""
        rng = np.random.default_rng(VECTOR_SEED)
        plain = self.run(rows)
        worst = np.zeros(len(rows), dtype=np.float32)
        for _ in range(_NUDGES):
            nudged = rows + rng.normal(0, _NUDGE_MM, rows.shape).astype(np.float32)
            worst = np.maximum(worst, np.abs(self.run(nudged) - plain).max(axis=1))
        return rows[worst <= TOLERANCE / 4]

    def run(self, rows: Floats) -> Floats:
        """Return the probabilities that onnxruntime computes here."""
        found: Floats = self._session.run(None, {"displacement": rows, "days": self._days})[0]
        return found


def _of_all_classes(rows: Floats, probabilities: Floats) -> Floats:
    """Return the series in an order in which the classes take turns."""
    found = probabilities.argmax(axis=1)
    turn = np.zeros(len(rows), dtype=np.int64)
    for label in np.unique(found):
        turn[found == label] = np.arange(np.sum(found == label))
    return rows[np.argsort(turn, kind="stable")]


def _search(
    graph: SaturatingGraph, product: Product, start: Floats, days: Floats, stable: _Stability
) -> tuple[Floats, Floats]:
    """Return the series in which saturation of one product does most, and what it does, at most a few."""
    rng = np.random.default_rng(VECTOR_SEED)
    rows = start
    change, near = graph.effect(rows, days, product.name)
    best, found_in = (-1.0, -np.inf), 0
    for i in range(_ROUNDS):
        if np.sum(change > 2 * _DECISIVE) >= 4 * _PER_PRODUCT or i - found_in > _PATIENCE:
            break
        children = _children(rows, rng)
        new_change, new_near = graph.effect(children, days, product.name)
        rows = np.concatenate([rows, children])
        change, near = np.concatenate([change, new_change]), np.concatenate([near, new_near])
        # Most change first; where there is none yet, the nearest to it.
        order = np.lexsort((-near, -change))[:_POPULATION]
        rows, change, near = rows[order], change[order], near[order]
        if (change[0], near[0]) > best:
            best, found_in = (change[0], near[0]), i
    order = np.lexsort((-near, -change))
    kept = stable.only(rows[order])[:_PER_PRODUCT]
    if not len(kept):
        return kept, np.zeros(0, dtype=np.float32)
    return kept, graph.effect(kept, days, product.name)[0]


def _children(rows: Floats, rng: np.random.Generator) -> Floats:
    """Change each series at random: size, another series' end, a ramp, a step, a spike, a wave, or noise."""
    epochs = rows.shape[1]
    time = np.linspace(0, 1, epochs, dtype=np.float32)
    children = []
    for row in rows:
        size = np.float32(rng.choice([1, 10, 100]) * rng.normal())
        at = int(rng.integers(1, epochs - 1))
        other = rows[rng.integers(len(rows))]
        children.append(
            (
                lambda row=row, size=size: row * (1 + size / 30),
                lambda row=row, at=at, other=other: np.concatenate([row[:at], other[at:] - other[at] + row[at]]),
                lambda row=row, size=size: row + size * time,
                lambda row=row, size=size, at=at: row + size * (np.arange(epochs) >= at),
                lambda row=row, size=size, at=at: row + size * (np.arange(epochs) == at),
                lambda row=row, size=size, at=at: row + size * np.sin(2 * np.pi * time * at / 4),
                lambda row=row, size=size: row + rng.normal(0, abs(size) / 4, epochs),
            )[rng.integers(7)]()
        )
    return _rounded(np.clip(np.stack(children), -_LARGEST_MM, _LARGEST_MM))


def _rounded(rows: NDArray[np.floating]) -> Floats:
    """Round to the tenths of a millimetre that are stored."""
    return (np.rint(rows * 10) / 10).astype(np.float32)
