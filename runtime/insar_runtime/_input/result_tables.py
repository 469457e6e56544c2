"""Tables that this package writes and that hold no series: areas, and changes between two releases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from insar_runtime.errors import DataError

_RESULTS: Final = (
    (
        {"area_id", "moving_points", "area_m2"},
        "moving areas, which insar-rt areas has written: give the classified table of their points (report --areas "
        "takes the areas)",
    ),
    (
        {"match", "class_before", "class_after"},
        "changes between two releases, which insar-rt compare has written: give one of the releases",
    ),
)
"""Columns that such a table has, and no table of points, with what it holds and what to do."""


def refuse_result_table(names: Iterable[str], what: str = "the table") -> None:
    """Refuse a table of results by its columns.

    Parameters
    ----------
    names : iterable of str
        Its columns.
    what : str
        What the message calls it.

    Raises
    ------
    DataError
        If the package writes such tables from series, and they hold none.
    """
    there = set(names)
    for columns, holds in _RESULTS:
        if columns <= there:
            raise DataError(f"{what} holds {holds}")
