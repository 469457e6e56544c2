"""Classified files with a known diagnosis: series of every kind, and columns that say what they were made of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from insar_runtime import CLASS_NAMES, classify_file
from tests.runtime.tables import wide, write

HALF_WAVELENGTH_MM = 27.7326
DATES = np.datetime64("2019-01-04") + np.cumsum(np.tile([6, 6, 12], 50))


@dataclass(frozen=True)
class Made:
    """One series and its story; jumps are (epoch, cycles or None, mm, repaired)."""

    class_name: str
    velocity: float = 0.0
    acceleration: float = 0.0
    bend: tuple[int, float, float] | None = None
    jumps: tuple[tuple[int, int | None, float, bool], ...] = ()
    looked: bool = False
    after_repair: str | None = None
    status: str = "ok"
    missing: slice = field(default_factory=lambda: slice(0, 0))

    @property
    def years(self) -> np.ndarray:
        days = DATES.astype(float)
        return (days - days.mean()) / 365.25

    @property
    def trend(self) -> np.ndarray:
        if self.bend:
            epoch, before, after = self.bend
            since = self.years - self.years[epoch]
            return 4.0 + np.where(since < 0, before, after) * since
        return 4.0 + self.velocity * self.years + self.acceleration / 2 * self.years**2

    @property
    def drawn(self) -> bool:
        """Whether a trend is drawn: not of classes whose points no line lies on, nor of a break that is not known."""
        last = self.after_repair or self.class_name
        return self.status == "ok" and {"PUE": bool(self.jumps), "Other": False, "Bilinear": bool(self.bend)}.get(
            last, True
        )

    @property
    def steps(self) -> np.ndarray:
        return sum((mm * (np.arange(len(DATES)) >= epoch) for epoch, _, mm, _ in self.jumps), np.zeros(len(DATES)))


CYCLE = HALF_WAVELENGTH_MM
MADE = (
    Made("Stable"),
    Made("Linear", velocity=-8.0),
    Made("Quadratic", acceleration=6.0),
    Made("Quadratic", acceleration=-5.0, bend=(70, 6.0, -6.0)),
    Made("Bilinear", bend=(90, -2.0, 18.0)),
    Made("Bilinear", bend=(40, 10.0, -4.0), missing=slice(60, 75)),
    Made("PUE", looked=True, jumps=((60, 1, CYCLE, True), (80, -1, -CYCLE, True)), after_repair="Stable"),
    Made("PUE", looked=True, velocity=6.0, jumps=((100, -1, -CYCLE, True), (130, None, 14.0, False)),
         after_repair="Linear"),
    Made("PUE", looked=True, jumps=((50, None, 17.5, False),)),
    Made("PUE", looked=True),
    Made("PUE", looked=True, bend=(75, 0.0, 15.0), jumps=((30, 2, 2 * CYCLE, True),), after_repair="Bilinear"),
    Made("Stable", status="too_few_epochs", missing=slice(0, 146)),
    Made("Other", velocity=-6.0),
    Made("Bilinear", velocity=4.0),
)  # fmt: skip


def made_series(seed: int = 5) -> np.ndarray:
    """Series [N, T] of all stories, one decimal."""
    rng = np.random.default_rng(seed)
    rows = [one.trend + one.steps + rng.normal(0, 1.5, len(DATES)) for one in MADE]
    matrix = np.round(np.stack(rows), 1)
    for row, one in enumerate(MADE):
        matrix[row, one.missing] = np.nan
    return matrix


def diagnosis_columns(made: tuple[Made, ...] = MADE) -> dict[str, pa.Array]:
    """Columns of ``classify --diagnose`` that state the truth about the series."""
    days = [date.fromisoformat(str(day)) for day in DATES]
    fitted = [one.status == "ok" for one in made]

    def numbers(values: list[float | None]) -> pa.Array:
        return pa.array([value if ok else None for value, ok in zip(values, fitted, strict=True)], pa.float32())

    def bent(index: int) -> list[Any]:
        return [one.bend[index] if one.bend else None for one in made]

    def around(by: int) -> pa.Array:
        return pa.array([days[one.bend[0] + by] if one.bend else None for one in made], pa.date32())

    def lists(data_type: pa.DataType, pick: Any) -> pa.Array:
        rows = [[pick(*jump) for jump in one.jumps] if one.looked else None for one in made]
        return pa.array(rows, pa.list_(data_type))

    slope = [float(np.polyfit(one.years, one.trend + one.steps, 1)[0]) for one in made]
    label = pa.dictionary(pa.int8(), pa.string())
    return {
        "velocity_mm_yr": numbers(list(slope)),
        "velocity_std": numbers([0.1] * len(made)),
        "acceleration_mm_yr2": numbers([one.acceleration for one in made]),
        "acceleration_std": numbers([0.2] * len(made)),
        "season_amp_mm": numbers([0.3] * len(made)),
        "season_amp_std": numbers([0.2] * len(made)),
        "rmse_mm": numbers([1.5] * len(made)),
        "break_date": around(0),
        "break_lo": around(-8),
        "break_hi": around(11),
        "v_before": numbers(bent(1)),
        "v_before_std": numbers([0.4 if one.bend else None for one in made]),
        "v_after": numbers(bent(2)),
        "v_after_std": numbers([0.6 if one.bend else None for one in made]),
        "v_recent_mm_yr": numbers([one.velocity + 1.0 for one in made]),
        "v_recent_std": numbers([2.5] * len(made)),
        "recent_change_prob": numbers([0.25] * len(made)),
        "n_jumps": pa.array([len(one.jumps) if one.looked else None for one in made], pa.int16()),
        "jump_dates": lists(pa.date32(), lambda epoch, cycles, mm, repaired: days[epoch]),
        "jump_mm": lists(pa.float32(), lambda epoch, cycles, mm, repaired: mm + 0.4),
        "jump_mm_std": lists(pa.float32(), lambda *jump: 0.9),
        "jump_cycles": lists(pa.int8(), lambda epoch, cycles, mm, repaired: cycles),
        "jump_prob": lists(pa.float32(), lambda epoch, cycles, mm, repaired: 0.998 if cycles else 0.71),
        "jump_distance": lists(pa.float32(), lambda epoch, cycles, mm, repaired: 0.4 if cycles else 12.5),
        "jump_repaired": lists(pa.bool_(), lambda epoch, cycles, mm, repaired: repaired),
        "class_after_repair": pa.array([one.after_repair for one in made]).cast(label),
        "diagnosis_status": pa.array([one.status for one in made]).cast(label),
    }


def classified(path: Path, *, keep_series: bool = True, copies: int = 1) -> Path:
    """Write a classified file whose classes and diagnoses are those that its series were made of."""
    matrix = np.tile(made_series(), (copies, 1))
    source = write(wide(matrix, DATES), path.with_name(f"{path.stem}-in.parquet"))
    classify_file(source, path, keep_series=keep_series, overwrite=True, half_wavelength_mm=HALF_WAVELENGTH_MM)
    table = pq.read_table(path)
    ids = [CLASS_NAMES.index(one.class_name) for one in MADE] * copies
    named = pa.array([CLASS_NAMES[i] for i in ids]).cast(table.schema.field("class_name").type)
    for name, column in (("class_id", pa.array(ids, pa.int8())), ("class_name", named)):
        table = table.set_column(table.schema.names.index(name), table.schema.field(name), column)
    place = table.schema.names.index("max_gap_days") + 1
    for name, column in diagnosis_columns(MADE * copies).items():
        table = table.add_column(place, name, column)
        place += 1
    metadata = table.schema.metadata
    block = json.loads(metadata[b"insar_runtime"])
    block["diagnosis"] = {"half_wavelength_mm": HALF_WAVELENGTH_MM, "recent_days": 180}
    table = table.replace_schema_metadata({**metadata, b"insar_runtime": json.dumps(block).encode()})
    pq.write_table(table, path)
    return path
