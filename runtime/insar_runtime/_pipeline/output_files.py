"""The output files of one run: what they may be, and whether they exist already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from insar_runtime._input.locations import locate
from insar_runtime._input.opening import path_or_stream
from insar_runtime._output.output_checks import check_output, is_among, refuse_input
from insar_runtime._output.partials import remove_abandoned
from insar_runtime._output.run_metadata import CORRECTED_KEY, QUARANTINE_KEY, block_beside, read_block
from insar_runtime._output.sinks import blocks_beside, format_of
from insar_runtime._output.style import style_beside
from insar_runtime.errors import UsageError
from insar_runtime.summary import is_complete


@dataclass(frozen=True, slots=True)
class OutputFiles:
    """Where the rows of one run go.

    Attributes
    ----------
    outputs : tuple of Path, "-" or binary stream
        The output, and further files with the same rows.
    quarantine : Path or None
        File for the rows that cannot be classified.
    styles : tuple of Path
        QGIS styles beside the outputs.
    corrected : Path or None
        File for the input with repaired series.
    """

    outputs: tuple[Path | str | BinaryIO, ...]
    quarantine: Path | None
    styles: tuple[Path, ...]
    corrected: Path | None = None

    @classmethod
    def of(
        cls,
        output: str | Path | BinaryIO,
        also: Sequence[str | Path],
        quarantine: str | Path | None,
        corrected: str | Path | None = None,
        *,
        style: bool,
    ) -> OutputFiles:
        """Gather the outputs.

        Raises
        ------
        UsageError
            If a stream is not the only output, a file is named twice, further ones are no list, or corrected series
            are to go to a stream, or to a GeoPackage, which nothing reads back.
        """
        if isinstance(also, (str, Path)):
            raise UsageError(f"also is one name, {also}; give a list of them")
        outputs = (path_or_stream(output, output=True), *(locate(path, output=True) for path in also))
        files = [path for path in outputs if isinstance(path, Path)]
        if style and not files:
            raise UsageError("a style lies beside a file, and the output is a stream; name a file")
        styles = tuple(dict.fromkeys(map(style_beside, files))) if style else ()
        chosen = cls(
            outputs,
            None if quarantine is None else locate(quarantine, output=True),
            styles,
            None if corrected is None else locate(corrected, output=True),
        )
        if str(corrected) == "-":
            raise UsageError("corrected series go to a file; name a .parquet, .csv or .arrow file for them")
        if chosen.corrected is not None and format_of(chosen.corrected) == "gpkg":
            raise UsageError(f"{corrected} is a GeoPackage; name a .parquet, .csv or .arrow file for corrected series")
        if len(outputs) > 1 and not chosen.are_files:
            raise UsageError("a stream is the only output of a run; name a file, or leave out the other outputs")
        paths = chosen.paths
        twice = next((path for i, path in enumerate(paths) if is_among(path, paths[:i])), None)
        if twice is not None:
            raise UsageError(f"output {twice} is named twice; give each its own name")
        return chosen

    @property
    def are_files(self) -> bool:
        """Whether no output is a stream."""
        return all(isinstance(output, Path) for output in self.outputs)

    @property
    def paths(self) -> list[Path]:
        """All files, the quarantine last."""
        files = [output for output in self.outputs if isinstance(output, Path)]
        return [*files, *(path for path in (self.corrected, self.quarantine) if path is not None)]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all outputs, ``-`` for a stream."""
        outputs = [str(output) if isinstance(output, (str, Path)) else "-" for output in self.outputs]
        return (*outputs, *(str(path) for path in (self.corrected, self.quarantine) if path is not None))

    def check(self, source: Path | str | BinaryIO, *, overwrite: bool) -> None:
        """Refuse what cannot end well before anything is opened.

        Raises
        ------
        InsarRuntimeError
            As ``check_output``; UsageError if an output is the input.
        """
        for path in self.paths:
            check_output(path, overwrite=True)
            format_of(path)
            if isinstance(source, Path):
                refuse_input(path, [source])
            check_output(path, overwrite=overwrite)
        for path in self.styles:
            if isinstance(source, Path):
                refuse_input(path, [source])
            check_output(path, overwrite=overwrite)

    def check_outside(self, folder: Path) -> None:
        """Refuse an output in the folder that is read as one table: a later run would take it for a part of that.

        Raises
        ------
        UsageError
            If one lies there.
        """
        inside = next((path for path in self.paths if folder.resolve() in path.resolve().parents), None)
        if inside is not None:
            raise UsageError(f"output {inside} lies in the folder that is read; name another folder")

    def check_csv_safe(self) -> None:
        """Refuse that text in CSV outputs is escaped where there is none, or where ``restore`` needs it as it is.

        Raises
        ------
        UsageError
            If no output is a CSV, or the corrected series go to one.
        """
        if self.corrected is not None and format_of(self.corrected) == "csv":
            raise UsageError(
                f"{self.corrected} could not be restored with escaped text; name a .parquet or .arrow file"
            )
        if not any(format_of(path) == "csv" for path in self.paths):
            raise UsageError("csv_safe is for CSV outputs, and there is none; leave it out, or name a .csv file")

    def check_apart(self, report: Path, source: Path | str | BinaryIO) -> None:
        """Refuse a report of the run that would be written over its input or over one of its outputs.

        Raises
        ------
        UsageError
            If it would.
        """
        taken = [*self.paths, *map(block_beside, self.paths), *self.styles]
        if is_among(report, [source, *taken] if isinstance(source, Path) else taken):
            raise UsageError(f"report {report} is the input or an output of {source}; give it its own name")

    def remove_abandoned(self) -> None:
        """Remove what killed runs have left of these outputs; a run that writes them does so by itself."""
        for path in (*self.paths, *blocks_beside(self.paths), *self.styles):
            remove_abandoned(path.resolve())

    def block_of(self, key: str) -> dict[str, Any] | None:
        """Return the block of the outputs if all of them come from a run of this key, or None."""
        block: dict[str, Any] | None = None
        for path in reversed(self.paths):
            block = read_block(path)
            # One run gives all its files one key, and they are not one for another.
            if block is None or block.get("run_key") != key or not is_complete(block):
                return None
            if (CORRECTED_KEY in block, QUARANTINE_KEY in block) != (path == self.corrected, path == self.quarantine):
                return None
        return block if all(path.is_file() for path in self.styles) else None
