"""Many inputs in one call: the files that are meant, the names of their outputs, and the outcome of each."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from insar_runtime._input.locations import locate
from insar_runtime._input.readers.shp_siblings import find_sibling
from insar_runtime._input.store_path import StorePath
from insar_runtime._pipeline.memory import release_memory
from insar_runtime.errors import InputNotFoundError, InsarRuntimeError, MemoryLimitError, UsageError, lacks_memory
from insar_runtime.summary import Summary

READ_EXTENSIONS: Final = (
    ".parquet",
    ".pq",
    ".geoparquet",
    ".csv",
    ".tsv",
    ".zip",
    ".arrow",
    ".arrows",
    ".ipc",
    ".feather",
    ".csv.gz",
    ".csv.zst",
    ".csv.bz2",
    ".shp",
    ".dbf",
    ".gpkg",
)
"""Files of a folder that are taken for tables."""
WRITTEN_EXTENSIONS: Final = {"parquet": ".parquet", "gpkg": ".gpkg", "csv": ".csv", "arrow": ".arrow"}
"""Extension of an output by its format."""
_COMPRESSED: Final = (".gz", ".zst", ".bz2")
_OURS: Final = (".classified.", ".bad.", ".corrected.")
"""Parts of the names that outputs get, which a second run over a folder must not take for inputs."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one input.

    Attributes
    ----------
    input : str
        Its name.
    summary : Summary or None
        Of the run, if its outputs are written.
    error : InsarRuntimeError or None
        What it failed with.
    """

    input: str
    summary: Summary | None
    error: InsarRuntimeError | None

    @property
    def exit_code(self) -> int:
        """What a process that classifies this input alone ends with."""
        return 0 if self.error is None else self.error.exit_code

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as plain values."""
        state = "done"
        if self.error is not None:
            state = "failed"
        elif self.summary is not None and self.summary.skipped:
            state = "skipped"
        facts = {} if self.summary is None else self.summary.to_dict()
        error = None if self.error is None else str(self.error)
        return {"input": self.input, "state": state, "exit_code": self.exit_code, "error": error, **facts}


@dataclass(frozen=True, slots=True)
class OutputNaming:
    """Where the outputs of many inputs go, each under the name of its input.

    Attributes
    ----------
    folder : Path or None
        Of the outputs; beside the inputs if there is none.
    extension : str
        Of the outputs, with its dot.
    gpkg, quarantine, corrected : Path or None
        Folders of further outputs.
    """

    folder: Path | None = None
    extension: str = ".parquet"
    gpkg: Path | None = None
    quarantine: Path | None = None
    corrected: Path | None = None

    def output(self, source: Path) -> Path:
        """Return the output of an input; UsageError if it is no name of a file."""
        if not source.name:
            raise UsageError(f"{source} is a folder, or no name; give a file")
        name = f"{_stem(source)}.classified{self.extension}"
        return source.with_name(name) if self.folder is None else self.folder / name

    def also(self, source: Path) -> list[Path]:
        """Return the further outputs of an input."""
        return [] if self.gpkg is None else [self.gpkg / f"{_stem(source)}.classified.gpkg"]

    def bad(self, source: Path) -> Path | None:
        """Return the quarantine of an input."""
        return None if self.quarantine is None else self.quarantine / f"{_stem(source)}.bad.parquet"

    def repaired(self, source: Path) -> Path | None:
        """Return the file of the corrected series of an input."""
        return None if self.corrected is None else self.corrected / f"{_stem(source)}.corrected.parquet"

    def all_of(self, source: Path) -> list[Path]:
        """Return all files that are written for an input."""
        further = (path for path in (self.bad(source), self.repaired(source)) if path is not None)
        return [self.output(source), *self.also(source), *further]

    def prepare(self, sources: Sequence[Path]) -> None:
        """Make the folders.

        Raises
        ------
        UsageError
            If two inputs would have one output, an output is an input, or a folder cannot be made.
        """
        first: dict[Path | str, Path] = {}
        inputs = set(map(_real, sources))
        for source in sources:
            for output in self.all_of(source):
                other = first.setdefault(_real(output), source)
                if other != source:
                    raise UsageError(f"{other} and {source} would both be written to {output}; rename one of them")
                if _real(output) in inputs:
                    raise UsageError(f"{output} is an input and the output of {source}; leave it out, or rename it")
        for folder in (self.folder, self.gpkg, self.quarantine, self.corrected):
            if folder is None:
                continue
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UsageError(f"folder {folder} cannot be made ({error.strerror}); name another one") from error


def expand_inputs(names: Sequence[str]) -> list[Path]:
    """Find the files that are meant.

    Parameters
    ----------
    names : sequence of str
        Files; folders, whose tables are meant (not those of folders within); patterns such as ``tiles/*.zip``.

    Returns
    -------
    list of Path
        Each file once, in the order of the names, those of a folder or a pattern sorted.

    Raises
    ------
    InputNotFoundError
        If a folder holds no table, or a pattern fits no file.
    """
    found: dict[Path, None] = {}
    for name in names:
        path = locate(name)
        if glob.has_magic(name) and isinstance(path, StorePath):
            raise UsageError(f"{name}: patterns are not known in a store; name the folder, or each object")
        if path.is_dir():
            files = sorted(entry for entry in path.iterdir() if _is_table(entry))
            if not files:
                raise InputNotFoundError(f"no tables in folder {path}: looked for {', '.join(READ_EXTENSIONS)}")
        elif glob.has_magic(name) and not path.exists():
            matches = glob.glob(name, recursive=True)  # noqa: PTH207 - a pattern may be absolute
            files = sorted(entry for match in matches if _is_plain(entry := Path(match)))
            if not files:
                raise InputNotFoundError(f"no file fits {name}: check the pattern")
        else:
            files = [path]
        found.update(dict.fromkeys(files))
    return list(found)


def each(sources: Sequence[Path], work: Callable[[Path], Summary]) -> Iterator[Outcome]:
    """Work on each input; one that fails does not stop the others, nor does one that there is no memory for."""
    for source in sources:
        try:
            outcome = Outcome(str(source), work(source), None)
        except InsarRuntimeError as error:
            outcome = Outcome(str(source), getattr(error, "summary", None), error)
        except Exception as error:
            if not lacks_memory(error):
                raise
            message = "the system gives no more memory; raise its limit, or set --memory-limit or --threads 1"
            outcome = Outcome(str(source), None, MemoryLimitError(message))
        if isinstance(outcome.error, MemoryLimitError):
            # The frames of a traceback hold their batches, for which the next input has no memory.
            outcome.error.__traceback__ = outcome.error.__cause__ = outcome.error.__context__ = None
            release_memory()
        yield outcome


def first_failure(outcomes: Sequence[Outcome]) -> int:
    """Return the exit code of the first input that failed; 0 if none did."""
    return next((outcome.exit_code for outcome in outcomes if outcome.error is not None), 0)


def _real(path: Path) -> Path | str:
    """Return where a name leads to."""
    return path if isinstance(path, StorePath) else os.path.realpath(path)


def _is_table(path: Path) -> bool:
    # A .dbf beside a .shp is read with it.
    is_part = path.suffix.lower() == ".dbf" and find_sibling(path, ".shp") is not None
    return path.name.lower().endswith(READ_EXTENSIONS) and not is_part and _is_plain(path)


def _stem(path: Path) -> str:
    """Return the name of a file without its extension: without both of a compressed table."""
    return Path(path.stem).stem if path.suffix.lower() in _COMPRESSED else path.stem


def _is_plain(path: Path) -> bool:
    """Whether a file is neither hidden nor one of our outputs."""
    return path.is_file() and not path.name.startswith(".") and not any(part in path.name for part in _OURS)
