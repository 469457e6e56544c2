"""One search for the date columns of a table, whose outcome is carried to all that need it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from insar_runtime._input.dates.date_columns import DateColumns, find_date_columns
from insar_runtime.errors import DataError


@dataclass(frozen=True, slots=True)
class DateSearch:
    """Outcome of one search for date columns, so that the names of a table are gone through once.

    Attributes
    ----------
    found : DateColumns or None
        None if there are none.
    error : DataError or None
        Why there are none.
    """

    found: DateColumns | None
    error: DataError | None

    @classmethod
    def among(cls, names: Iterable[str], date_format: str | None = None) -> DateSearch:
        """Search the names of the columns of a table; see ``find_date_columns``.

        Raises
        ------
        UsageError
            `date_format` is none.
        """
        try:
            return cls(find_date_columns(names, date_format), None)
        except DataError as error:
            return cls(None, error.with_traceback(None))

    @property
    def columns(self) -> DateColumns:
        """Date columns that were found.

        Raises
        ------
        DataError
            There are none.
        """
        if self.found is None:
            raise self.error or DataError("no date columns: name them YYYYMMDD")
        return self.found

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the date columns; empty if there are none."""
        return self.found.names if self.found else ()
