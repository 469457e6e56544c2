"""Noise of the points of a file (a scene): simulated noise, or residuals of quiet real rows."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import TrendClass
from training.real_files import one_by_one, real_bank
from training.simulator import HALF_WAVELENGTH_MM, SimulatorConfig, simulate
from training.simulator.bank import NoiseFile
from training.simulator.config import NoiseConfig
from training.simulator.draws import Floats, sign

Days = NDArray[np.float64]

X_BAND_HALF_WAVELENGTH_MM: Final = 15.5
_FIRST_DATE: Final = np.datetime64("2018-01-03")


@dataclass(frozen=True)
class Scene:
    """Noise of the points of one file.

    Attributes
    ----------
    name : str
        Name of the file.
    group : str
        Name of a group of files that are evaluated together.
    days : ndarray of float64, shape [T]
        Days since the first acquisition.
    still : ndarray of float32, shape [N, T]
        Noise, annual cycle and nuisances of points without motion, mm; no missing values.
    scatter : ndarray of float32, shape [N]
        RMS of ``still``, mm; for simulated noise without the annual cycle.
    half_wavelength_mm : float
        Half the wavelength of the radar.
    """

    name: str
    group: str
    days: Days
    still: Floats
    scatter: Floats
    half_wavelength_mm: float = HALF_WAVELENGTH_MM

    def __len__(self) -> int:
        return len(self.still)

    @property
    def dates(self) -> NDArray[np.datetime64]:
        """Dates of the epochs, shape [T]."""
        return np.asarray(_FIRST_DATE + np.rint(self.days).astype("timedelta64[D]"))

    def draw(self, rng: np.random.Generator, count: int) -> Scene:
        """Return points in random order, repeated if there are too few, with random signs if the noise is symmetric."""
        rows = np.concatenate([rng.permutation(len(self)) for _ in range(-(-count // len(self)))])[:count]
        return replace(self, still=self.still[rows] * sign(rng, (count, 1)), scatter=self.scatter[rows])


@dataclass(frozen=True)
class Kind:
    """Kind of simulated files.

    Attributes
    ----------
    calendars : tuple of str
        Calendars of the simulator, one file each.
    epochs : int, optional
        Number of epochs of all files.
    noise : dict of str to object
        Settings that differ from the default noise of the simulator.
    half_wavelength_mm : float
    plain : bool
        Whether the noise is Gaussian, without bad epochs, small steps, joins of releases and other nuisances.
    """

    calendars: tuple[str, ...]
    epochs: int | None = None
    noise: Mapping[str, object] = field(default_factory=dict)
    half_wavelength_mm: float = HALF_WAVELENGTH_MM
    plain: bool = False


USUAL: Final = "simulated"
KINDS: Final[Mapping[str, Kind]] = {
    USUAL: Kind(
        (
            "egms_2015_2021",
            "egms_2018_2022",
            "egms_2019_2023",
            "egms_2020_2024",
            "egms_l3",
            "joined_2015_2022",
            "joined_2015_2024",
            "paper",
            "regular_12",
            "regular_6",
        )
    ),
    "plain noise": Kind(("egms_2018_2022", "egms_2015_2021", "egms_2020_2024"), plain=True),
    "60 epochs": Kind(("regular_6", "egms_2018_2022", "regular_12"), 60),
    "every 12 days": Kind(("regular_12", "regular_12", "regular_12"), 120),
    "noise of 4 to 5 mm": Kind(
        ("egms_2018_2022", "egms_2015_2021", "egms_2020_2024"),
        noise={"sigma_median_mm": 4.5, "sigma_file_log_spread": 0.0, "sigma_log_spread": 0.05},
    ),
    "strong wander": Kind(
        ("egms_2018_2022", "egms_2015_2021", "egms_2020_2024"),
        noise={"slow_share": (0.7, 0.9), "short_share": (0, 0.1)},
    ),
    "X-band": Kind(
        ("x_band", "x_band", "x_band"),
        100,
        {"sigma_median_mm": 1.5, "sigma_file_log_spread": 0.1, "fold_mm": X_BAND_HALF_WAVELENGTH_MM / 2},
        X_BAND_HALF_WAVELENGTH_MM,
    ),
}
"""Kinds of simulated files: the default, and others with one difficulty each (our choice)."""


def seed_of(seed: int, purpose: str) -> int:
    """Return the seed for a purpose, independent of other purposes."""
    return int(np.random.SeedSequence([seed, zlib.crc32(purpose.encode())]).generate_state(1)[0])


def simulated_scenes(name: str, count: int, *, seed: int) -> Iterator[Scene]:
    """Yield simulated files of one of ``KINDS``, with ``count`` points each."""
    kind = KINDS[name]
    for i, calendar in enumerate(kind.calendars):
        title = f"{name}, {calendar}" + (f" {i + 1}" if kind.calendars.count(calendar) > 1 else "")
        yield _simulated(title, name, calendar, kind, count, seed_of(seed, title))


def _simulated(title: str, group: str, calendar: str, kind: Kind, count: int, seed: int) -> Scene:
    config = SimulatorConfig()
    noise: NoiseConfig = replace(config.noise, **kind.noise)  # type: ignore[arg-type]
    config = replace(
        config,
        block=count,
        noise=noise,
        motion=replace(config.motion, stable_rate_mm_yr=0.0),
        delivery=replace(config.delivery, missing_probability=0.0),
    )
    if kind.plain:
        config = replace(config, noise=noise.plain(), nuisance=config.nuisance.none())
    if kind.epochs:
        lengths = replace(config.calendar, min_epochs=kind.epochs, max_epochs=kind.epochs)
        config = replace(config, calendar=lengths)
    labels = np.full(count, TrendClass.STABLE, dtype=np.int8)
    series = simulate(count, seed=seed, config=config, calendar=calendar, labels=labels)
    days = series.days[0].astype(np.float64)
    return Scene(title, group, days, series.displacement, series.noise_sigma, kind.half_wavelength_mm)


def real_scenes(folder: Path) -> Iterator[Scene]:
    """Yield the noise of each real file, training files first."""
    for trained in (True, False):
        for name, bank in one_by_one(real_bank(folder, trained=trained)):
            yield _real(name, bank.files[0])


def _real(name: str, file: NoiseFile) -> Scene:
    return Scene(name, name, file.days.astype(np.float64), file.residual, file.residual.std(axis=1))


def middle_of(scene: Scene, share: float) -> Scene:
    """Return the middle part of the span of all points.

    Residuals of real rows have no rate over the whole span, but the standard deviation of a rate includes the rate of
    the noise. In a part of the span, the noise has a rate.
    """
    epochs = len(scene.days)
    begin = round((1 - share) / 2 * epochs)
    part = slice(begin, epochs - begin)
    days = scene.days[part] - scene.days[begin]
    return replace(scene, name=f"{scene.name}, middle", days=days, still=scene.still[:, part])
