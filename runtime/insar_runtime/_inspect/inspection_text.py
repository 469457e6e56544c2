"""Text of an inspection, for a terminal of 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any, Final

from insar_runtime._diagnosis.common_steps import LEAST_EPOCHS, LEAST_ROWS
from insar_runtime._findings.wording import counted, percent

_WIDTH: Final = 100
_LABEL: Final = 13
_NAMES: Final = 6
"""Most column names in a line; the others are counted."""
_NAMED: Final = 3
"""Most dates in a line; the others are counted."""
_LAYOUTS: Final = {
    "wide": "one column per date",
    "list": "a list of values per row",
    "long": "one row per point and date",
}
_WHERE: Final = {
    "all": "all of the file, {rows}",
    "spread": "{rows} from all over the file",
    "first": "its begin, {rows}",
}
_EVIDENCE: Final = {
    "declared": "declared by --units",
    "format": "the producer, or the name of the column, states mm",
    "assumed": "mm is assumed; the file contains no proof of it",
}


def describe_inspection(facts: dict[str, Any]) -> str:
    """Return the facts of ``inspect_file`` as text: description, evidence, findings, run of ``classify``."""
    run = facts["classify"]
    lines = [facts["name"]]
    if run["refused"]:
        lines += ["", *_wrapped("classify refuses it: " + run["refused"], "", "  ")]
    lines += _group("Read as", _read_as(facts))
    lines += _group("Evidence", _evidence(facts))
    lines += ["", "Doubts"]
    lines += [line for doubt in facts["findings"] for line in _wrapped(doubt["sentence"], "  - ", "    ")] or ["  none"]
    lines += _group("Classify would" if run["refused"] else "Classify will", _run(facts, run))
    return "\n".join(lines)


def _read_as(facts: dict[str, Any]) -> Iterable[tuple[str, str]]:
    size = "" if facts["bytes"] is None else f", {_size(facts['bytes'])}"
    yield "file", f"{facts['container']}{size}"
    yield "points", _points(facts)
    spelling = f", spelled {facts['date_columns']}" if facts["date_columns"] else ""
    yield "layout", _LAYOUTS[facts["layout"]] + spelling
    span = f", {facts['first_date']} to {facts['last_date']}" if facts["first_date"] else ""
    yield "time axis", counted(facts["epochs"], "epoch") + span
    if facts["sampling_days"]:
        yield "sampling", _sampling(facts["time_axis"], facts["sampling_days"])
    yield "product", facts["producer"] or "unknown"
    yield "unit", f"{facts['unit']}, {_sign(facts)}" if facts["unit"] else "unknown"
    yield "radar", _radar(facts)
    yield "values", _values(facts)
    if facts["noise"]:
        yield "noise", _noise(facts["noise"])
    yield "missing", _missing(facts)
    columns = facts["columns"]
    yield "id", columns["id"] or "none"
    geometry = facts["geometry"]
    placed = None if geometry is None else f"{geometry['column']} ({geometry['system']})"
    columns_of_place = _pair(columns, "longitude", "latitude") or _pair(columns, "easting", "northing")
    yield "position", columns_of_place or placed or "none"
    if columns["velocity"]:
        yield "velocity", f"{columns['velocity']} (mm/yr)"
    yield "attributes", _names(facts["attributes"])


def _evidence(facts: dict[str, Any]) -> Iterable[tuple[str, str]]:
    rows = counted(facts["sample"]["rows"], "row")
    yield "examined", _WHERE[facts["sample"]["where"]].format(rows=rows)
    if facts["unit_evidence"] == "velocity":
        column = facts["columns"]["velocity"]
        yield "unit", f"proven: the series change by {facts['unit_ratio']:.3g} a year for 1 mm/yr of '{column}'"
    elif facts["unit_evidence"]:
        yield "unit", _EVIDENCE[facts["unit_evidence"]]
    if facts["producer"]:
        yield "product", "the names of its columns and of the file"
    if facts["sample"]["rows"] < LEAST_ROWS or facts["epochs"] < LEAST_EPOCHS:
        yield "joins", f"not searched: this needs {LEAST_ROWS} rows and {LEAST_EPOCHS} epochs"
    if facts["noise"] and not facts["noise"]["rows"]:
        yield "noise", "typical values: too few rows or epochs for an estimate"
    elif facts["noise"]:
        yield "noise", f"{counted(facts['noise']['rows'], 'row')} without jumps and without clear motion"
    if facts["ids"]:
        whole = "all " if facts["ids"]["compared"] == facts["points"] else "the first "
        yield "ids", f"{whole}{facts['ids']['compared']:,} compared, {facts['ids']['repeated']:,} repeated"


def _run(facts: dict[str, Any], run: dict[str, Any]) -> Iterable[tuple[str, str]]:
    if run["output"]:
        exists = ", which exists: --overwrite replaces it" if run["output_exists"] else ""
        yield "write", f"{run['output']}{exists}"
    yield (
        "geometry",
        {
            "points": f"GeoParquet points from {', '.join(run['geometry_columns'])} ({run['crs']})",
            "kept": "that of the input, kept",
            None: "none: no column has the position of the points",
        }[run["geometry"]],
    )
    yield "columns", f"keep {len(run['columns_kept'])}, add {len(run['columns_added'])}: {_names(run['columns_added'])}"
    if facts["statuses"]:
        yield "answer", _answers(facts)
    yield "model", f"{run['model']} {run['model_version']}, {run['precision']} on {run['device']}"
    yield "because", run["device_reason"]
    yield "class mix", "estimated from the first points when they are classified, and stated; or --priors"
    threads = counted(run["threads"], "thread")
    yield "memory", f"about {run['memory_mb']} MB, {threads}, batches of {counted(run['batch_rows'], 'point')}"
    yield "time", _time(run, threads)


def _points(facts: dict[str, Any]) -> str:
    if facts["points"] is None:
        return "not counted"
    return f"{facts['points']:,}" if facts["points_counted"] else f"about {_rounded(facts['points']):,}, not counted"


def _sampling(axis: dict[str, Any], days: dict[str, Any]) -> str:
    switches = axis["switches"]
    if switches:
        text = f"{switches[0]['before_days']:g} days"
        text += "".join(f", {switch['after_days']:g} from {switch['date']}" for switch in switches)
    else:
        text = f"{days['median']:g} days"
    if days["min"] == days["max"]:
        return f"every {days['min']} days"
    gap = axis["longest_gap"]
    # The dates of the longest gap are stated only if it is unique.
    where = f", the longest {gap['begin']} to {gap['end']}" if axis["intervals"][str(gap["days"])] == 1 else ""
    return f"{text}; {days['min']} to {days['max']}{where}"


def _sign(facts: dict[str, Any]) -> str:
    return {
        "as_velocity": f"sign as '{facts['columns']['velocity']}'",
        "opposite_to_velocity": f"sign opposite to '{facts['columns']['velocity']}'",
    }.get(facts["sign"], "sign as in the file")


def _radar(facts: dict[str, Any]) -> str:
    if facts["half_wavelength_evidence"] == "projected":
        return "projected series: no jump is a multiple of half a wavelength"
    if facts["half_wavelength_mm"] is None:
        return "unknown, so jumps get no cycles: name it with --sensor"
    evidence = {
        "declared": "as declared",
        "producer": "the producer processes Sentinel-1",
        "dates": "only Sentinel-1 acquires on such dates",
    }[facts["half_wavelength_evidence"]]
    return f"half a wavelength is {facts['half_wavelength_mm']:.2f} mm: {evidence}"


def _values(facts: dict[str, Any]) -> str:
    values, noise = facts["values"], facts["scatter"]["noise_mm"]
    if values["low"] is None:
        return "none"
    text = f"{values['low']:g} to {values['high']:g} {facts['unit'] or ''}".rstrip()
    if values["rounded_to"] is not None:
        text += f" in steps of {values['rounded_to']:g}"
    begin = values["begin_at_zero"]
    text += "; series begin at 0" if begin > 0.95 else "; series do not begin at 0" if begin < 0.5 else ""
    return text + (f"; scatter {noise:.2g} mm" if noise is not None and facts["unit"] else "")


def _noise(noise: dict[str, Any]) -> str:
    low, usual, high = noise["scatter_mm"]
    parts = [f"white {noise['white_mm']:.2g}"]
    for name in ("short", "slow"):
        days = noise[f"{name}_days"]
        if days is not None and noise[f"{name}_mm"] >= 0.05 * usual:
            parts.append(f"{name} {noise[f'{name}_mm']:.2g} ({days:.0f} days)")
    text = f"{usual:.2g} mm ({low:.2g} to {high:.2g} in 8 of 10 rows): {', '.join(parts)}"
    steps = [f"{step['date']} ({step['rms_mm']:.2g} mm)" for step in noise["steps"]]
    text += f"; many rows change level at {', '.join(steps)}" if steps else ""
    noisy = [f"{epoch['date']} ({epoch['factor']:.1f} times)" for epoch in noise["noisy_epochs"]]
    text += f"; noisier at {', '.join(noisy[:_NAMED])}" if noisy else ""
    return text + (f" and {len(noisy) - _NAMED} more epochs" if len(noisy) > _NAMED else "")


def _missing(facts: dict[str, Any]) -> str:
    missing, rows = facts["missing"], facts["sample"]["rows"]
    if not missing["share"]:
        return "none" if rows else "no rows"
    return f"{percent(missing['share'])} of the values; {missing['rows_complete']:,} of {rows:,} rows are complete"


def _answers(facts: dict[str, Any]) -> str:
    statuses, rows = facts["statuses"], facts["sample"]["rows"]
    refused = {name: count for name, count in statuses.items() if name != "ok"}
    if not refused:
        return f"all rows examined ({rows:,}), or abstain"
    shares = ", ".join(f"{_percent(count / rows)} {name}" for name, count in refused.items())
    if "ok" not in statuses:
        return f"no row: {shares}"
    return f"{_percent(statuses['ok'] / rows)} of the rows, or abstain; no class for {shares}"


def _time(run: dict[str, Any], threads: str) -> str:
    if run["seconds"] is None:
        return "not measured"
    return (
        f"about {_duration(run['seconds'])} on {threads}, as {counted(run['measured_points'], 'point')} took just now"
    )


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{max(seconds, 0.1):.1f} s"
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )


def _rounded(number: float) -> int:
    """Return a number rounded to two significant digits."""
    return int(float(f"{number:.2g}"))


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _pair(columns: dict[str, Any], one: str, other: str) -> str | None:
    return f"{columns[one]}, {columns[other]}" if columns[one] and columns[other] else None


def _names(names: list[str]) -> str:
    rest = len(names) - _NAMES
    return (", ".join(name or "(no name)" for name in names[:_NAMES]) or "none") + (
        f" and {rest} more" if rest > 0 else ""
    )


def _group(title: str, rows: Iterable[tuple[str, str]]) -> list[str]:
    lines = ["", title]
    for label, text in rows:
        lines += _wrapped(text, f"  {label:<{_LABEL}}", " " * (_LABEL + 2))
    return lines


def _wrapped(text: str, first: str, later: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False, break_long_words=False
    )
