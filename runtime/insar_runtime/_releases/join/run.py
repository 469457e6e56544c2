"""Join two releases: one series per point, from the epochs of both."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import numpy as np

from insar_runtime._input.column_roles import Role
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.locations import locate
from insar_runtime._input.position import parse_crs
from insar_runtime._input.store_path import StorePath
from insar_runtime._input.units.series_units import Unit
from insar_runtime._output.output_checks import check_output, is_among, refuse_input
from insar_runtime._output.sinks import format_of
from insar_runtime._pipeline.prepare import PreparedTable, open_described
from insar_runtime._progress import Progress
from insar_runtime._releases.join.compatible import OpenRelease, check_angles, check_products, common_epochs
from insar_runtime._releases.join.merge import ReleaseJoin
from insar_runtime._releases.join.offsets import JoinLimits
from insar_runtime._releases.join.read import read_release
from insar_runtime._releases.join.summary import Joined
from insar_runtime._releases.matching import MatchBy, match_points
from insar_runtime.errors import UsageError


def join_files(
    old: str | Path,
    new: str | Path,
    output: str | Path,
    *,
    match: MatchBy = "auto",
    within_m: float | None = None,
    min_epochs: int = 10,
    max_difference_mm: float = 5.0,
    units: Unit | None = None,
    columns: Mapping[Role, str] | None = None,
    date_format: str | None = None,
    half_wavelength_mm: float | None = None,
    crs: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Joined:
    """Join two releases that overlap in time to one table with one series per point.

    The series of the old release is moved to the level of the new one by the median of their differences at the common
    epochs, point by point. At each date the value of the new release holds where there is one.

    Parameters
    ----------
    old, new : str or Path
        Tables with one point a row, as ``classify_file`` reads them, in any layouts.
    output : str or Path
        File to write; its extension says the format.
    match : {"auto", "id", "position"}
        What points are matched by.
    within_m : float, optional
        Greatest distance of the two positions of one point; by default half of the median distance of points to their
        nearest neighbour, 5 to 50 m.
    min_epochs : int
        Least common epochs of a point.
    max_difference_mm : float
        Greatest departure of the differences from their median: typical, and of a quarter of the common epochs.
    units : {"mm", "cm", "m", "rad"}, optional
        Unit of the series of both, if the files do not prove it.
    columns : mapping of role to column name, optional
        Columns to take for ids and positions in both.
    date_format : str, optional
        How both spell their dates.
    half_wavelength_mm : float, optional
        Half the wavelength of the radar.
    crs : str, optional
        System of the coordinates of both, such as ``EPSG:32633``.
    overwrite : bool
        Whether an output that exists may be replaced.
    progress : callable, optional
        Called with the number of rows read and written so far, and of all if known.

    Returns
    -------
    Joined

    Raises
    ------
    DataError
        The releases have no or too few common epochs, hardly a common point, ids that repeat, other signs or units, or
        are of different products, radars or tracks.
    InsarRuntimeError
        Another one of its family; the output is then what it was before.
    """
    declared = UserDeclarations(
        units, columns or {}, date_format, half_wavelength_mm, None if crs is None else parse_crs(crs)
    )
    return join_releases(
        old,
        new,
        output,
        declared=declared,
        match=match,
        within_m=within_m,
        limits=JoinLimits(min_epochs, max_difference_mm),
        overwrite=overwrite,
        progress=progress,
    )


def join_releases(
    old: str | Path,
    new: str | Path,
    output: str | Path,
    *,
    declared: UserDeclarations,
    match: MatchBy,
    within_m: float | None,
    limits: JoinLimits,
    overwrite: bool,
    progress: Progress | None,
) -> Joined:
    """Join two releases; see ``join_files``."""
    begin = time.perf_counter()
    if limits.epochs < 1 or not limits.difference_mm > 0:
        raise UsageError(
            f"--min-epochs {limits.epochs} and --max-difference {limits.difference_mm:g}: both must be positive"
        )
    target = _check_names(old, new, output, overwrite=overwrite)
    with ExitStack() as closing:
        tables = [closing.enter_context(open_described(source, declared)) for source in (old, new)]
        first, second = (
            OpenRelease(role, table.source, table.description, declared)
            for role, table in zip(("OLD", "NEW"), tables, strict=True)
        )
        doubts = check_products(first, second)
        common = common_epochs(first, second, limits.epochs)
        # Temporary files stand beside the output, where there must be room for as much in any case.
        folder = Path(tempfile.gettempdir()) if isinstance(target, StorePath) else target.parent
        advance = _advance(tables, progress)
        read = [read_release(table, folder, closing, advance) for table in tables]
        check_angles(read[0].angles, read[1].angles)
        matches = match_points(read[0].points, read[1].points, by=match, within_m=within_m)
        join = ReleaseJoin([first, second], [one.rows for one in read], matches, common, limits)
        notes = [*doubts, *filter(None, [matches.note]), *join.columns.notes, *join.reference.notes]
        table = join.output(notes, {"match": match, "within_m": matches.limit_m, **asdict(limits)})
        with table.open(target, overwrite=overwrite) as sink:
            join.write(table, sink, advance)
    return Joined(
        old=str(old),
        new=str(new),
        output=str(output),
        rows=table.rows,
        statuses=join.statuses,
        matched_by_id=int(np.count_nonzero(matches.by_id)),
        matched_by_position=int(np.count_nonzero(~matches.by_id)),
        within_m=matches.limit_m,
        epochs=len(join.dates),
        common_epochs=len(common),
        first_date=str(join.dates[0]),
        last_date=str(join.dates[-1]),
        join_dates=tuple(str(date) for date in join.joins),
        reference=join.reference.to_dict(),
        notes=tuple(notes),
        bytes=target.stat().st_size,
        seconds=round(time.perf_counter() - begin, 3),
    )


def _check_names(old: str | Path, new: str | Path, output: str | Path, *, overwrite: bool) -> Path:
    """Refuse inputs and outputs that cannot be used, before anything is opened; return the output."""
    if str(old) == "-" or str(new) == "-":
        raise UsageError("- as a release: name two files")
    sources, target = [locate(old), locate(new)], locate(output, output=True)
    if str(target) == "-":
        raise UsageError("-o -: a joined table is a file; name one")
    if is_among(sources[0], sources[1:]):
        raise UsageError(f"OLD and NEW are the same file, {old}; name two releases")
    format_of(target)
    check_output(target, overwrite=True)
    refuse_input(target, sources)
    check_output(target, overwrite=overwrite)
    return target


def _advance(tables: list[PreparedTable], progress: Progress | None) -> Callable[[int], None]:
    """Return what is called with the number of rows that were read, or written."""
    counts = [table.source.rows for table in tables]
    total = None if None in counts else 2 * sum(count or 0 for count in counts)
    done = 0

    def advance(rows: int) -> None:
        nonlocal done
        done += rows
        if progress:
            progress(done, total)

    return advance
