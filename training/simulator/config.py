"""Settings of the simulator, with the source of each number.

Sources in brackets:

- [design]: definition of the classes in this project (``insar_runtime.definitions``).
- [EGMS]: Product Description and Algorithm Theoretical Basis Document of the European Ground Motion Service (EEA,
  2025).
- [Offida]: statistics of 197 series derived from EGMS.
- [QA]: statistics of 10,000 EGMS tiles.
- [plots]: plots of some 200 EGMS and StaMPS series, inspected by eye.
- [chosen]: our choice, because no source gives the number.

A pair of numbers is the range of a uniform distribution, unless stated otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from insar_runtime._input.units.sensors import SENTINEL1_ROUNDED_MM
from insar_runtime.definitions import (
    BREAK_SHARE,
    CURVED_DEPARTURE,
    JUMP_HELD_EPOCHS,
    JUMP_MM,
    JUMP_SCATTERS,
    LINEAR_RATE_STDS,
    SMALL_STEP_MM,
    STABLE_RATE_MM_YR,
)

Range = tuple[float, float]

HALF_WAVELENGTH_MM: Final = SENTINEL1_ROUNDED_MM
"""Half of 299792458 m/s / 5.405 GHz, Sentinel-1's centre frequency [EGMS]."""


@dataclass(frozen=True)
class CalendarConfig:
    """Missing acquisitions of the regular calendar."""

    dropped_share: Range = (0.0, 0.15)
    """Share of single missing acquisitions [chosen]; the square of a uniform number favours low shares, as in delivered
    calendars."""
    winter_block_probability: float = 0.15
    """Probability that no winter images exist because of snow, as in the Alps and Scandinavia [EGMS]."""
    winter_days: Range = (60.0, 200.0)
    gap_probability: float = 0.2
    gap_days: Range = (24.0, 120.0)
    max_gap_days: float = 240.0
    """Longest gap; rows with longer gaps get no class at run time [design]."""
    min_epochs: int = 30
    max_epochs: int = 512
    """Range of the number of epochs. Delivered files have 60 to 460; the range is wider for safety [EGMS, design]."""


@dataclass(frozen=True)
class NoiseConfig:
    """Noise of the points of a file.

    The standard deviation of the noise without its slow part is limited to ``random_phase_mm`` at every epoch.
    """

    sigma_median_mm: float = 2.0
    sigma_file_log_spread: float = 0.45
    sigma_log_spread: float = 0.3
    """RMS of the noise: log-normal over files, and over the rows of a file. With the other settings, the RMS of 5 % of
    the rows is below 1.2 mm and that of 5 % above 5.5 mm [Offida, EGMS coherence, plots]."""
    sigma_limits_mm: Range = (0.4, 6.5)
    short_share: Range = (0.0, 0.7)
    """Share of the variance that is correlated over days to weeks (Ornstein-Uhlenbeck process). The upper bound of a
    file is drawn from this range, the shares of its rows below that bound [Offida, plots]."""
    short_days: Range = (6.0, 30.0)
    slow_share: Range = (0.0, 0.9)
    """Share of the variance that is correlated over months, drawn in the same way [plots]."""
    slow_days: Range = (60.0, 400.0)
    second_slow_probability: float = 0.5
    second_slow_share: Range = (0.1, 0.6)
    second_slow_days: Range = (200.0, 1200.0)
    """Probability that a file has two slow processes, and the share of the slow variance in the slower one [plots]."""
    student_degrees: int | None = 8
    """Degrees of freedom of the Student distribution of the white part: kurtosis 3.9 [Offida]. An even number, see
    ``noise.student``; None for a Gaussian distribution."""
    common_sigma_mm: Range = (0.1, 0.8)
    """Scale of the epoch errors that all points of a file share: 0.4 mm [Offida]."""
    common_wander_probability: float = 0.2
    common_wander_mm: Range = (0.8, 3.0)
    common_wander_days: Range = (40.0, 200.0)
    """Probability and size of a slow signal that all points of a file share: residual atmosphere of few images, or a
    moving reference [plots of a StaMPS file of 41 images]."""
    epoch_log_spread: float = 0.25
    """Largest standard deviation of the logarithm of the scatter over epochs, for all points of a file [plots]."""
    noisy_epochs_probability: float = 0.45
    noisy_epochs_share: Range = (0.02, 0.35)
    noisy_epochs_factor: Range = (1.5, 4.0)
    """Files with epochs that are noisy at all points, because coherence is low, mostly in one season [plots]."""
    noisy_values_probability: float = 0.6
    noisy_values_share: Range = (0.005, 0.12)
    noisy_values_factor: Range = (2.0, 4.0)
    """Rows with single noisy values [plots]."""
    folded_probability: float = 0.75
    fold_mm: float = HALF_WAVELENGTH_MM / 2
    """Probability that the scatter of a file is wrapped at a quarter of the wavelength, like the phase about a model:
    larger values appear on the other side [plots: sharp bounds at 13.9 mm in every Polish file]."""
    smoothed_probability: float = 0.15
    resampled_probability: float = 0.1
    """Probability that a file is filtered in time, and that from some date on its grid is finer than the acquisitions,
    as in EGMS L3 since 2022 [EGMS; Offida: correlation of successive epochs 0.46, in 2022 0.6]."""
    uneven_probability: float = 0.35
    uneven_file_probability: float = 0.25
    uneven_factor: Range = (1.3, 3.0)
    """Probability that the scatter is larger in one season, from a date on, until a date, or for some months, for rows
    and for whole files; for files often from the date at which the sampling changes [plots]."""
    burst_days: Range = (60.0, 240.0)
    random_phase_mm: float = HALF_WAVELENGTH_MM / 12**0.5
    """RMS of a uniformly distributed phase: 8.0 mm."""

    def plain(self) -> NoiseConfig:
        """Return settings for Gaussian noise of a white, a short and a slow part, which ``Noise`` describes fully."""
        return replace(
            self,
            second_slow_probability=0.0,
            student_degrees=None,
            common_sigma_mm=(0.0, 0.0),
            common_wander_probability=0.0,
            epoch_log_spread=0.0,
            noisy_epochs_probability=0.0,
            noisy_values_probability=0.0,
            folded_probability=0.0,
            smoothed_probability=0.0,
            resampled_probability=0.0,
            uneven_probability=0.0,
            uneven_file_probability=0.0,
        )


@dataclass(frozen=True)
class AnnualConfig:
    """Annual cycle, in series of every class."""

    amplitude_mm: float = 1.1
    amplitude_log_spread: float = 0.5
    """Scale of the half-normal amplitude, and its spread over files [QA: 90th percentiles of tiles 0.7-6.2 mm]."""
    strong_probability: float = 0.04
    strong_amplitude_mm: Range = (4.0, 25.0)
    """Large amplitudes of bridges and tall buildings; log-uniform [plots; design: a cycle of any size is Stable]."""
    half_year_share: Range = (0.0, 0.3)
    year_to_year: float = 0.35
    """Relative change of the sine and cosine coefficients from year to year [plots]."""


@dataclass(frozen=True)
class MotionConfig:
    """The four motions."""

    stable_rate_mm_yr: float = STABLE_RATE_MM_YR
    linear_rate_stds: float = LINEAR_RATE_STDS
    """Limit between Stable and Linear, for the least-squares rate fitted together with an annual cycle [design]."""
    linear_rate_mm_yr: Range = (STABLE_RATE_MM_YR, 60.0)
    """Log-uniform [design, chosen]."""
    settle_rates: bool = True
    """Whether the rate of a Stable or Linear series, noise included, must be in the range of its class; otherwise only
    the rate of the motion is [design]."""
    slow_linear_probability: float = 0.45
    slow_linear_ratio: float = 3.0
    """Share of Linear rows whose rate is at most this many times the smallest: difficult and most frequent [plots]."""
    departure: Range = (CURVED_DEPARTURE, 12.0)
    slight_departure_ratio: float = 2.5
    slight_departure_probability: float = 0.55
    """RMS departure from the least-squares line, divided by the noise; log-uniform, for some rows only up to this many
    times the smallest [design, plots]."""
    wander_share: float = 0.5
    """The noise in this ratio is the scatter from epoch to epoch, or this share of the whole RMS with slow noise if
    that is larger. In labelled rows, curves depart by a median of 1.1 times the scatter from epoch to epoch, and by 0.6
    times the whole RMS [plots]."""
    departure_limit_mm: float = 30.0
    rate_change_limit_mm_yr: float = 85.0
    """Largest RMS departure, and largest change of rate over the span. If the smallest departure would exceed them, the
    noise of the row is reduced [chosen]."""
    break_share: Range = BREAK_SHARE
    """Position of the break as a share of the span [design]."""
    base_rate_mm_yr: Range = (-12.0, 12.0)
    """Rate added to a curve, or before a break that is neither a start, a stop nor a reversal [chosen]."""


@dataclass(frozen=True)
class UnwrappingConfig:
    """Phase unwrapping errors."""

    half_wavelength_mm: float = HALF_WAVELENGTH_MM
    physics_probability: float = 0.15
    """Share of rows that are wrapped and unwrapped about a line; the others get integer ambiguity errors [chosen]."""
    wander_probability: float = 0.35
    wander_mm: Range = (7.0, 17.0)
    wander_edge_epochs: Range = (2.0, 18.0)
    wander_top_epochs: Range = (0.0, 12.0)
    wander_count: tuple[float, ...] = (0.5, 0.3, 0.2)
    wander_threshold: Range = (0.45, 0.9)
    """Share of rows whose phase deviates slowly, once to three times, and is unwrapped to the other side beyond this
    share of the largest deviation; near that threshold the noise decides, so values alternate between both levels
    [plots: most temporary errors of an EGMS L2b file]."""
    returning_probability: float = 0.2
    returning_epochs: Range = (3.0, 15.0)
    """Share of temporary jumps that decay gradually with this time constant, or grow gradually (reversed in time)
    [plots]."""
    model_error_probability: float = 0.3
    """Share of the rows wrapped about a line whose rate is wrong, by 0.5 to 1.5 cycles over the span [chosen]."""
    lasting_probability: float = 0.35
    """Probability that an error lasts until the end: one third of the labelled errors do [plots]."""
    event_count: tuple[float, ...] = (0.5, 0.25, 0.15, 0.1)
    """Shares of rows with one, two, three and four jumps [plots]."""
    duration_epochs: Range = (JUMP_HELD_EPOCHS, 60.0)
    """Duration of a temporary jump in epochs; log-uniform [plots]."""
    late_probability: float = 0.3
    clustered_probability: float = 0.2
    part_of_span: float = 0.3
    """Share of rows with all jumps in the last part of the span, and with all jumps in any part of it [plots]."""
    winter_probability: float = 0.4
    """Share of jumps that begin preferably in winter: of three random dates, the one closest to midwinter [plots]."""
    two_cycles_probability: float = 0.05
    damped_probability: float = 0.75
    damped_mm: Range = (JUMP_MM, 28.0)
    damped_skew: float = 1.6
    """After the producer's filtering, 10 to 28 mm of a cycle remain, mostly less than half of it; the exponent of a
    uniform random number gives that distribution [design, plots]."""
    damped_over_noise: float = JUMP_SCATTERS
    """Smallest ratio of a damped jump to the scatter around it [design]."""
    jump_over_noise: float = 5.5
    """Smallest root of the sum of squared errors of a row, divided by the scatter: three epochs at three times the
    scatter give 5.2 [design]."""
    smeared_probability: float = 0.35
    slowly_smeared_share: float = 0.3
    """Share of jumps with a transition of two epochs, and the share of these with three [plots]."""
    flicker_probability: float = 0.25
    flicker_share: Range = (0.1, 0.5)
    """Share of rows in which some epochs during the error are correct [plots: values on both levels for months]."""
    unsteady_probability: float = 0.35
    unsteady_share: Range = (0.05, 0.3)
    """Share of rows with larger scatter during the error; the added scatter is this share of the jump [plots]."""
    spike_probability: float = 0.15
    """Share of rows with an additional jump of one or two epochs [chosen]."""
    projected_probability: float = 0.1
    los_up: Range = (0.70, 0.87)
    """Projected products, in which jumps are divided by the vertical component of the line of sight [EGMS]."""
    min_visible_mm: float = JUMP_MM
    min_visible_epochs: int = JUMP_HELD_EPOCHS
    steady_mm: float = 1.0
    """A row counts as PUE if at least one of its jumps has this size and its error is constant, within ``steady_mm``,
    for this many epochs on both sides [design]."""


@dataclass(frozen=True)
class OtherConfig:
    """Motions of class Other, which none of the five classes describes; sizes are peak to peak."""

    size_over_noise: Range = (4.0, 14.0)
    least_size_mm: float = 9.0
    """Size divided by the noise (``MotionConfig.wander_share``), log-uniform, so that the motion is visible
    [design, plots]."""
    break_share: Range = BREAK_SHARE
    edge_share: Range = (0.03, 0.12)
    """Distance of an early or late break from the nearer end, as a share of the span [design]."""
    rise_share: Range = (0.12, 0.5)
    least_rise_days: float = 100.0
    """Rise time of an S-shape or a transient; a faster rise would be a jump [design]."""
    decay_share: Range = (0.04, 0.3)
    """Time constant of the decay after an event, as a share of the span [chosen]."""
    step_mm: Range = (SMALL_STEP_MM[0], SMALL_STEP_MM[1] - 1.5)
    step_scatters: float = 2.0
    """Small lasting steps, at least this many times the scatter around them, so that they are visible; readers disagree
    on steps between 8.5 and 10 mm [design, plots]."""
    moving_probability: float = 0.35
    """Share of rows with a constant rate in addition [plots]."""


@dataclass(frozen=True)
class NuisanceConfig:
    """Signals that resemble a jump or a trend, in series of every class."""

    common_bad_epoch_probability: float = 0.005
    bad_epoch_probability: float = 0.002
    bad_epoch_sigma_mm: float = 6.0
    """Residual atmosphere: normal with a standard deviation of 6 mm at single epochs [chosen]."""
    outlier_probability: float = 0.12
    outlier_mm: Range = (10.0, 27.0)
    """Share of rows with an outlier of one or two epochs, drawn twice per row [plots]."""
    ragged_probability: float = 0.1
    ragged_mm: Range = (9.0, 21.0)
    ragged_share: Range = (0.5, 1.0)
    ragged_over_noise: float = 5.5
    """Share of rows with two to four successive outliers of different sizes below half a wavelength, which have no
    common level and so are no unwrapping error. Three or more, with a root of the sum of squares above this many times
    the scatter, would be a jump (``UnwrappingConfig.jump_over_noise``); then only two are kept [plots]."""
    step_probability: float = 0.1
    step_mm: Range = (1.5, 5.5)
    """Share of rows with an abrupt step that is too small for any class, lasting or for 3 to 40 epochs [design]."""
    excursion_probability: float = 0.12
    excursion_mm: Range = (3.0, 8.0)
    excursion_edge_epochs: Range = (6.0, 16.0)
    excursion_top_epochs: Range = (1.0, 30.0)
    """Share of rows that leave their level for some epochs, too slowly for a jump, by too little for Other [plots]."""
    ramp_probability: float = 0.12
    ramp_mm: Range = (3.0, 8.0)
    ramp_days: Range = (60.0, 250.0)
    """Share of rows that rise slowly and return, by too little for Other [design]."""
    join_probability: float = 0.12
    join_sigma_mm: Range = (1.0, 3.0)
    join_limit_mm: float = 5.5
    """Share of files that are joined from two releases: every row changes level at one date, often where the sampling
    changes. Larger changes are Other, and from 10 mm on they are labelled as unwrapping errors [plots]."""

    def none(self) -> NuisanceConfig:
        """Return the settings without any such signal."""
        return replace(
            self,
            common_bad_epoch_probability=0.0,
            bad_epoch_probability=0.0,
            outlier_probability=0.0,
            ragged_probability=0.0,
            step_probability=0.0,
            excursion_probability=0.0,
            ramp_probability=0.0,
            join_probability=0.0,
        )


@dataclass(frozen=True)
class DeliveryConfig:
    """Form in which a producer delivers series."""

    first_zero_probability: float = 0.5
    """Probability that the first value of each series is zero; otherwise the fitted line is zero at the first date
    [EGMS]."""
    decimals: int = 1
    """Resolution of stored displacements: 0.1 mm [EGMS]."""
    missing_probability: float = 0.1
    """Share of rows with missing values [plots of joined releases]."""
    scattered_share: Range = (0.02, 0.3)
    cut_share: Range = (0.1, 0.4)
    """Share of missing epochs: single ones, or a part at the beginning or the end."""


@dataclass(frozen=True)
class SimulatorConfig:
    """All settings of the simulator."""

    calendar: CalendarConfig = field(default_factory=CalendarConfig)
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    annual: AnnualConfig = field(default_factory=AnnualConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)
    unwrapping: UnwrappingConfig = field(default_factory=UnwrappingConfig)
    other: OtherConfig = field(default_factory=OtherConfig)
    nuisance: NuisanceConfig = field(default_factory=NuisanceConfig)
    delivery: DeliveryConfig = field(default_factory=DeliveryConfig)
    block: int = 512
    """Number of series with the same dates, like the points of one file."""
