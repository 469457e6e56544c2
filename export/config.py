"""Numbers of an export, and those for networks of the default design."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from export import prove
from insar_runtime.models import Limits
from training import dataset

CALIBRATION_SEED: Final = 10_001
PROOF_SEED: Final = 10_002
"""Neither is a seed of training, so the series are fresh."""


@dataclass(frozen=True)
class ExportConfig:
    """How a model is exported.

    Attributes
    ----------
    calibration_series, proof_series : int
        Simulated series on which ranges are found, and on which the files are compared with Keras; enough of the
        former for every calendar, as ranges of a few are too narrow for the others.
    percentile : float or None
        Share of activations that the int8 ranges cover; ranges of the extremes if None.
    reduce_range : bool
        Weights of seven bits, whose sums of 16 bits cannot saturate on x86 without VNNI.
    gates : Gates
        What int8 must reach.
    abstain_below : float
        Confidence below which a row gets no class.
    unsure_below : float
        The same before priors have a say: a network that was taught to be unsure of what no class describes must
        not become sure of it by priors alone.
    faster_on_cpu : dict of str to str
        Precision to take on a CPU with integer dot products, and on a plain one.
    limits : Limits
        What rows the model may be asked about.
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
    # Too small a network for int8 to be sure of gaining anything where a processor has no instruction for it.
    faster_on_cpu={"int8_dot_product": "int8", "plain": "fp32"},
    gates=prove.Gates(agreement=0.995),
    # Settled for 1.2.0 with the quiet island of `artifacts/benchmark/real.md` in view, and kept.
    abstain_below=0.6,
    unsure_below=0.35,
)
"""Of networks of the default design, under whatever name."""
