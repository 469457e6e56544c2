"""Settings of an export, and those for networks of the default design."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from export import prove
from insar_runtime.models import Limits
from training import dataset

CALIBRATION_SEED: Final = 10_001
PROOF_SEED: Final = 10_002
"""Seeds that differ from those of the training, so that the series are new."""


@dataclass(frozen=True)
class ExportConfig:
    """Settings of the export of a model.

    Attributes
    ----------
    calibration_series, proof_series : int
        Number of simulated series for the int8 ranges, and for the comparison with Keras; the former must contain every
        calendar, because the ranges of a few calendars are too narrow for the others.
    percentile : float or None
        Percentage of the activations that the int8 ranges cover; all of them if None.
    reduce_range : bool
        Whether weights have seven bits, so that sums of 16 bits cannot saturate on x86 without VNNI.
    gates : Gates
        Limits for int8.
    abstain_below : float
        Confidence below which a row gets no class.
    unsure_below : float
        The same for the confidence before priors are applied: a network is trained to have low confidence for series of
        no class, and priors alone must not raise it.
    faster_on_cpu : dict of str to str
        Precision to use on a CPU with integer dot products, and on one without.
    limits : Limits
        Limits of the rows that the model classifies.
    """

    calibration_series: int = 7680
    proof_series: int = 10_000
    percentile: float | None = 99.999
    reduce_range: bool = True
    gates: prove.Gates = field(default_factory=prove.Gates)
    abstain_below: float = 0.5
    unsure_below: float = 0.0
    faster_on_cpu: dict[str, str] = field(default_factory=lambda: {"int8_dot_product": "int8", "plain": "int8"})
    limits: Limits = dataset.LIMITS


TREND_NET_CONFIG: Final = ExportConfig(
    percentile=99.999,
    # For such a small network, int8 may not be faster on a processor without integer dot products.
    faster_on_cpu={"int8_dot_product": "int8", "plain": "fp32"},
    gates=prove.Gates(agreement=0.995),
    # Chosen for version 1.2.0 from the class shares of a stable island (`artifacts/benchmark/real.md`), and kept.
    abstain_below=0.6,
    unsure_below=0.35,
)
"""Settings for networks of the default design."""
