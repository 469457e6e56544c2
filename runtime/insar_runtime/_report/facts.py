"""Texts, numbers and arrays of a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._engine.class_priors import priors_of_block
from insar_runtime._output.palette import CLASS_COLOURS, NO_CLASS_COLOUR
from insar_runtime._report.classified_table import ClassifiedTable
from insar_runtime._report.diagnosis_facts import days_since, diagnosis_arrays, diagnosis_facts
from insar_runtime._report.gather import GROUP, Gathered
from insar_runtime._report.pack import Packed, pack, tenths
from insar_runtime._report.page_position import NOWHERE, STEPS
from insar_runtime._terminal.texts import describe_evidence, describe_priors
from insar_runtime.class_meanings import describe_classes
from insar_runtime.classes import CLASS_NAMES, STATUS_NAMES

_NO_PLACE: Final = 0xFFFFFFFF


def page_facts(table: ClassifiedTable, gathered: Gathered, *, title: str, file: str, shown_as: str) -> dict[str, Any]:
    """Return the texts and numbers of the page.

    Parameters
    ----------
    table : ClassifiedTable
        The table.
    gathered : Gathered
        Its counts, points and details.
    title, file : str
        Title of the page, and name of the table.
    shown_as : str
        Path of the table in the command ``insar-rt show`` on the page.
    """
    points, details, dates = gathered.points, gathered.details, _dates(table)
    return {
        "title": title,
        "file": file,
        "shownAs": shown_as,
        "groups": [*CLASS_NAMES, "No class"],
        "meanings": list(describe_classes(_stable_rate(table.block)).values()),
        "colours": [*CLASS_COLOURS.values(), NO_CLASS_COLOUR],
        "statuses": list(STATUS_NAMES),
        "counts": gathered.counts,
        "points": 0 if points is None else len(points),
        "position": _position_facts(table, points),
        "measures": [measure.facts() for measure in table.measures],
        "velocityName": _velocity_name(table),
        "dates": dates,
        "series": {
            "kept": table.series is not None,
            "rows": 0 if details is None else len(details),
            "trouble": table.trouble,
        },
        "diagnosis": diagnosis_facts(table, points),
        "attributes": list(table.attributes),
        "idName": table.roles.get("id"),
        "abstainBelow": table.block.get("parameters", {}).get("abstain_below"),
        "about": _about(table.block, dates),
        "doubts": [finding["sentence"] for finding in table.block.get("findings", [])],
        "notes": list(table.block.get("notes", [])),
        "attribution": table.block.get("attribution"),
    }


def page_arrays(gathered: Gathered, facts: Mapping[str, Any]) -> dict[str, Packed]:
    """Return the arrays of the page, with points in the order of drawing: without a class, Stable, ..., Other.

    Parameters
    ----------
    gathered : Gathered
    facts : mapping
        As returned by ``page_facts``.

    Returns
    -------
    dict of str to Packed
        Of N points ``x`` and ``y`` (uint32 steps from the lower left corner), ``group``, ``status``, ``velocity``
        (tenths of mm/yr, zigzag), ``measures`` [M, N], ``shares`` [6, N], ``epochs``, ``gap``, ``idLengths`` (bytes of
        UTF-8), ``ids``, and ``detailed``, which is 1 for the K points that have, in the same order, ``series`` [K, T],
        ``values`` [K, attributes] and the arrays of ``diagnosis_arrays``.
    """
    points, details = gathered.points, gathered.details
    if points is None or not len(points):
        return {}
    group = points[GROUP].to_numpy()
    points = points.take(pa.array(np.argsort((group + 1) % (len(CLASS_NAMES) + 1), kind="stable")))
    x, y = (points[axis].to_numpy() for axis in ("x", "y"))
    low = _corner(points)
    # The selection above copied the texts, so the buffer contains no others.
    ids = pa.concat_arrays(points["id"].chunks)
    count = len(points)
    packed = {
        "x": pack(np.where(x == NOWHERE, _NO_PLACE, x.astype(np.int64) - low[0]).astype(np.uint32)),
        "y": pack(np.where(x == NOWHERE, _NO_PLACE, y.astype(np.int64) - low[1]).astype(np.uint32)),
        "group": pack(points[GROUP].to_numpy().astype(np.uint8)),
        "status": pack(points["status"].to_numpy().astype(np.uint8)),
        "velocity": pack(tenths(points["velocity"].to_numpy())),
        "measures": pack(_matrix(points, "measures", count).T),
        "shares": pack(_matrix(points, "shares", count).T),
        "epochs": pack(points["n_epochs"].to_numpy()),
        "gap": pack(points["max_gap_days"].to_numpy()),
        "idLengths": pack(pc.binary_length(ids).to_numpy().astype(np.uint32)),
        "ids": pack(np.frombuffer(ids.buffers()[2] or b"", dtype=np.uint8)),
    }
    places = _places(points["row"].to_numpy(), details)
    packed["detailed"] = pack((places >= 0).astype(np.uint8))
    if details is not None and len(details):
        order = places[places >= 0]
        series = _matrix(details, "series", len(details))[order]
        packed["series"] = pack(series)
        packed["values"] = pack(_matrix(details, "attributes", len(details))[order])
        if facts["diagnosis"]:
            taken = details.take(pa.array(order))
            packed |= diagnosis_arrays(taken, series, facts["dates"], facts["diagnosis"])
    if facts["diagnosis"]:
        packed["changed"] = pack(days_since(points["break_date"], facts["diagnosis"]["origin"]))
    return packed


def _places(rows: NDArray[np.int64], details: pa.Table | None) -> NDArray[np.int64]:
    """Return the place of each row in the details; -1 if it is not there."""
    places = np.full(len(rows), -1, dtype=np.int64)
    if details is not None and len(details):
        detailed = details["row"].to_numpy()  # ascending, in the order of the file
        found = np.minimum(np.searchsorted(detailed, rows), len(detailed) - 1)
        there = detailed[found] == rows
        places[there] = found[there]
    return places


def _matrix(table: pa.Table, name: str, rows: int) -> NDArray[Any]:
    return table[name].combine_chunks().flatten().to_numpy().reshape(rows, -1)  # type: ignore[no-any-return]


def _corner(points: pa.Table) -> tuple[int, int]:
    x, y = (points[axis].to_numpy() for axis in ("x", "y"))
    placed = x != NOWHERE
    return (int(x[placed].min()), int(y[placed].min())) if placed.any() else (0, 0)


def _position_facts(table: ClassifiedTable, points: pa.Table | None) -> dict[str, Any] | None:
    position = table.position
    if position is None or points is None or (points["x"].to_numpy() == NOWHERE).all():
        return None
    x0, y0 = _corner(points)
    placed = points.filter(pc.not_equal(points["x"], pa.scalar(NOWHERE, points["x"].type)))
    size = [pc.max(placed[axis]).as_py() - low for axis, low in (("x", x0), ("y", y0))]
    corner = {"x0": x0, "y0": y0, "size": size}
    return {"kind": position.kind, "system": position.system, "steps": STEPS[position.kind], **corner}


def _velocity_name(table: ClassifiedTable) -> str | None:
    name = table.roles.get("velocity")
    if name:
        return f"column {name}"
    return "least-squares slope of the series" if table.series is not None else None


def _dates(table: ClassifiedTable) -> list[str]:
    if table.series is not None:
        return [str(date) for date in table.series.layout.dates]
    return [str(date) for date in table.block.get("input", {}).get("dates", [])]


def _stable_rate(block: Mapping[str, Any]) -> float | None:
    """Return the rate that separates Stable from Linear in the table; None if it is not known."""
    rate = block.get("parameters", {}).get("stable_rate_mm_yr")
    return None if rate is None else float(rate)


def _about(block: Mapping[str, Any], dates: list[str]) -> list[list[str]]:
    """Return the origin of the classes, as label and text of each line."""
    known = block.get("input", {})
    lines = []
    if dates:
        lines.append(["Epochs", f"{len(dates)}, {dates[0]} to {dates[-1]}"])
    if not block:
        return [*lines, ["Origin", "the file does not say which model gave the classes"]]
    lines.append(["Model", f"{block.get('model')} {block.get('model_version')}, {block.get('precision')}"])
    lines.append(["Model SHA-256", str(block.get("model_sha256"))])
    lines.append(["Software", f"{block.get('package')} {block.get('package_version')}, {block.get('provider')}"])
    lines.append(["Input", ", ".join(str(known[key]) for key in ("name", "producer", "layout") if known.get(key))])
    lines.append(
        ["Unit", f"{known.get('unit')} ({describe_evidence(known.get('unit_evidence'), known.get('velocity'))})"]
    )
    if (priors := block.get("priors")) is not None:
        lines.append(["Class mix", describe_priors(priors_of_block(priors))])
    if (rate := _stable_rate(block)) is not None:
        lines.append(["Stable", f"below {rate:g} mm/yr"])
    abstain = block.get("parameters", {}).get("abstain_below")
    if abstain is not None:
        lines.append(["Abstains", f"below a confidence of {abstain:g}"])
    return lines
