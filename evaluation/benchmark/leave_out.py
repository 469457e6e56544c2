"""Leave-one-calendar-out: accuracy of a network on calendars that it was not trained on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import keras

from evaluation.benchmark.contestants import probe, slug
from evaluation.benchmark.sets import answerable, seed_of
from evaluation.benchmark.sizes import BenchmarkSizes
from training.announce import Announce
from training.dataset import LabelledSeries, balanced_labels, with_facts
from training.fit import predict
from training.metrics import Metrics, measure
from training.simulator import CALENDARS, SimulatorConfig, simulate
from training.stream import StreamConfig
from training.trend_fit import TrendFitConfig, fit_trend_net

FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "paper": ("paper",),
    "EGMS 2015-2021 and joined": ("egms_2015_2021", "joined_2015_2022", "joined_2015_2024"),
    "EGMS 2018-2024": ("egms_2018_2022", "egms_2019_2023", "egms_2020_2024"),
    "every 6 days": ("egms_l3", "regular_6"),
    "every 12 days": ("regular_12",),
    "sparse and short": ("sparse", "sparse_24", "short"),
    "other sensors": ("x_band", "constellation"),
}
"""Calendars of the simulator by similarity. They are left out together, because similar ones are no independent
test."""
_BLOCK: Final = 50

Fit = Callable[[TrendFitConfig, Path, Announce], keras.Model]


@dataclass(frozen=True)
class LeftOut:
    """Result for one family of calendars.

    Attributes
    ----------
    family : str
        One of ``FAMILIES``.
    seen, unseen : Metrics
        Accuracy of a network trained on all calendars, and of one trained as long on all others.
    """

    family: str
    seen: Metrics
    unseen: Metrics

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, for JSON."""
        return {
            "calendars": list(FAMILIES[self.family]),
            "seen": self.seen.to_dict(),
            "unseen": self.unseen.to_dict(),
        }


def fit_default(config: TrendFitConfig, work: Path, announce: Announce) -> keras.Model:
    """Train the default network for a shorter time than for a release."""
    return fit_trend_net(config, work=work, announce=announce)


def leave_calendars_out(
    sizes: BenchmarkSizes,
    *,
    seed: int,
    work: Path,
    announce: Announce,
    families: Mapping[str, tuple[str, ...]] = FAMILIES,
    fit: Fit = fit_default,
) -> dict[str, Any]:
    """Train with all calendars, and without each family, and compare the networks on the family.

    The noise is simulated, because real noise has the calendars of its files.

    Parameters
    ----------
    sizes : BenchmarkSizes
        Length of the training and number of test series.
    seed : int
        Seed of all random draws.
    work : Path
        Folder of training states and results; a second run continues from them.
    announce : callable
        Function that receives progress messages.
    families : mapping of str to tuple of str
        Families to leave out.
    fit : callable
        Function that trains a network.

    Returns
    -------
    dict
        ``series trained on``, and the result of ``LeftOut.to_dict`` by family.
    """
    stream = StreamConfig(seed=seed_of(seed, "leave out lessons"), chunk=sizes.stream_chunk, batch=sizes.stream_batch)
    config = TrendFitConfig(data=stream, chunks=sizes.leave_out_chunks)
    key = hashlib.sha256(repr((config, sizes.named, probe())).encode()).hexdigest()[:16]
    folder = work / f"leave-out-{key}"
    folder.mkdir(parents=True, exist_ok=True)

    everything: keras.Model | None = None
    found: dict[str, Any] = {}
    for family, calendars in families.items():
        kept = folder / f"{slug(family)}.json"
        if not kept.is_file():
            if everything is None:
                announce("training on all calendars")
                everything = fit(config, folder / "all", announce)
            announce(f"training without {family}")
            others = tuple(name for name in CALENDARS if name not in calendars)
            alone = replace(config, data=replace(stream, calendars=others))
            unseen = fit(alone, folder / slug(family), announce)
            series = _test_series(sizes.named, seed_of(seed, f"leave out {family}"), calendars)
            row = LeftOut(
                family,
                measure(series.label, predict(everything, series)),
                measure(series.label, predict(unseen, series)),
            )
            kept.write_text(json.dumps(row.to_dict()), encoding="utf-8")
        found[family] = json.loads(kept.read_text(encoding="utf-8"))
    return {"series trained on": config.series, "families": found}


def _test_series(count: int, seed: int, calendars: tuple[str, ...]) -> LabelledSeries:
    config = replace(SimulatorConfig(), block=_BLOCK)
    labels = balanced_labels(count, seed)
    return answerable(with_facts(simulate(count, seed=seed, config=config, calendar=calendars, labels=labels)))
