"""Unlimited stream of simulated batches for training: nothing is stored, and no series is used twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import CLASS_NAMES, NO_CLASS
from training.simulator import SimulatorConfig, simulate
from training.simulator.bank import NoiseBank
from training.simulator.draws import Floats

WIDTHS: Final = (48, 64, 80, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512)
"""Numbers of epochs to which batches are padded; TensorFlow compiles the network for each of them, so there are few."""


@dataclass(frozen=True)
class StreamConfig:
    """Settings of the stream.

    Attributes
    ----------
    seed : int
        Seed; it determines every chunk by its number.
    chunk : int
        Number of series that are simulated at a time; a batch contains series of several simulated files.
    batch : int
        Number of series of a batch.
    odd_share : float
        Share of decorrelated series, which show no class; their target is equal probabilities.
    class_shares : tuple of float, optional
        Shares of the six classes; equal by default.
    bank : NoiseBank, optional
        Real noise, for ``bank_share`` of the files.
    calendars : tuple of str, optional
        Calendars of the simulated noise; by default all.
    simulator : SimulatorConfig
        All other numbers of the simulator.
    """

    seed: int
    chunk: int = 512 * 40
    batch: int = 256
    odd_share: float = 0.02
    class_shares: tuple[float, ...] | None = None
    bank: NoiseBank | None = None
    bank_share: float = 0.5
    calendars: tuple[str, ...] | None = None
    simulator: SimulatorConfig = field(default_factory=SimulatorConfig)


@dataclass(frozen=True)
class Batch:
    """Batch of series of similar length.

    Attributes
    ----------
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing or padding; T is one of ``WIDTHS``.
    days : ndarray of float32, shape [N, T]
        Days since the first acquisition; padding repeats the last day.
    target : ndarray of float32, shape [N, 6]
        1 for the true class; equal probabilities for a decorrelated series.
    """

    displacement: Floats
    days: Floats
    target: Floats


def make_chunk(config: StreamConfig, number: int) -> list[Batch]:
    """Simulate one chunk of the stream and divide it into batches.

    Parameters
    ----------
    config : StreamConfig
        Settings of the stream.
    number : int
        Number of the chunk, from 0.

    Returns
    -------
    list of Batch
        Batches of ``config.batch`` series, in random order of length.
    """
    seeds = np.random.SeedSequence([config.seed, number])
    rng = np.random.default_rng(seeds)
    label = draw_labels(rng, config.chunk, config.class_shares)
    label[rng.random(config.chunk) < config.odd_share] = NO_CLASS
    series = simulate(
        config.chunk,
        seed=int(seeds.generate_state(1)[0]),
        config=config.simulator,
        calendar=config.calendars,
        labels=label,
        bank=config.bank,
        bank_share=config.bank_share,
    )
    # The motion is NaN only in the padding, which is the same for all rows of a file.
    epochs = np.isfinite(series.motion).sum(axis=1)
    width = np.array(WIDTHS)[np.searchsorted(WIDTHS, epochs)]
    target = np.full((config.chunk, len(CLASS_NAMES)), 1 / len(CLASS_NAMES), dtype=np.float32)
    known = label != NO_CLASS
    target[known] = np.eye(len(CLASS_NAMES), dtype=np.float32)[label[known]]

    batches = []
    waiting = np.empty(0, dtype=np.int64)
    for size in WIDTHS:
        rows = rng.permutation(np.concatenate([waiting, np.flatnonzero(width == size)]))
        whole = len(rows) - len(rows) % config.batch
        # Series that do not fill a batch are padded to the next width.
        waiting = rows[whole:]
        batches += [
            Batch(_cut(series.displacement[chosen], size), _cut(series.days[chosen], size), target[chosen])
            for chosen in rows[:whole].reshape(-1, config.batch)
        ]
    return [batches[i] for i in rng.permutation(len(batches))]


def draw_labels(rng: np.random.Generator, count: int, class_shares: tuple[float, ...] | None) -> NDArray[np.int8]:
    """Draw the classes of series [N]: the six classes in equal numbers, or by shares."""
    if class_shares is None:
        return rng.permutation(np.arange(count) % len(CLASS_NAMES)).astype(np.int8)
    return rng.choice(len(CLASS_NAMES), size=count, p=class_shares).astype(np.int8)


def stream(config: StreamConfig, first_chunk: int = 0) -> Generator[list[Batch]]:
    """Yield the batches of successive chunks, simulated in advance by a separate process.

    Parameters
    ----------
    config : StreamConfig
        Settings of the stream.
    first_chunk : int
        Number of the first chunk, for a run that continues.

    Yields
    ------
    list of Batch
        Batches of one chunk.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        ahead: deque[Future[list[Batch]]] = deque()
        number = first_chunk
        try:
            while True:
                while len(ahead) < 3:
                    ahead.append(pool.submit(make_chunk, config, number))
                    number += 1
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def _cut(values: NDArray[np.float32], width: int) -> Floats:
    """Return values cut or padded to a number of epochs; only padding is cut."""
    missing = max(width - values.shape[1], 0)
    fill = values[:, -1:] if missing else values[:, :0]
    return np.concatenate([values[:, :width], np.repeat(fill, missing, axis=1)], axis=1)
