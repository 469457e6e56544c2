"""Names of the columns in plain words, and the map tips of points and areas, for QGIS."""

from __future__ import annotations

from typing import Final

from insar_runtime.classes import CLASS_NAMES

AREA_SHARES: Final = ("linear", "quadratic", "bilinear", "pue", "other")
"""Classes whose shares an areas file has, in small letters."""
ALIASES: Final = {
    "class_id": "Class number (-1: none)",
    "class_name": "Class",
    "class_top": "Number of the most probable class",
    "confidence": "Confidence (0 to 1)",
    **{f"p_{name.lower()}": f"Probability of {name}" for name in CLASS_NAMES},
    "status": "Status",
    "n_epochs": "Dates with a value",
    "max_gap_days": "Longest gap (days)",
    "velocity": "Velocity (mm/yr)",
    "velocity_mm_yr": "Velocity (mm/yr)",
    "velocity_std": "Std. of the velocity (mm/yr)",
    "acceleration_mm_yr2": "Acceleration (mm/yr²)",
    "acceleration_std": "Std. of the acceleration (mm/yr²)",
    "season_amp_mm": "Seasonal amplitude (mm)",
    "season_amp_std": "Std. of the seasonal amplitude (mm)",
    "rmse_mm": "Scatter about the trend (mm)",
    "break_date": "Break: date",
    "break_lo": "Break: earliest date (90 %)",
    "break_hi": "Break: latest date (90 %)",
    "v_before": "Rate before the break (mm/yr)",
    "v_before_std": "Std. of the rate before (mm/yr)",
    "v_after": "Rate after the break (mm/yr)",
    "v_after_std": "Std. of the rate after (mm/yr)",
    "v_recent_mm_yr": "Recent rate (mm/yr)",
    "v_recent_std": "Std. of the recent rate (mm/yr)",
    "recent_change_prob": "Probability of a recent change of rate (0 to 1)",
    "n_jumps": "Number of jumps",
    "jump_dates": "Jumps: dates",
    "jump_mm": "Jumps: sizes (mm)",
    "jump_mm_std": "Jumps: std. of the sizes (mm)",
    "jump_cycles": "Jumps: half wavelengths",
    "jump_prob": "Jumps: probabilities (0 to 1)",
    "jump_distance": "Jumps: distance from whole half wavelengths (std.)",
    "jump_repaired": "Jumps: repaired",
    "class_after_repair": "Class after the repair",
    "diagnosis_status": "Status of the diagnosis",
}
"""Of the columns that ``classify`` adds."""

AREA_ALIASES: Final = {
    "area_id": "Number of the area",
    "class_name": "Class",
    "quality": "Quality (1 best, 4 worst)",
    "moving_points": "Moving points",
    "points": "Points inside",
    "moving_share": "Share of moving points",
    "area_m2": "Size (m²)",
    **{f"share_{name}": f"Share of {name.upper() if name == 'pue' else name.capitalize()}" for name in AREA_SHARES},
    "rate_mm_yr": "Rate, median (mm/yr)",
    "rate_spread_mm_yr": "Spread of the rates (mm/yr)",
    "acceleration_mm_yr2": "Acceleration (mm/yr²)",
    "break_date": "Break: date",
    "break_spread_days": "Break: spread (days)",
    "displacement_mm": "Largest displacement (mm)",
    "noise_in_time": "Noise in time (0 to 1)",
    "coherence_in_space": "Coherence in space (0 to 1)",
    "dates": "Mean series: dates",
    "median_mm": "Mean series: medians (mm)",
    "lower_quartile_mm": "Mean series: lower quartiles (mm)",
    "upper_quartile_mm": "Mean series: upper quartiles (mm)",
}
"""Of the columns of an areas file."""

CHANGE_ALIASES: Final = {
    "id_before": "Id before",
    "match": "In both releases, gone or new",
    "matched_by": "Matched by",
    "distance_m": "Distance of the positions (m)",
    "reasons": "Over the thresholds",
    "class_before": "Class before",
    "class_after": "Class after",
    "confidence_before": "Confidence before (0 to 1)",
    "confidence_after": "Confidence after (0 to 1)",
    "class_changed": "Another class",
    "class_change_prob": "Probability of another class (0 to 1)",
    "rate_before_mm_yr": "Rate before (mm/yr)",
    "rate_after_mm_yr": "Rate after (mm/yr)",
    "rate_change_mm_yr": "Change of rate (mm/yr)",
    "rate_change_std": "Std. of the change (mm/yr)",
    "rate_change_prob": "Probability of a change of rate (0 to 1)",
    "break_before": "Break: date before",
    "break_after": "Break: date after",
    "new_break": "Break is new",
    "n_new_jumps": "Number of new jumps",
    "new_jump_dates": "New jumps: dates",
    "new_jump_mm": "New jumps: sizes (mm)",
    "v_recent_mm_yr": "Recent rate (mm/yr)",
    "v_recent_std": "Std. of the recent rate (mm/yr)",
    "recent_change_prob": "Probability of a recent change of rate (0 to 1)",
}
"""Of the columns of a comparison of two releases."""

_MOST_JUMPS: Final = 4


def map_tip(id_column: str | None = None, velocity_column: str | None = None) -> str:
    """Return the map tip of a point as HTML with expressions of QGIS: id, class, confidence, rate, break and jumps.

    A line is left out where its column is missing or has no value.

    Parameters
    ----------
    id_column : str, optional
        Column of the ids.
    velocity_column : str, optional
        Column of the velocities of the input, mm/yr, which are shown of a point without a diagnosis.
    """
    velocity = f"coalesce({_column('velocity_mm_yr')}, {_column(velocity_column)})"
    names, percent = ", ".join(f"'{name}'" for name in CLASS_NAMES), f"round(100 * {_column('confidence')}) || ' %'"
    sure = f"{_column('class_name')} || '</b> (confidence ' || {percent} || ')'"
    most = f"array_get(array({names}), {_column('class_top')})"
    unsure = f"'No class</b> (most probable: ' || {most} || ', ' || {percent} || ')'"
    without = f"'No class</b> (' || replace({_column('status')}, '_', ' ') || ')'"
    interval = f"' (' || to_string({_column('break_lo')}) || ' to ' || to_string({_column('break_hi')}) || ')'"
    change = f"{_rate(_column('v_before'))} || ' mm/yr, then ' || {_rate(_column('v_after'))} || ' mm/yr'"
    lines = [
        f"<b>[% coalesce({sure}, {unsure}, {without}, '</b>') %]",
        _line("Id", _escaped(_column(id_column))),
        _line("Rate", f"{_rate(velocity)} || coalesce(' ± ' || {_rate(_column('velocity_std'))}, '') || ' mm/yr'"),
        _line("Break", f"to_string({_column('break_date')}) || coalesce({interval}, '')"),
        _line("Rates", change),
        _line("Jumps", _jumps()),
    ]
    return "".join(lines)


def area_map_tip() -> str:
    """Return the map tip of a moving area as HTML with expressions of QGIS; a line without a value is left out."""
    number, quality = _column("area_id"), _column("quality")
    spread = f"coalesce(' ± ' || {_rate(_column('rate_spread_mm_yr'))}, '')"
    days = f"coalesce(' ± ' || round({_column('break_spread_days')}) || ' days', '')"
    lines = [
        f"<b>[% coalesce('Area ' || {number}, 'Area') || coalesce(': ' || {_column('class_name')}, '') %]</b>",
        f"[% coalesce(' (quality ' || {quality} || ' of 1 to 4)', '') %]",
        _line("Rate", f"{_rate(_column('rate_mm_yr'))} || {spread} || ' mm/yr'"),
        _line("Points", f"{_column('moving_points')} || ' moving of ' || {_column('points')}"),
        _line("Size", f"format_number({_column('area_m2')} / 10000, 2) || ' ha'"),
        _line("Break", f"to_string({_column('break_date')}) || {days}"),
        _line("Largest displacement", f"{_rate(_column('displacement_mm'))} || ' mm'"),
    ]
    return "".join(lines)


def area_label() -> str:
    """Return the expression of the label of a moving area: its rate with its sign."""
    rate = _column("rate_mm_yr")
    return f"if({rate} > 0, '+', '') || {_rate(rate)} || ' mm/yr'"


def change_map_tip() -> str:
    """Return the map tip of a point of two releases as HTML with expressions of QGIS, as ``map_tip``."""
    before, after = (f"coalesce({_column(name)}, 'no class')" for name in ("class_before", "class_after"))
    match, change = _column("match"), _column("rate_change_mm_yr")
    other = f"if({match} = 'gone', {before} || ', gone', {after} || ', new')"
    classes = f"if({match} = 'both', {before} || ' → ' || {after}, {other})"
    rates = f"{_rate(_column('rate_before_mm_yr'))} || ' → ' || {_rate(_column('rate_after_mm_yr'))} || ' mm/yr'"
    new_break = f"if({_column('new_break')}, to_string({_column('break_after')}), NULL)"
    lines = [
        f"<b>[% {classes} %]</b>",
        _line("Id", _escaped(_column("id"))),
        _line("Over the thresholds", f"replace({_column('reasons')}, ';', ', ')"),
        _line("Rate", rates),
        _line("Change", f"{_rate(change)} || coalesce(' ± ' || {_rate(_column('rate_change_std'))}, '') || ' mm/yr'"),
        _line("New break", new_break),
        _line("New jumps", _jumps("n_new_jumps", "new_jump_dates", "new_jump_mm")),
        _line("Recent rate", f"{_rate(_column('v_recent_mm_yr'))} || ' mm/yr'"),
    ]
    return "".join(lines)


def _line(title: str, value: str) -> str:
    """Return a line for a value, an expression; nothing is shown if it is NULL."""
    return f"[% coalesce('<br>{title}: ' || {value}, '') %]"


def _column(name: str | None) -> str:
    """Return the expression of the value of a column; NULL if there is no such column."""
    # The end of an expression within the name would end it, and let text of the file into the page.
    if name is None or "%]" in name:
        return "NULL"
    text = name.replace("\\", "\\\\").replace("'", "''")
    return f"attribute($currentfeature, '{text}')"


def _escaped(value: str) -> str:
    """Return the expression of a text of the file, as HTML that shows it."""
    return f"replace(replace(to_string({value}), '&', '&amp;'), '<', '&lt;')"


def _rate(value: str) -> str:
    return f"format_number({value}, 1)"


def _jumps(number: str = "n_jumps", days: str = "jump_dates", millimetres: str = "jump_mm") -> str:
    """Return the expression of the dates and sizes of the first jumps; NULL without a jump."""
    count, dates, sizes = _column(number), _column(days), _column(millimetres)
    each = (
        f"array_foreach(generate_series(0, min({count}, {_MOST_JUMPS}) - 1), "
        f"array_get(string_to_array({dates}, ';'), @element) || ' ' || "
        f"format_number(to_real(array_get(string_to_array({sizes}, ';'), @element)), 1) || ' mm')"
    )
    more = f"if({count} > {_MOST_JUMPS}, ', ...', '')"
    return f"if({count} > 0, {count} || ' (' || array_to_string({each}, ', ') || {more} || ')', NULL)"
