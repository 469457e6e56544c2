"""Classification of a table that is not classified yet, into a temporary file, for commands that need its classes."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from insar_runtime._classified.columns import has_classes
from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.opening import open_source
from insar_runtime._progress import Progress
from insar_runtime._signals import last_outputs
from insar_runtime.classifier import Classifier, Shares
from insar_runtime.errors import InputOutputError, UsageError
from insar_runtime.files import classify_file


@dataclass(frozen=True, slots=True)
class Classification:
    """How to classify a table that is not classified.

    Attributes
    ----------
    classifier : callable
        Returns the classifier; called only if it is needed.
    declared : UserDeclarations
        Declarations of the user about the table.
    priors
        As for ``classify_file``.
    diagnose : bool or Diagnose
        Whether rates, breaks and jumps are estimated as well, and how.
    """

    classifier: Callable[[], Classifier]
    declared: UserDeclarations = field(default_factory=UserDeclarations)
    priors: Shares | Literal["auto", "local", "trained"] | None = None
    diagnose: bool | Diagnose = False


def is_classified(path: Path, *, as_table: bool = False) -> bool:
    """Return whether a table has the columns that ``classify`` adds.

    Raises
    ------
    InsarRuntimeError
        If the table cannot be opened.
    """
    with open_source(path, exact=False, as_table=as_table) as source:
        return has_classes(source.schema)


def refuse_idle(given: Mapping[str, object], *sources: Path, as_table: bool = False) -> None:
    """Refuse options about the classification of tables that are all classified already.

    Parameters
    ----------
    given : mapping of str to object
        Options by the names that the user knows; None for those that were not given.
    *sources : Path
        Tables.
    as_table : bool
        Whether a folder is one table in many files.

    Raises
    ------
    UsageError
        If one is given that would do nothing.
    InsarRuntimeError
        If a table cannot be opened.
    """
    asked = next((name for name, value in given.items() if value is not None), None)
    if asked is not None and all(is_classified(path, as_table=as_table) for path in sources):
        names, verb = " and ".join(map(str, sources)), "is" if len(sources) == 1 else "are"
        raise UsageError(f"{names} {verb} classified already, so {asked} would do nothing; leave it out")


def note_idle(given: Mapping[str, object], *sources: Path, as_table: bool = False) -> str | None:
    """Return a note on options about the classification of tables some of which are classified already.

    Parameters
    ----------
    given : mapping of str to object
        Options by the names that the user knows; None for those that were not given.
    *sources : Path
        Tables.
    as_table : bool
        Whether a folder is one table in many files.

    Returns
    -------
    str or None
        None if all options hold for all tables, or for none (``refuse_idle``).

    Raises
    ------
    InsarRuntimeError
        If a table cannot be opened.
    """
    asked = [name for name, value in given.items() if value is not None]
    if not asked:
        return None
    done = [is_classified(path, as_table=as_table) for path in sources]
    if all(done) or not any(done):
        return None
    already, left = (
        " and ".join(str(path) for path, classified in zip(sources, done, strict=True) if classified is one)
        for one in (True, False)
    )
    verb, holds = "is" if sum(done) == 1 else "are", "holds" if len(asked) == 1 else "hold"
    return f"{already} {verb} classified already, so {', '.join(asked)} {holds} for {left} alone"


@contextlib.contextmanager
def classified_first(
    source: Path, classification: Classification, progress: Progress | None = None, *, keep_series: bool = True
) -> Iterator[Path]:
    """Yield the path of a table with classes: its own, or that of a temporary file.

    Parameters
    ----------
    source : Path
        Any table that ``classify_file`` reads, or one that it has written.
    classification : Classification
        How to classify it if need be.
    progress : callable, optional
        Called with the number of rows done, and of all if known.
    keep_series : bool
        Whether the temporary file has the series of the table.

    Raises
    ------
    InsarRuntimeError
        If the table cannot be opened or classified.
    """
    declared = classification.declared
    if is_classified(source, as_table=declared.as_table):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="insar-rt-") as folder:
        classified = Path(folder) / "classified.parquet"
        with last_outputs(False), _errors_of_temporary(classified):
            classify_file(
                source,
                classified,
                classifier=classification.classifier(),
                units=declared.units,
                columns=declared.columns,
                date_format=declared.date_format,
                half_wavelength_mm=declared.half_wavelength_mm,
                crs=declared.crs,
                as_table=declared.as_table,
                priors=classification.priors,
                diagnose=classification.diagnose,
                keep_series=keep_series,
                progress=progress,
            )
        yield classified


@contextlib.contextmanager
def _errors_of_temporary(path: Path) -> Iterator[None]:
    """Name the folder in place of a temporary file that nobody has asked for."""
    try:
        yield
    except InputOutputError as error:
        if str(path) not in str(error):
            raise
        reason = error.__cause__.strerror if isinstance(error.__cause__, OSError) else None
        raise InputOutputError(
            f"the folder for temporary files, {path.parent.parent}, does not hold the classes "
            f"({reason or 'writing failed'}); free some space there, or name another folder by TMPDIR"
        ) from error
