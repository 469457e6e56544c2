"""Every number of the simulator, with its source.

Sources: [design] the project's definition of the five classes; [EGMS] Product Description and ATBD of the
European Ground Motion Service (EEA, 2025); [Offida] statistics of 197 EGMS-derived series; [QA] statistics of
10,000 EGMS tiles; [seen] read off plots of some 200 EGMS and StaMPS series; [ours] a choice that no source
settles. A pair is the range of a uniform draw unless it says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from insar_runtime._units import SENTINEL1_HALF_WAVELENGTH_MM

Range = tuple[float, float]

HALF_WAVELENGTH_MM: Final = SENTINEL1_HALF_WAVELENGTH_MM
"""Half of 299792458 m/s / 5.405 GHz, Sentinel-1's centre frequency [EGMS]."""


@dataclass(frozen=True)
class CalendarConfig:
    """Which acquisitions of the regular plan are missing."""

    dropped_share: Range = (0.0, 0.15)
    """Acquisitions lost one by one [ours]; squared towards the low end, as delivered calendars are."""
    winter_block_probability: float = 0.1
    """Snow: images of each winter are left out in the Alps and Scandinavia [EGMS]."""
    winter_days: Range = (60.0, 140.0)
    gap_probability: float = 0.2
    gap_days: Range = (24.0, 120.0)
    min_epochs: int = 30
    max_epochs: int = 420
    """Epochs of delivered files are 60-420; shorter ones are made for safety [EGMS, ours]."""


@dataclass(frozen=True)
class NoiseConfig:
    """Scatter that is no motion."""

    sigma_median_mm: float = 2.2
    sigma_log_spread: float = 0.49
    """Log-normal with 5 % below 1 and 5 % above 5 mm [Offida, EGMS coherence]."""
    sigma_limits_mm: Range = (0.4, 9.0)
    short_share: Range = (0.05, 0.6)
    """Variance that is correlated over days to weeks (Ornstein-Uhlenbeck); wide until measured [Offida]."""
    short_days: Range = (6.0, 20.0)
    slow_share: Range = (0.0, 0.6)
    """Variance that wanders over months and returns [seen]."""
    slow_days: Range = (60.0, 400.0)
    student_degrees: int = 8
    """Heavy tails of the white part: kurtosis 3.9 [Offida]. Even, see ``noise.student``."""
    common_sigma_mm: Range = (0.2, 1.0)
    """Epoch errors that all points share: 0.4 mm [Offida]."""
    uneven_probability: float = 0.3
    uneven_factor: Range = (1.3, 3.0)
    """Scatter that grows in summer, from a date on, until a date, or for some months [seen]."""
    burst_days: Range = (60.0, 240.0)


@dataclass(frozen=True)
class AnnualConfig:
    """Yearly cycle; every class carries it."""

    amplitude_mm: float = 1.5
    """Scale of the half-normal [QA: tile 90th percentiles 0.7-6.2 mm]."""
    strong_probability: float = 0.05
    strong_amplitude_mm: Range = (4.0, 12.0)
    """Bridges and tall buildings [seen]."""
    half_year_share: Range = (0.0, 0.3)
    year_to_year: float = 0.3
    """Relative change of the amplitude from year to year [seen]."""


@dataclass(frozen=True)
class MotionConfig:
    """The four motions."""

    stable_rate_mm_yr: float = 1.5
    stable_band_mm: float = 5.0
    """Stable: at most this rate, and within plus and minus this band [design]."""
    linear_rate_mm_yr: Range = (2.0, 60.0)
    """Log-uniform [design, ours]."""
    linear_total_mm: float = 12.0
    """Least total, so that a linear series lies clearly outside the band of a stable one [ours]."""
    departure: Range = (1.0, 12.0)
    """RMS departure from the best line over the noise; log-uniform. At least 1 [design]."""
    departure_limit_mm: float = 30.0
    rate_change_limit_mm_yr: float = 80.0
    """Largest RMS departure, and change of rate over the span, where the noise allows them [ours]."""
    break_share: Range = (0.15, 0.85)
    """Place of the break within the span [design]."""
    base_rate_mm_yr: Range = (-15.0, 15.0)
    """Rate under a curve or before a break, where it is neither start, stop nor reversal [ours]."""


@dataclass(frozen=True)
class UnwrappingConfig:
    """Phase unwrapping errors."""

    half_wavelength_mm: float = HALF_WAVELENGTH_MM
    physics_probability: float = 0.3
    """Rows that are wrapped and unwrapped about a line; the rest get lost integers on arcs [ours]."""
    model_error_probability: float = 0.3
    """Of these, rows whose line has a wrong rate, by up to one cycle and a half over the span [ours]."""
    lasting_probability: float = 0.3
    """Real ones are mostly temporary [seen]."""
    event_count: tuple[float, ...] = (0.55, 0.25, 0.12, 0.08)
    """Shares of rows with one, two, three, four jumps [seen]."""
    duration_epochs: Range = (3.0, 40.0)
    """Of a temporary jump; log-uniform [seen]."""
    two_cycles_probability: float = 0.07
    damped_probability: float = 0.5
    damped_mm: Range = (12.0, 28.0)
    """The producer's filtering leaves 12-28 mm of a cycle [design, seen]."""
    damped_over_noise: float = 2.0
    """A damped jump is at least this many times the row's scatter, or nobody could see it [ours]."""
    smeared_probability: float = 0.3
    """Jumps that take two epochs [seen]."""
    spike_probability: float = 0.15
    """Rows that have a jump of one or two epochs besides [ours]."""
    projected_probability: float = 0.1
    los_up: Range = (0.70, 0.87)
    """Projected products: jumps divided by the vertical component of the line of sight [EGMS]."""
    min_visible_mm: float = 12.0
    min_visible_epochs: int = 3


@dataclass(frozen=True)
class NuisanceConfig:
    """What looks like a jump or a trend and is none; every class carries it."""

    common_bad_epoch_probability: float = 0.005
    bad_epoch_probability: float = 0.002
    bad_epoch_sigma_mm: float = 6.0
    """Residual atmosphere: N(0, 6 mm) at one epoch [ours]."""
    outlier_probability: float = 0.1
    outlier_mm: Range = (10.0, 27.0)
    """Rows with one or two epochs far off [seen]."""
    step_probability: float = 0.08
    step_mm: Range = (2.0, 9.0)
    """Rows with a true step below 10 mm, lasting or for some epochs [design]."""
    ramp_probability: float = 0.05
    ramp_mm: Range = (5.0, 14.0)
    ramp_days: Range = (60.0, 250.0)
    """Rows that rise slowly and return [design: a slow ramp is no PUE]."""
    join_probability: float = 0.1
    join_sigma_mm: float = 3.0
    join_limit_mm: float = 9.0
    """Blocks joined of two releases: every row changes level at one date [seen]."""


@dataclass(frozen=True)
class DeliveryConfig:
    """How a producer hands series over."""

    first_zero_probability: float = 0.5
    """First sample set to zero; otherwise the fitted line is zero at the first date [EGMS]."""
    decimals: int = 1
    """Displacements are stored to 0.1 mm [EGMS]."""
    missing_probability: float = 0.1
    """Rows with missing values [seen in joined releases]."""
    scattered_share: Range = (0.02, 0.3)
    cut_share: Range = (0.1, 0.4)
    """Missing epochs: scattered ones, or a part at the beginning or the end."""


@dataclass(frozen=True)
class SimulatorConfig:
    """All of it."""

    calendar: CalendarConfig = field(default_factory=CalendarConfig)
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    annual: AnnualConfig = field(default_factory=AnnualConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)
    unwrapping: UnwrappingConfig = field(default_factory=UnwrappingConfig)
    nuisance: NuisanceConfig = field(default_factory=NuisanceConfig)
    delivery: DeliveryConfig = field(default_factory=DeliveryConfig)
    block: int = 512
    """Series that share a calendar, as the points of one file do."""
