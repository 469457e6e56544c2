"""Sizes of a run of the benchmark: numbers of series and lengths of trainings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from training.fit import FitConfig
from training.stream import StreamConfig


@dataclass(frozen=True)
class BenchmarkSizes:
    """Numbers of series to test on and to train on.

    Attributes
    ----------
    lengths, noises_mm : tuple of int, tuple of float
        Epochs and RMS of the noise that the grid is made of.
    grid, named, deployment, semi_real, limit, odd : int
        Test series of each cell of the groups of ``evaluation.benchmark.sets``; of a file for ``semi_real``.
    network_series, other_series : int
        Training series of the networks, and of what needs fewer or can take no more.
    paper_series : int
        Of the copy that is trained as the seed paper was.
    fit : FitConfig
        How networks are fitted.
    stream_chunk, stream_batch : int
        Of the stream that training series are taken from.
    speed_series, speed_rounds, speed_seconds : int or float
        Series to time, rounds of which the median is taken, and the most CPU seconds that one round may take.
    leave_out_chunks : int
        Chunks of the stream that each network of the leave-one-calendar-out rows is trained on.
    """

    lengths: tuple[int, ...] = (60, 139, 243, 300)
    noises_mm: tuple[float, ...] = (1.0, 2.0, 3.0, 4.5, 6.0)
    grid: int = 500
    named: int = 1000
    deployment: int = 10_000
    semi_real: int = 2000
    limit: int = 600
    odd: int = 500
    network_series: int = 120_000
    other_series: int = 60_000
    paper_series: int = 5000
    fit: FitConfig = field(default_factory=lambda: FitConfig(epochs=10))
    stream_chunk: int = StreamConfig.chunk
    stream_batch: int = StreamConfig.batch
    speed_series: int = 2000
    speed_rounds: int = 5
    speed_seconds: float = 4.0
    leave_out_chunks: int = 20


FULL: Final = BenchmarkSizes()
QUICK: Final = BenchmarkSizes(
    lengths=(60, 139),
    noises_mm=(1.0, 3.0, 6.0),
    grid=40,
    named=100,
    deployment=500,
    semi_real=100,
    limit=40,
    odd=40,
    network_series=2000,
    other_series=1000,
    paper_series=1000,
    fit=FitConfig(epochs=2),
    stream_chunk=2048,
    stream_batch=64,
    speed_series=200,
    speed_rounds=2,
    speed_seconds=0.5,
)
"""Minutes rather than hours; shows that all works, and no number to cite."""
