"""Sizes of a benchmark: numbers of series and lengths of trainings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from training.fit import FitConfig
from training.stream import StreamConfig


@dataclass(frozen=True)
class BenchmarkSizes:
    """Numbers of test series and of training series.

    Attributes
    ----------
    lengths, noises_mm : tuple of int, tuple of float
        Numbers of epochs, and RMS of the noise, of the cells of the grid.
    grid, named, deployment, semi_real, limit, odd : int
        Number of test series of each cell of a group of ``evaluation.benchmark.sets``; of each file for ``semi_real``.
    network_series, other_series : int
        Number of training series of networks, and of other contestants.
    paper_series : int
        Number of training series of the network that is trained as in the seed paper.
    fit : FitConfig
        Settings of the training of networks.
    stream_chunk, stream_batch : int
        Chunk and batch size of the stream of training series.
    speed_series, speed_rounds, speed_seconds : int or float
        Number of timed series, number of rounds for the median, and largest CPU time of a round.
    leave_out_chunks : int
        Length of each training without some calendars, in chunks of the stream.
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
"""Sizes for a run of minutes, to test the command; its numbers are not meaningful."""
