"""Options of a run: what was asked for, beside its input, its outputs and its model."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal, Self, cast

from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._engine.class_priors import ClassPriors
from insar_runtime._engine.runner import ModelRunner, Shares
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._pipeline.fingerprint import run_key
from insar_runtime._pipeline.output_files import OutputFiles
from insar_runtime._version import __version__
from insar_runtime.errors import UsageError


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a run over a file was asked for; fixed before it begins, and handed to all parts of it.

    Attributes
    ----------
    declared : UserDeclarations
        What the user declares of the input; the radar is that of the model if the user names none.
    keep_series : bool
        Whether the output keeps the series.
    priors : mapping, sequence, "auto", "local", "trained" or None
        As for ``classify_file``.
    diagnose : Diagnose or None
        How the rows are diagnosed, if they are.
    neighbours, repair_shared : bool
        As for ``classify_file``.
    neighbour_distance : float or None
        Metres, as for ``classify_file``.
    max_bad_fraction : float or None
        Share of rows that cannot be classified above which the run counts as failed.
    csv_safe : bool
        Whether text that a spreadsheet would take for a formula is escaped in CSV outputs.
    overwrite, skip_existing : bool
        As for ``classify_file``.
    memory_limit : int or None
        Bytes that the process may hold.
    """

    declared: UserDeclarations
    keep_series: bool = False
    priors: Shares | Literal["auto", "local", "trained"] | None = None
    diagnose: Diagnose | None = None
    neighbours: bool = False
    repair_shared: bool = False
    neighbour_distance: float | None = None
    max_bad_fraction: float | None = None
    csv_safe: bool = False
    overwrite: bool = False
    skip_existing: bool = False
    memory_limit: int | None = None

    @property
    def replaces(self) -> bool:
        """Whether outputs that exist may be replaced."""
        return self.overwrite or self.skip_existing

    def check(self, source: Path | str | BinaryIO, files: OutputFiles) -> None:
        """Refuse a run that cannot end well, before anything is opened.

        Raises
        ------
        InsarRuntimeError
            As ``OutputFiles.check``; UsageError if an option is out of range, or does not go with a stream.
        """
        files.check(source, overwrite=self.replaces)
        if self.declared.as_table and isinstance(source, Path):
            files.check_outside(source)
        if self.max_bad_fraction is not None and not 0 <= self.max_bad_fraction <= 1:
            raise UsageError(f"max_bad_fraction is {self.max_bad_fraction}; give a share between 0 and 1")
        if self.csv_safe:
            files.check_csv_safe()
        self._check_neighbours(source)
        if self.skip_existing and not (isinstance(source, Path) and files.are_files):
            raise UsageError("skip_existing compares files, a stream is none; give an input file and an output file")

    def _check_neighbours(self, source: Path | str | BinaryIO) -> None:
        if self.neighbour_distance is not None:
            if not self.looks_around:
                raise UsageError(
                    "a neighbour distance is of use with priors local or with neighbours only; ask for one of them, or "
                    "leave it out"
                )
            if not 0 < self.neighbour_distance < math.inf:
                raise UsageError(f"neighbour distance is {self.neighbour_distance}; give metres above 0")
        if self.looks_around and not isinstance(source, Path):
            what = "priors local" if self.local_priors else "neighbours"
            raise UsageError(f"{what} take the whole table before the first row, a stream is read once; name a file")

    @property
    def local_priors(self) -> bool:
        """Whether the mix of classes is estimated around each point."""
        return isinstance(self.priors, str) and self.priors == "local"

    @property
    def looks_around(self) -> bool:
        """Whether anything depends on the neighbours of a point."""
        return self.local_priors or self.neighbours

    @property
    def states_mix(self) -> bool:
        """Whether one mix of classes is known before the table is read."""
        return not (self.estimates_mix or self.local_priors)

    @property
    def estimates_mix(self) -> bool:
        """Whether the mix of classes is estimated from the table."""
        return isinstance(self.priors, str) and self.priors == "auto"

    def with_usual_mix(self, runner: ModelRunner) -> Self:
        """Return options that estimate the mix of classes if neither the run nor its runner has one."""
        usual = self.priors is None and runner.priors.origin == "training"
        return replace(self, priors="auto") if usual else self

    def priors_of(self, runner: ModelRunner) -> ClassPriors:
        """Return the mix of classes of a run that does not estimate it.

        Raises
        ------
        UsageError
            If the priors are no shares of the classes of the model.
        """
        if self.priors is None:
            return runner.priors
        if isinstance(self.priors, str) and self.priors == "trained":
            return runner.model.training_priors
        return runner.with_priors(cast("Shares", self.priors)).priors

    def half_wavelength(self, runner: ModelRunner) -> float:
        """Return half the wavelength of the radar in mm, which is the model's unless the user has declared one."""
        return self.declared.half_wavelength(runner.model.half_wavelength_mm)

    def parameters(self, runner: ModelRunner) -> dict[str, Any]:
        """Return what was asked for, and what follows from it, as plain values."""
        # Only where it is asked for, so that what was written without it stays what it is.
        diagnose = {} if self.diagnose is None else {"diagnose": self._diagnose(self.diagnose)}
        around: dict[str, Any] = {"neighbours": True, "repair_shared": self.repair_shared} if self.neighbours else {}
        if self.neighbour_distance is not None:
            around["neighbour_distance_m"] = self.neighbour_distance
        escaped = {"csv_safe": True} if self.csv_safe else {}
        system = {} if self.declared.crs is None else {"crs": self.declared.crs}
        return {
            **diagnose,
            **around,
            **escaped,
            **system,
            "units": self.declared.units,
            "columns": self.declared.roles,
            "date_format": self.declared.date_format,
            "half_wavelength_mm": self.half_wavelength(runner),
            "keep_series": self.keep_series,
            "priors": self._asked_priors(runner),
            "abstain_below": runner.abstain_below,
            "stable_rate_mm_yr": runner.stable_rate,
        }

    def key(self, runner: ModelRunner, input_sha256: str) -> str:
        """Return one value for all that a result depends on: input, model, precision, parameters and version."""
        return run_key(
            {
                "package_version": __version__,
                "input_sha256": input_sha256,
                "model_sha256": runner.model.sha256(runner.precision),
                "parameters": self.parameters(runner),
            }
        )

    def _diagnose(self, options: Diagnose) -> dict[str, Any]:
        # The radar of the model fixes what a radian is, but proves nothing about jumps.
        return {**asdict(options), "declared_half_wavelength_mm": self.declared.half_wavelength_mm}

    def _asked_priors(self, runner: ModelRunner) -> str | dict[str, Any]:
        if isinstance(self.priors, str) and not self.states_mix:
            return self.priors
        return asdict(self.priors_of(runner))
