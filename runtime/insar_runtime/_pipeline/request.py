"""What a run was asked for, beside its input, its outputs and its classifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import insar_runtime
from insar_runtime._input.layout import Role
from insar_runtime._input.units import Unit
from insar_runtime._pipeline.fingerprint import run_key
from insar_runtime.classifier import Classifier, Shares


@dataclass(frozen=True, slots=True)
class Request:
    """What a run was asked for.

    Attributes
    ----------
    units : {"mm", "cm", "m", "rad"}, optional
        Declared unit of the series.
    columns : mapping of role to column name
        Columns that the user named.
    date_format : str, optional
        Spelling of the dates, where names alone do not tell it.
    half_wavelength_mm : float, optional
        Of the radar; that of the model if not given.
    keep_series : bool
        Whether the output keeps the series.
    priors : mapping, sequence, "auto" or None
        As for ``classify_file``.
    """

    units: Unit | None = None
    columns: Mapping[Role, str] = field(default_factory=dict)
    date_format: str | None = None
    half_wavelength_mm: float | None = None
    keep_series: bool = False
    priors: Shares | Literal["auto"] | None = None

    def half_wavelength(self, classifier: Classifier) -> float:
        """Give half the wavelength of the radar in mm, which is the model's where nobody said otherwise."""
        given = self.half_wavelength_mm
        return classifier.model.half_wavelength_mm if given is None else given

    def parameters(self, classifier: Classifier) -> dict[str, Any]:
        """Give what was asked for, and what follows from it, as plain values."""
        return {
            "units": self.units,
            "columns": {str(role): name for role, name in self.columns.items()},
            "date_format": self.date_format,
            "half_wavelength_mm": self.half_wavelength(classifier),
            "keep_series": self.keep_series,
            "priors": self._asked_priors(classifier),
            "abstain_below": classifier.abstain_below,
        }

    def key(self, classifier: Classifier, input_sha256: str) -> str:
        """Give one value for all that the classes of a file depend on: input, model, precision, parameters, version."""
        return run_key(
            {
                "package_version": insar_runtime.__version__,
                "input_sha256": input_sha256,
                "model_sha256": classifier.model.sha256(classifier.precision),
                "parameters": self.parameters(classifier),
            }
        )

    def _asked_priors(self, classifier: Classifier) -> str | dict[str, Any]:
        if isinstance(self.priors, str):
            return self.priors
        return asdict(classifier.priors if self.priors is None else classifier.with_priors(self.priors).priors)
