"""Whether two releases can be joined: what dates, products and directions say before a series is compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.source import Source
from insar_runtime._input.table import TableDescription
from insar_runtime.errors import DataError

_TRACK: Final = re.compile(r"(?:^|_)([0-9]{3})_([0-9]{4})_(IW[123])(?:_(VV|VH|HH|HV))?(?=[_.]|$)", re.IGNORECASE)
"""Track, burst, swath and polarisation in the names of EGMS files of level 2."""
_SAME_WAVELENGTH: Final = 0.03
_OTHER_DIRECTION_DEGREES: Final = 10.0
"""Median track or incidence angles that differ by more are of two directions: neighbouring tracks of Sentinel-1 differ
by some 8 degrees of incidence at one place, ascending and descending ones by 20 of heading or more. Our choice."""
_MOSTLY: Final = 0.8
"""Share of the dates from which on they are the same ones in two time zones."""
_DIRECTIONS: Final = {"line_of_sight": "the line of sight", "vertical": "the vertical", "east": "the east"}
_ANGLES: Final = ("track_angle", "incidence_angle")


@dataclass(frozen=True, slots=True, eq=False)
class OpenRelease:
    """One of the releases.

    Attributes
    ----------
    role : {"OLD", "NEW"}
        For messages.
    source : Source
    description : TableDescription
    declared : UserDeclarations
    """

    role: str
    source: Source
    description: TableDescription
    declared: UserDeclarations

    @property
    def dates(self) -> NDArray[np.datetime64]:
        """Dates [T]."""
        return self.description.layout.dates

    @property
    def span(self) -> str:
        """First and last date, for messages."""
        return f"{self.dates[0]} to {self.dates[-1]}"

    def facts(self) -> dict[str, Any]:
        """Return what the metadata of the output say of it."""
        layout, units = self.description.layout, self.description.units
        return {
            "name": Path(self.source.name).name,
            "kind": self.source.kind,
            "layout": layout.stored_as,
            "producer": layout.producer,
            "first_date": str(self.dates[0]),
            "last_date": str(self.dates[-1]),
            "epochs": len(self.dates),
            "source_unit": units.unit,
            "unit_evidence": units.evidence,
        }


def common_epochs(old: OpenRelease, new: OpenRelease, least: int) -> NDArray[np.datetime64]:
    """Return the dates that both releases have [C].

    Raises
    ------
    DataError
        If they have fewer than ``least`` in common.
    """
    common = np.intersect1d(old.dates, new.dates)
    if len(common) >= least:
        return common
    what = f"OLD ({old.span}) and NEW ({new.span})"
    if not len(common):
        if _day_apart(old.dates, new.dates):
            raise DataError(
                f"{what} have no common epoch, but most dates lie a day apart: are they of two tracks, or of two time "
                "zones? Make the dates of one track equal"
            )
        raise DataError(
            f"{what} have no common epoch, so nothing gives the offset between them: join releases of one track that "
            "overlap in time"
        )
    raise DataError(
        f"{what} have {len(common)} common epochs, fewer than --min-epochs {least}; join releases that overlap longer, "
        "or lower it"
    )


def check_products(old: OpenRelease, new: OpenRelease) -> tuple[str, ...]:
    """Refuse releases whose series are no displacements along one direction, and return what may be wrong.

    Raises
    ------
    DataError
        If a release has no dates, or facts say that the products, the radars, the tracks or the coordinates differ.
    """
    for release in (old, new):
        if not len(release.dates):
            raise DataError(f"{release.role} has no dates, and no row that could have any: there is nothing to join")
    layouts = old.description.layout, new.description.layout
    domains = [layout.domain for layout in layouts]
    if "unknown" not in domains and domains[0] != domains[1]:
        first, second = (_DIRECTIONS[domain] for domain in domains)
        raise DataError(f"OLD is a displacement along {first}, NEW along {second}: join releases of one product")
    levels = [layout.made_by.level if layout.made_by else None for layout in layouts]
    if None not in levels and (levels[0] == "L3") != (levels[1] == "L3"):
        raise DataError(f"OLD is {layouts[0].producer}, NEW {layouts[1].producer}: join releases of one product")
    halves = [release.description.wavelength(release.declared).half_mm for release in (old, new)]
    if None not in halves and abs(float(halves[0] or 0) / float(halves[1] or 1) - 1) > _SAME_WAVELENGTH:
        raise DataError(
            f"half a wavelength is {halves[0]:.1f} mm in OLD and {halves[1]:.1f} mm in NEW: join releases of one radar"
        )
    tracks = [_track(release) for release in (old, new)]
    if None not in tracks and tracks[0] != tracks[1]:
        raise DataError(
            f"OLD is of track {tracks[0]}, NEW of track {tracks[1]}, which look from other directions: join releases "
            "of one track"
        )
    positions = old.description.position, new.description.position
    systems = [position.crs for position in positions if position is not None]
    if len(set(systems)) > 1:
        raise DataError(
            f"OLD has its points in {systems[0]}, NEW in {systems[1]}: bring both to one system, or name its columns"
        )
    return tuple(_doubts(old, new, levels))


def check_angles(old: dict[str, float], new: dict[str, float]) -> None:
    """Refuse releases whose median angles differ.

    Raises
    ------
    DataError
        If they look from two directions.
    """
    for name in _ANGLES:
        if name in old and name in new:
            apart = abs((new[name] - old[name] + 180) % 360 - 180)
            if apart > _OTHER_DIRECTION_DEGREES:
                raise DataError(
                    f"{name} is {old[name]:.0f} degrees in OLD and {new[name]:.0f} in NEW (medians), which look from "
                    "other directions: join releases of one track"
                )


def angle_columns(names: tuple[str, ...]) -> dict[str, str]:
    """Return the columns of angles that a release has, by their usual names."""
    return {name.lower(): name for name in names if name.lower() in _ANGLES}


def join_dates(old: NDArray[np.datetime64], new: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """Return the first dates after each join: of the new release, and of the old one after its end."""
    after = old[old > new[-1]][:1]
    before = new[:1] if old[0] < new[0] else new[:0]
    return np.concatenate([before, after])


def _doubts(old: OpenRelease, new: OpenRelease, levels: list[Any]) -> Iterator[str]:
    if old.dates[-1] > new.dates[-1]:
        yield f"OLD ends after NEW ({old.dates[-1]}, {new.dates[-1]}): are they in the right order?"
    if None not in levels and levels[0] != levels[1]:
        first, second = (release.description.layout.producer for release in (old, new))
        yield f"OLD is {first}, NEW {second}, which have other references"
    for release in (old, new):
        if release.description.units.note:
            yield f"{release.role}: {release.description.units.note}"
        if release.description.fillers:
            yield f"{release.role}: {release.description.fillers.note}"


def _track(release: OpenRelease) -> str | None:
    """Return the track of a release by its file names, or by the XML beside its table; None if it is not known."""
    stated = release.source.metadata.get("track", "")
    if stated.strip().isdigit():
        return f"{int(stated):03d}"
    names = (*release.description.layout.origin.file_names, Path(release.source.name).name)
    return next((match[1] for name in names if (match := _TRACK.search(name))), None)


def _day_apart(old: NDArray[np.datetime64], new: NDArray[np.datetime64]) -> bool:
    """Return whether most dates of both, in the time that both cover, have one of the other release a day apart."""
    both = old[(old >= new[0] - 1) & (old <= new[-1] + 1)]
    place = np.searchsorted(new, both)
    near = [np.abs((new[np.clip(place + step, 0, len(new) - 1)] - both).astype(np.int64)) for step in (-1, 0)]
    return len(both) > 0 and float(np.mean(np.minimum(*near) <= 1)) > _MOSTLY
