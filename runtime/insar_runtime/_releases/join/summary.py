"""Summary of a join of two releases."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from insar_runtime._findings.wording import counted, noun

_WORDS = {
    "joined": "joined",
    "only_old": "of OLD alone",
    "only_new": "of NEW alone",
    "no_common_epochs": "not joined: no common epochs",
    "too_few_common_epochs": "not joined: too few common epochs",
    "series_disagree": "not joined: the series disagree",
}


@dataclass(frozen=True, slots=True)
class Joined:
    """What a join of two releases did.

    Attributes
    ----------
    old, new, output : str
        Names of the files.
    rows : int
        Rows written.
    statuses : dict of str to int
        Rows by ``join_status``, those that occur. A pair whose series cannot be joined is two rows.
    matched_by_id, matched_by_position : int
        Pairs of points.
    within_m : float or None
        Distance within which positions were matched; None if none were.
    epochs, common_epochs : int
        Of the joined axis, and those that both releases have.
    first_date, last_date : str
    join_dates : tuple of str
        First dates after each join.
    reference : dict of str to float
        Difference of both releases over all points: median offset, its spread, trend, step at the join, season.
    notes : tuple of str
        What a person should know.
    bytes : int
        Size of the output.
    seconds : float
    """

    old: str
    new: str
    output: str
    rows: int
    statuses: dict[str, int]
    matched_by_id: int
    matched_by_position: int
    within_m: float | None
    epochs: int
    common_epochs: int
    first_date: str
    last_date: str
    join_dates: tuple[str, ...]
    reference: dict[str, Any]
    notes: tuple[str, ...]
    bytes: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values."""
        return asdict(self)


def describe_join(done: Joined) -> str:
    """Return the lines for a terminal: points, dates, difference of the references, notes, output."""
    places = f", {done.matched_by_position:,} by position" if done.matched_by_position else ""
    joined = f"; joined at {' and '.join(done.join_dates)}" if done.join_dates else ""
    lines = [
        f"{done.old}, {done.new}: {counted(done.matched_by_id, 'point')} matched by id{places}; "
        f"{done.common_epochs} common {noun(done.common_epochs, 'epoch')}",
        f"{counted(done.rows, 'row')}, {done.epochs} epochs, {done.first_date} to {done.last_date}{joined}",
    ]
    lines += [f"  {_WORDS[name]}: {count:,}" for name, count in done.statuses.items()]
    known = done.reference
    if known.get("offset_mm") is not None:
        lines.append(
            f"NEW less OLD: {known['offset_mm']:+.2f} mm (spread over points {known['offset_spread_mm']:.2f}), trend "
            f"{known['slope_mm_yr']:+.2f} mm/yr (spread {known['slope_spread_mm_yr']:.2f}), scatter of the differences "
            f"{known['scatter_mm']:.2f} mm"
        )
    lines += [f"note: {note}" for note in done.notes]
    lines.append(f"{done.output}: {done.bytes / 1e6:.1f} MB, written in {done.seconds:.2f} s")
    return "\n".join(lines)
