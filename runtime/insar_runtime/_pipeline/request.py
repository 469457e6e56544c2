"""What a run was asked for, beside its input, its outputs and its classifier."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._engine.runner import ModelRunner, Shares
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._pipeline.fingerprint import run_key
from insar_runtime._version import __version__


@dataclass(frozen=True, slots=True)
class Request:
    """What a run was asked for.

    Attributes
    ----------
    declared : UserDeclarations
        What the user says of the input; the radar is that of the model if nobody names another.
    keep_series : bool
        Whether the output keeps the series.
    priors : mapping, sequence, "auto" or None
        As for ``classify_file``.
    diagnose : Diagnose or None
        How the rows are diagnosed, if they are.
    """

    declared: UserDeclarations
    keep_series: bool = False
    priors: Shares | Literal["auto"] | None = None
    diagnose: Diagnose | None = None

    def half_wavelength(self, classifier: ModelRunner) -> float:
        """Give half the wavelength of the radar in mm, which is the model's where nobody said otherwise."""
        return self.declared.half_wavelength(classifier.model.half_wavelength_mm)

    def parameters(self, classifier: ModelRunner) -> dict[str, Any]:
        """Give what was asked for, and what follows from it, as plain values."""
        # Only where it is asked for, so that what was written without it stays what it is.
        diagnose = {} if self.diagnose is None else {"diagnose": self._diagnose(self.diagnose)}
        return {
            **diagnose,
            "units": self.declared.units,
            "columns": self.declared.roles,
            "date_format": self.declared.date_format,
            "half_wavelength_mm": self.half_wavelength(classifier),
            "keep_series": self.keep_series,
            "priors": self._asked_priors(classifier),
            "abstain_below": classifier.abstain_below,
            "stable_rate_mm_yr": classifier.stable_rate,
        }

    def key(self, classifier: ModelRunner, input_sha256: str) -> str:
        """Give one value for all that the classes of a file depend on: input, model, precision, parameters, version."""
        return run_key(
            {
                "package_version": __version__,
                "input_sha256": input_sha256,
                "model_sha256": classifier.model.sha256(classifier.precision),
                "parameters": self.parameters(classifier),
            }
        )

    def _diagnose(self, options: Diagnose) -> dict[str, Any]:
        # The radar of the model says what a radian is, but proves nothing about jumps.
        return {**asdict(options), "declared_half_wavelength_mm": self.declared.half_wavelength_mm}

    def _asked_priors(self, classifier: ModelRunner) -> str | dict[str, Any]:
        if isinstance(self.priors, str):
            return self.priors
        return asdict(classifier.priors if self.priors is None else classifier.with_priors(self.priors).priors)
