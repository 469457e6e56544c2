"""Proof of ``insar-rt join``: files are cut in two overlapping releases, joined, and compared with what they were."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from insar_runtime import Classifier, classify_file, join_files
from insar_runtime._pipeline.prepare import open_described
from insar_runtime.classes import NO_CLASS, TrendClass
from training.announce import Announce
from training.real_files import REAL_FILES, read_real, real_axis
from training.simulator import SimulatorConfig, simulate

OTHER_POINTS: Final = 0.05
"""Share of the points that each release alone has."""
OFFSET_MM: Final = (3.0, 8.0)
"""Mean and standard deviation over the points of the offset of the new release: another reference and another start."""
OLD_SHARE: Final = 0.8
NEW_SHARE: Final = 0.2
"""The old release ends after this share of the epochs, and the new one begins after this share, as one that covers five
years and is renewed every year."""
WITHIN_MM: Final = 0.2
AGREEMENT: Final = 0.99
"""Goals of the issue."""
STEP_MM: Final = 12.0
"""Step that all rows of a file get at a join that it states."""
JOINED_BY_OTHERS: Final = ("124_0770_IW3_VV", "2022-01-17")
"""Real file that its owner has joined of two releases, without moving either, and its first date after the join."""
_NEAR_DAYS: Final = 14
_MOST_ROWS: Final = 4000
_CALENDAR: Final = "egms_2020_2024"
_FIRST_DATE: Final = np.datetime64("2020-01-03")
_ROUNDED: Final = 1


@dataclass(frozen=True, eq=False)
class JoinedFile:
    """A file that is cut: series [N, T] in mm, and their dates [T]."""

    name: str
    series: NDArray[np.float32]
    dates: NDArray[np.datetime64]


def prove_joins(folder: Path, *, real: Path | None, count: int, seed: int, announce: Announce) -> dict[str, Any]:
    """Cut, join and compare files, and write ``join.json`` and ``join.md`` into a folder.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.
    real : Path, optional
        Folder of the project's real files.
    count : int
        Points of the simulated file.
    seed : int
        Seed of all random draws.
    announce : callable
        Function that receives progress messages.
    """
    classifier = Classifier(device="cpu").with_priors(None)
    files: dict[str, Any] = {}
    for file in _files(real, count, seed):
        files[file.name] = {**_joined(file, classifier, seed), **_with_step(file, classifier)}
        found = files[file.name]
        announce(
            f"{file.name}: {found['joined']} of {found['in both']} joined, largest difference "
            f"{found['largest difference, mm']:.2f} mm, {found['same class, %']:.2f} % of one class"
        )
    by_others = {} if real is None else _joined_by_others(_files(real, count, seed), classifier)
    joined = [found["joined"] for found in files.values()]
    numbers = {
        "seed": seed,
        "other points, %": 100 * OTHER_POINTS,
        "offset, mm": OFFSET_MM,
        "goals": {"within, mm": WITHIN_MM, "same class, %": 100 * AGREEMENT},
        "largest difference, mm": max(found["largest difference, mm"] for found in files.values()),
        "same class, %": float(np.average([found["same class, %"] for found in files.values()], weights=joined)),
        "joined by others": by_others,
        "files": files,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "join.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    (folder / "join.md").write_text(join_table(numbers) + "\n" + step_table(numbers), encoding="utf-8")
    return numbers


def join_table(numbers: Mapping[str, Any]) -> str:
    """Return the comparison of joined files with what they were cut from as a table."""
    lines = [
        "| file | points in both | joined | largest difference, mm | error of the offsets, mm | same class, % "
        "| where both have one, % | if rounded twice, % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, found in numbers["files"].items():
        lines.append(
            f"| {name} | {found['in both']:,} | {found['joined']:,} | {found['largest difference, mm']:.2f} "
            f"| {found['RMS error of offsets, mm']:.3f} | {found['same class, %']:.2f} "
            f"| {found['same class where both have one, %']:.2f} | {found['same class after rounding alone, %']:.2f} |"
        )
    return "\n".join(lines) + "\n"


def step_table(numbers: Mapping[str, Any]) -> str:
    """Return what a common step at a join does to the classes, as a table."""
    lines = [
        "| file | PUE without the step, % | with it, join unknown, % | join known, % | same class, join unknown, % "
        "| join known, % |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in numbers["files"].items():
        step = found["common step"]
        lines.append(
            f"| {name} | {step['PUE, %']:.1f} | {step['PUE, join unknown, %']:.1f} | {step['PUE, join known, %']:.1f} "
            f"| {step['same class, join unknown, %']:.1f} | {step['same class, join known, %']:.1f} |"
        )
    return "\n".join(lines) + "\n"


def _joined_by_others(files: Iterable[JoinedFile], classifier: Classifier) -> dict[str, Any]:
    """Return what changes in a real file with a join if it is stated."""
    name, join = JOINED_BY_OTHERS
    file = next(one for one in files if one.name == name)
    found: dict[str, Any] = {"file": name, "join": join, "rows": len(file.series)}
    with tempfile.TemporaryDirectory() as folder:
        for case, joins in (("unknown", ()), ("known", (join,))):
            path, output = Path(folder) / f"{case}.parquet", Path(folder) / f"{case}.classified.parquet"
            _write(path, file.series, file.dates, np.arange(len(file.series)), joins)
            done = classify_file(path, output, classifier=classifier, units="mm", priors="trained", diagnose=True)
            jumps = (
                pq.read_table(output, columns=["jump_dates"])["jump_dates"]
                .combine_chunks()
                .flatten()
                .to_numpy(zero_copy_only=False)
            )
            days = np.abs((jumps.astype("datetime64[D]") - np.datetime64(join)).astype(np.int64))
            found[case] = {
                "classes": done.classes,
                "jumps within 14 days of the join": int(np.count_nonzero(days <= _NEAR_DAYS)),
                "doubts": sorted({one.code for one in done.findings}),
            }
    return found


def _files(real: Path | None, count: int, seed: int) -> Iterator[JoinedFile]:
    if real is not None:
        for file in REAL_FILES:
            series, _ = read_real(real, file)
            dates, _ = real_axis(real, file)
            yield JoinedFile(file.name, series, dates)
    yield _simulated(count, seed)


def _simulated(count: int, seed: int) -> JoinedFile:
    """Return simulated series of five classes on the dates of an EGMS release."""
    config = SimulatorConfig()
    # One file: all points have the same dates.
    config = replace(config, block=count, delivery=replace(config.delivery, missing_probability=0.0))
    simulated = simulate(count, seed=seed, config=config, calendar=_CALENDAR)
    dates = _FIRST_DATE + simulated.days[0].astype("timedelta64[D]")
    return JoinedFile("simulated", np.round(simulated.displacement, _ROUNDED).astype(np.float32), dates)


def _joined(file: JoinedFile, classifier: Classifier, seed: int) -> dict[str, Any]:
    """Cut a file, join the releases, and compare series and classes with those of the file."""
    rng = np.random.default_rng(seed)
    count = len(file.series)
    # What both releases round, each by itself.
    exact = file.series + rng.uniform(-0.05, 0.05, file.series.shape)
    order = rng.permutation(count)
    others = round(OTHER_POINTS * count)
    old_rows, new_rows = np.sort(order[others:]), np.sort(np.concatenate([order[:others], order[2 * others :]]))
    offsets = rng.normal(*OFFSET_MM, count)
    end, begin = (round(share * len(file.dates)) for share in (OLD_SHARE, NEW_SHARE))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "old.parquet", exact[:, :end], file.dates[:end], old_rows)
        _write(folder / "new.parquet", exact[:, begin:] + offsets[:, None], file.dates[begin:], new_rows)
        done = join_files(folder / "old.parquet", folder / "new.parquet", folder / "joined.parquet", match="id")
        with open_described(folder / "joined.parquet") as table:
            batch = pa.concat_batches(list(table.batches))
            stored = table.description.as_stored(batch)
            series = table.description.matrix(batch)
            ids = np.array([int(one) for one in batch.column("pid").to_pylist()])
            is_joined = np.array(batch.column("join_status").to_pylist()) == "joined"
            found = batch.column("join_offset_mm").to_numpy(zero_copy_only=False)
    rows = ids[is_joined]
    whole = np.round(exact[rows], _ROUNDED).astype(np.float32)
    missing = np.isnan(whole)
    difference = np.where(missing, 0.0, np.abs(stored[is_joined] - offsets[rows, None] - whole))
    if not np.array_equal(np.isnan(stored[is_joined]), missing):
        raise ValueError(f"{file.name}: a joined series has values at other epochs than the series it was cut from")
    days = (file.dates - file.dates[0]).astype(np.float32)
    classes = [classifier.classify_matrix(one, days).class_id for one in (whole, series[is_joined])]
    both = (classes[0] != NO_CLASS) & (classes[1] != NO_CLASS)
    rounded = np.round(exact[rows] + offsets[rows, None], _ROUNDED).astype(np.float32)
    by_rounding = classifier.classify_matrix(rounded, days).class_id
    return {
        "points": count,
        "epochs": len(file.dates),
        "common epochs": done.common_epochs,
        "in both": count - 2 * others,
        "joined": len(rows),
        "statuses": done.statuses,
        "largest difference, mm": float(difference.max()),
        "rows that classify levels": int(np.count_nonzero((stored != series)[is_joined].any(axis=1, where=~missing))),
        "rows within the goal, %": 100 * float(np.mean(difference.max(axis=1) <= WITHIN_MM)),
        "RMS error of offsets, mm": float(np.sqrt(np.mean((found[is_joined] - offsets[rows]) ** 2))),
        "same class, %": 100 * float(np.mean(classes[0] == classes[1])),
        "same class where both have one, %": 100 * float(np.mean((classes[0] == classes[1])[both])),
        "same class after rounding alone, %": 100 * float(np.mean(classes[0] == by_rounding)),
        "reference": done.reference,
    }


def _with_step(file: JoinedFile, classifier: Classifier) -> dict[str, Any]:
    """Give all rows a step at one date, and compare classes where the file states the join and where not."""
    rows = file.series[:_MOST_ROWS]
    epoch = round(0.6 * len(file.dates))
    stepped = rows.copy()
    stepped[:, epoch:] += np.float32(STEP_MM)
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        join = str(file.dates[epoch])
        cases: tuple[tuple[NDArray[np.float32], tuple[str, ...]], ...] = ((rows, ()), (stepped, ()), (stepped, (join,)))
        for number, (series, joins) in enumerate(cases):
            path = folder / f"{number}.parquet"
            _write(path, series, file.dates, np.arange(len(rows)), joins)
            output = folder / f"{number}.classified.parquet"
            classify_file(path, output, classifier=classifier, units="mm", priors="trained")
            found.append(pq.read_table(output, columns=["class_id"])["class_id"].to_numpy())
    truth, unknown, known = found
    pue = TrendClass.PUE
    return {
        "common step": {
            "step, mm": STEP_MM,
            "rows": len(rows),
            "PUE, %": 100 * float(np.mean(truth == pue)),
            "PUE, join unknown, %": 100 * float(np.mean(unknown == pue)),
            "PUE, join known, %": 100 * float(np.mean(known == pue)),
            "same class, join unknown, %": 100 * float(np.mean(truth == unknown)),
            "same class, join known, %": 100 * float(np.mean(truth == known)),
        }
    }


def _write(
    path: Path,
    series: NDArray[np.floating],
    dates: NDArray[np.datetime64],
    rows: NDArray[np.intp],
    joins: tuple[str, ...] = (),
) -> None:
    """Write rows of a file as a release does: one column a date, in mm with one decimal, positions on a grid."""
    values = np.round(series[rows].astype(np.float64), _ROUNDED)
    columns: dict[str, Any] = {
        "pid": pa.array([f"{row:06d}" for row in rows.tolist()]),
        "latitude": 45 + rows // 1000 / 1000,
        "longitude": 7 + rows % 1000 / 1000,
    }
    names = [f"D{str(date).replace('-', '')}" for date in dates]
    columns |= {name: pa.array(values[:, place], from_pandas=True) for place, name in enumerate(names)}
    table = pa.table(columns)
    if joins:
        table = table.replace_schema_metadata({"insar_runtime:joins": json.dumps(joins)})
    pq.write_table(table, path)
