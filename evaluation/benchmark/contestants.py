"""Contestants of the benchmark, and their training on the same stream of series as the default network."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from evaluation.baselines import Contestant, DenseNetwork, EgmspyRules, Forest, GlsBic, MiniRocket, PsTime
from evaluation.benchmark.networks import PaperNetwork, ReleasedNetwork
from evaluation.benchmark.sets import Cell, seed_of
from evaluation.benchmark.sizes import BenchmarkSizes
from evaluation.limit import bayes_probabilities
from insar_runtime.classes import SEED_CLASS_NAMES
from training import dataset
from training.announce import Announce
from training.dataset import NOISE_FACTS, LabelledSeries, with_facts
from training.networks.paper_cnn import PaperCnnConfig
from training.paper_run import digest
from training.real_files import real_bank
from training.simulator import CALENDARS, SimulatorConfig, simulate
from training.simulator.bank import NoiseBank
from training.stream import WIDTHS, StreamConfig, make_chunk

Role = Literal["released", "baseline", "limit"]

BAYES: Final = "Bayes limit"
_TUNING_BLOCK: Final = 50


@dataclass(frozen=True)
class Entry:
    """Trained contestant with its description.

    Attributes
    ----------
    contestant : Contestant
        Trained classifier.
    role : str
        ``released`` network, ``baseline``, or statistical ``limit``.
    key : str
        Digest of the contestant and of its training data.
    trained_on : str
        Description of the training data.
    noise_files : frozenset of str
        Names of the real files on whose noise it was trained.
    mix : ndarray of float64, shape [C], optional
        Class shares for which its probabilities hold; None for equal shares.
    """

    contestant: Contestant
    role: Role
    key: str
    trained_on: str
    noise_files: frozenset[str] = frozenset()
    mix: NDArray[np.float64] | None = None

    @property
    def name(self) -> str:
        """Name in tables."""
        return self.contestant.name

    def takes(self, cell: Cell) -> bool:
        """Return whether it can classify a cell: the oracle needs the true noise, the limit its own subset."""
        if self.role == "limit":
            return cell.group == "limit"
        if self.name == "glsbic-oracle":
            return cell.group != "deployment" and all(
                name in cell.series.facts and np.isfinite(cell.series.facts[name]).all() for name in NOISE_FACTS
            )
        return True


class BayesLimit:
    """The Bayes classifier (``evaluation.limit``) as a contestant."""

    name = BAYES

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def fit(self, series: LabelledSeries, *, seed: int) -> None:
        """Do nothing: the priors are known."""

    def probabilities(self, series: LabelledSeries) -> NDArray[np.float32]:
        """Return the posterior probabilities [N, 5]."""
        return bayes_probabilities(series, seed=self._seed).astype(np.float32)


@dataclass(frozen=True)
class TrainingSets:
    """Training series of the baselines, simulated when they are first needed, with other seeds than the test cells.

    Attributes
    ----------
    sizes : BenchmarkSizes
        Numbers of series.
    real : Path, optional
        Folder of the real files; with it, half of the stream has the noise of the training files, as for the default
        network.
    seed : int
        Seed of the benchmark.
    """

    sizes: BenchmarkSizes
    real: Path | None
    seed: int

    @cached_property
    def bank(self) -> NoiseBank | None:
        """Noise bank of the training files."""
        return None if self.real is None else real_bank(self.real, trained=True)

    @cached_property
    def simulator_digest(self) -> str:
        """Digest of the simulator and the bank."""
        return probe(self.bank)

    @cached_property
    def stream(self) -> LabelledSeries:
        """First series of the stream of the default network, only those of the five classes."""
        config = StreamConfig(
            seed=seed_of(self.seed, "lessons"),  # another name would change the series
            chunk=self.sizes.stream_chunk,
            batch=self.sizes.stream_batch,
            bank=self.bank,
        )
        return _first_of(config, self.sizes.network_series)

    @cached_property
    def paper(self) -> LabelledSeries:
        """As many series as in the seed paper, on its calendar."""
        return dataset.simulated(self.sizes.paper_series, seed=seed_of(self.seed, "paper lessons"), calendar="paper")

    @cached_property
    def plain(self) -> LabelledSeries:
        """Series whose noise is described exactly by their facts, for the thresholds of the oracle."""
        config = SimulatorConfig()
        config = replace(config, noise=config.noise.plain(), block=_TUNING_BLOCK)
        count = self.sizes.other_series // 10
        return with_facts(simulate(count, seed=seed_of(self.seed, "plain lessons"), config=config))


@dataclass(frozen=True)
class _Untrained:
    """Contestant before its training."""

    make: Callable[[], Contestant]
    training_set: Literal["stream", "paper", "plain"]
    series: int


def probe(bank: NoiseBank | None = None) -> str:
    """Return a digest of simulated series, so that a training with another simulator or noise bank is not reused."""
    config = replace(SimulatorConfig(), block=_TUNING_BLOCK)
    count = 2 * len(CALENDARS) * config.block
    return digest(with_facts(simulate(count, seed=0, config=config, bank=bank, bank_share=StreamConfig.bank_share)))


def make_contestants(
    networks: Sequence[Path], sizes: BenchmarkSizes, *, real: Path | None, seed: int, work: Path, announce: Announce
) -> list[Entry]:
    """Return all contestants, trained.

    Parameters
    ----------
    networks : sequence of Path
        Folders of released networks, the default network first.
    sizes : BenchmarkSizes
        Numbers of training series of the others.
    real : Path, optional
        Folder of the real files.
    seed : int
        Seed of all random numbers.
    work : Path
        Folder of trained contestants; one that is in it is not trained again.
    announce : callable
        Function that receives progress messages.

    Returns
    -------
    list of Entry
        Released networks in fp32 and int8, baselines, the limit.

    Raises
    ------
    UnavailableError
        If a folder has no model.
    """
    entries = [_released(folder, precision) for folder in networks for precision in ("fp32", "int8")]
    training_sets = TrainingSets(sizes, real, seed)
    entries += [_trained(untrained, training_sets, work, announce) for untrained in _untrained_contestants(sizes)]
    entries.append(Entry(PsTime(), "baseline", "fixed", "no training: the levels of its tests are fixed"))
    entries.append(Entry(EgmspyRules(), "baseline", "v3", "no training: its thresholds are published"))
    entries.append(Entry(BayesLimit(seed), "limit", f"seed-{seed}", "no training: true noise and priors are known"))
    return entries


def _untrained_contestants(sizes: BenchmarkSizes) -> Iterator[_Untrained]:
    fit, networks, others = sizes.fit, sizes.network_series, sizes.other_series
    twice = replace(fit, epochs=2 * fit.epochs)
    windowed, pooled = PaperCnnConfig(), PaperCnnConfig(average_pooling="global")
    yield _Untrained(lambda: PaperNetwork("paper-cnn", windowed, fit), "stream", networks)
    yield _Untrained(lambda: PaperNetwork("paper-cnn, global pooling", pooled, fit), "stream", networks)
    name = f"paper-cnn, {sizes.paper_series} series"
    yield _Untrained(lambda: PaperNetwork(name, windowed, twice, as_paper=True), "paper", sizes.paper_series)
    yield _Untrained(lambda: GlsBic(oracle=True), "plain", others // 10)
    yield _Untrained(lambda: GlsBic(oracle=False), "stream", others // 10)
    yield _Untrained(MiniRocket, "stream", others)
    yield _Untrained(Forest, "stream", others)
    yield _Untrained(lambda: DenseNetwork(fit), "stream", networks)


_TRAINING_SETS_IN_WORDS: Final = {
    "stream": "series of the default network's stream",
    "paper": "simulated series of the paper's calendar, of which 70 % are used for training",
    "plain": "simulated series of known noise, for its thresholds",
}


def _released(folder: Path, precision: Literal["fp32", "int8"]) -> Entry:
    network = ReleasedNetwork(folder, precision)
    return Entry(
        network,
        "released",
        network.digest[:16],
        f"{network.trained_on} series, as released",
        noise_files=network.noise_files,
        mix=network.mix,
    )


def _trained(untrained: _Untrained, training_sets: TrainingSets, work: Path, announce: Announce) -> Entry:
    contestant = untrained.make()
    facts = [
        contestant.name,
        untrained.training_set,
        untrained.series,
        training_sets.sizes,
        training_sets.seed,
        training_sets.simulator_digest,
    ]
    key = hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    kept = work / "contestants" / f"{slug(contestant.name)}-{key}.pickle"
    if kept.is_file():
        contestant = pickle.loads(kept.read_bytes())
    else:
        series: LabelledSeries = getattr(training_sets, untrained.training_set)
        series = series.take(np.arange(min(untrained.series, len(series))))
        announce(f"fitting {contestant.name} to {len(series)} series")
        # With small matrices, several BLAS threads are many times slower than one on a busy machine.
        with threadpool_limits(1):
            contestant.fit(series, seed=seed_of(training_sets.seed, contestant.name))
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(".new")
        fresh.write_bytes(pickle.dumps(contestant))
        fresh.replace(kept)
    trained_on = f"{untrained.series} {_TRAINING_SETS_IN_WORDS[untrained.training_set]}"
    bank = training_sets.bank if untrained.training_set == "stream" else None
    noise_files = frozenset(file.name for file in bank.files) if bank else frozenset[str]()
    return Entry(contestant, "baseline", key, trained_on, noise_files)


def slug(name: str) -> str:
    """Return a name that is valid for a file."""
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower())


def _first_of(config: StreamConfig, series: int) -> LabelledSeries:
    """Return the first series of the five classes in the stream, padded to one width."""
    displacement, days, label = [], [], []
    found = 0
    for number in count():
        for batch in make_chunk(config, number):
            known = np.flatnonzero(batch.target[:, : len(SEED_CLASS_NAMES)].max(axis=1) == 1)
            width = ((0, 0), (0, WIDTHS[-1] - batch.days.shape[1]))
            displacement.append(np.pad(batch.displacement[known], width, constant_values=np.nan))
            days.append(np.pad(batch.days[known], width, mode="edge"))
            label.append(batch.target[known].argmax(axis=1).astype(np.int8))
            found += len(known)
        if found >= series:
            break
    return LabelledSeries(
        np.concatenate(displacement)[:series], np.concatenate(days)[:series], np.concatenate(label)[:series]
    )
