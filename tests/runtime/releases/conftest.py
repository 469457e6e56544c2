"""Two releases with known changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, classify_file
from tests.runtime.tables import wide, write

POINTS, EPOCHS, OLD_EPOCHS = 300, 140, 125
DATES = np.datetime64("2019-01-04") + 12 * np.arange(EPOCHS)


def quiet_series(seed: int = 0) -> np.ndarray:
    """Noise of 1.5 mm on rates of which a tenth is none."""
    rng = np.random.default_rng(seed)
    rate = np.where(np.arange(POINTS) % 10 == 0, 12.0, 0.0)
    years = (DATES - DATES[0]).astype(float) / 365.25
    return np.round(rng.normal(0, 1.5, (POINTS, EPOCHS)) + rate[:, None] * years, 1)


@dataclass(frozen=True)
class Releases:
    """Paths of two classified tables, and the raw ones that they are of."""

    old: Path
    new: Path
    raw_old: Path
    raw_new: Path


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory, classifier: Classifier) -> Releases:
    """The old release lacks the last epochs and points 280 to 299; the new one lacks points 0 to 9, and is shuffled."""
    folder = tmp_path_factory.mktemp("releases")
    whole = wide(quiet_series(), DATES)
    names = whole.schema.names[:3]
    old = whole.select([*names, *whole.schema.names[3 : 3 + OLD_EPOCHS]]).slice(0, 280)
    new = whole.slice(10).take(pa.array(np.random.default_rng(1).permutation(POINTS - 10)))
    paths = []
    for name, table in (("old", old), ("new", new)):
        raw = write(table, folder / f"raw_{name}.parquet")
        done = classify_file(raw, folder / f"{name}.parquet", classifier=classifier, diagnose=True, units="mm")
        paths += [Path(done.output), raw]
    return Releases(paths[0], paths[2], paths[1], paths[3])


def changed(source: Path, target: Path, row_id: str, **values: Any) -> Path:
    """Write a classified table again, with other values in the row of one id; of probabilities give all six."""
    table = pq.read_table(source)
    row = table["pid"].to_pylist().index(row_id)
    for name, value in values.items():
        field = table.schema.field(name)
        column = table[name].to_pylist()
        column[row] = value
        plain = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        replaced = pa.array(column, plain).cast(field.type)
        table = table.set_column(table.schema.names.index(name), field, replaced)
    pq.write_table(table, target)
    return target


def with_class(name: str, share: float = 0.9) -> dict[str, Any]:
    """Columns of a class with a confidence, the rest of which is Stable."""
    names = ("stable", "linear", "quadratic", "bilinear", "pue", "other")
    shares = dict.fromkeys(names, 0.0)
    shares["stable"] = 1 - share
    shares[name.lower()] = share if name != "Stable" else 1.0
    number = names.index(name.lower())
    found = {"class_id": number, "class_name": name, "class_top": number, "confidence": shares[name.lower()]}
    return {**found, **{f"p_{key}": value for key, value in shares.items()}}


def with_break(day: date, days: int = 20) -> dict[str, Any]:
    """Columns of a break."""
    return {
        "break_date": day,
        "break_lo": date.fromordinal(day.toordinal() - days),
        "break_hi": date.fromordinal(day.toordinal() + days),
        "v_before": 0.0,
        "v_after": 20.0,
        "v_before_std": 1.0,
        "v_after_std": 1.0,
    }


def with_jumps(*jumps: tuple[date, float]) -> dict[str, Any]:
    """Columns of jumps."""
    dates, sizes = [day for day, _ in jumps], [size for _, size in jumps]
    ones = [1.0] * len(jumps)
    return {
        "n_jumps": len(jumps),
        "jump_dates": dates,
        "jump_mm": sizes,
        "jump_mm_std": ones,
        "jump_cycles": [1] * len(jumps),
        "jump_prob": ones,
        "jump_distance": ones,
        "jump_repaired": [False] * len(jumps),
    }


@pytest.fixture
def scipy() -> Any:
    """Points are matched by position with scipy, of the extra ``spatial``."""
    return pytest.importorskip("scipy", reason="extra spatial is not installed")
