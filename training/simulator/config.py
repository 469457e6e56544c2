"""Every number of the simulator, with its source.

Sources: [design] the project's definition of the five classes; [EGMS] Product Description and ATBD of the
European Ground Motion Service (EEA, 2025); [Offida] statistics of 197 EGMS-derived series; [QA] statistics of
10,000 EGMS tiles; [seen] read off plots of some 200 EGMS and StaMPS series; [ours] a choice that no source
settles. A pair is the range of a uniform draw unless it says otherwise.
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
    """Which acquisitions of the regular plan are missing."""

    dropped_share: Range = (0.0, 0.15)
    """Acquisitions lost one by one [ours]; squared towards the low end, as delivered calendars are."""
    winter_block_probability: float = 0.15
    """Snow: images of each winter are left out in the Alps and Scandinavia [EGMS]."""
    winter_days: Range = (60.0, 200.0)
    gap_probability: float = 0.2
    gap_days: Range = (24.0, 120.0)
    max_gap_days: float = 240.0
    """Rows with longer gaps get no class at run time [design]."""
    min_epochs: int = 30
    max_epochs: int = 512
    """Epochs of delivered files are 60-460; the rest is made for safety [EGMS, design]."""


@dataclass(frozen=True)
class NoiseConfig:
    """Scatter that is no motion.

    No scatter passes ``random_phase_mm`` before the slow part is added, whatever makes it grow.
    """

    sigma_median_mm: float = 2.0
    sigma_file_log_spread: float = 0.45
    sigma_log_spread: float = 0.3
    """Log-normal, of files and of the rows of each. With the rest of this page, 5 % of rows are below 1.2 and 5 %
    above 5.5 mm [Offida, EGMS coherence, seen]."""
    sigma_limits_mm: Range = (0.4, 6.5)
    short_share: Range = (0.0, 0.7)
    """Variance that is correlated over days to weeks (Ornstein-Uhlenbeck). Files differ: the upper bound of each is
    drawn in this range [Offida, seen]."""
    short_days: Range = (6.0, 30.0)
    slow_share: Range = (0.0, 0.9)
    """Variance that wanders over months and returns; the same [seen]."""
    slow_days: Range = (60.0, 400.0)
    second_slow_probability: float = 0.5
    second_slow_share: Range = (0.1, 0.6)
    second_slow_days: Range = (200.0, 1200.0)
    """Files that wander at two paces, and the slow variance that goes to the slower one [seen]."""
    student_degrees: int | None = 8
    """Heavy tails of the white part: kurtosis 3.9 [Offida]. Even, see ``noise.student``; None for Gaussian ones."""
    common_sigma_mm: Range = (0.1, 0.8)
    """Epoch errors that all points share: 0.4 mm [Offida]."""
    common_wander_probability: float = 0.2
    common_wander_mm: Range = (0.8, 3.0)
    common_wander_days: Range = (40.0, 200.0)
    """Files all of whose points wander together: residual atmosphere of few images, a moving reference [seen in a
    StaMPS file of 41 images]."""
    epoch_log_spread: float = 0.25
    """Largest spread of the scatter from epoch to epoch, the same for all points of a file [seen]."""
    noisy_epochs_probability: float = 0.45
    noisy_epochs_share: Range = (0.02, 0.35)
    noisy_epochs_factor: Range = (1.5, 4.0)
    """Files some of whose epochs are noisy at all points: short of coherence, mostly in one season [seen]."""
    noisy_values_probability: float = 0.6
    noisy_values_share: Range = (0.005, 0.12)
    noisy_values_factor: Range = (2.0, 4.0)
    """Rows some of whose values are noisy [seen]."""
    folded_probability: float = 0.75
    fold_mm: float = HALF_WAVELENGTH_MM / 2
    """Files whose scatter ends at a quarter of the wavelength, as phase about a model does: beyond it the value comes
    out on the other side [seen: sharp bounds at 13.9 mm in every file of the Polish ones]."""
    smoothed_probability: float = 0.15
    resampled_probability: float = 0.1
    """Files whose processor filters in time, and files on a grid finer than the acquisitions from some date on, as
    EGMS L3 is since 2022 [EGMS; Offida: correlation of 0.46 between neighbours, 0.6 in 2022]."""
    uneven_probability: float = 0.35
    uneven_file_probability: float = 0.25
    uneven_factor: Range = (1.3, 3.0)
    """Scatter that grows in one season, from a date on, until a date, or for some months: rows, and whole files,
    these often where their sampling changes [seen]."""
    burst_days: Range = (60.0, 240.0)
    random_phase_mm: float = HALF_WAVELENGTH_MM / 12**0.5
    """RMS of a phase of which nothing is known: 8.0 mm."""

    def plain(self) -> NoiseConfig:
        """Return the Gaussian noise of a white, a short and a slow part that ``Noise`` describes exactly."""
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
    """Yearly cycle; every class carries it."""

    amplitude_mm: float = 1.1
    amplitude_log_spread: float = 0.5
    """Scale of the half-normal and its spread from file to file [QA: tile 90th percentiles 0.7-6.2 mm]."""
    strong_probability: float = 0.04
    strong_amplitude_mm: Range = (4.0, 25.0)
    """Bridges and tall buildings; log-uniform [seen; design: a cycle of any size is Stable]."""
    half_year_share: Range = (0.0, 0.3)
    year_to_year: float = 0.35
    """Relative change of the sine and of the cosine from year to year, so of amplitude and shape [seen]."""


@dataclass(frozen=True)
class MotionConfig:
    """The four motions."""

    stable_rate_mm_yr: float = STABLE_RATE_MM_YR
    linear_rate_stds: float = LINEAR_RATE_STDS
    """The line between Stable and Linear, drawn by the least-squares rate beside an annual cycle [design]."""
    linear_rate_mm_yr: Range = (STABLE_RATE_MM_YR, 60.0)
    """Log-uniform [design, ours]."""
    settle_rates: bool = True
    """Whether Stable and Linear series show a rate of their class, noise and all, as a reader would judge them;
    otherwise the rate of the motion alone has the class [design]."""
    slow_linear_probability: float = 0.45
    slow_linear_ratio: float = 3.0
    """Linear rows whose rate is at most this many times the least one: the hard ones, and the most frequent [seen]."""
    departure: Range = (CURVED_DEPARTURE, 12.0)
    slight_departure_ratio: float = 2.5
    slight_departure_probability: float = 0.55
    """RMS departure from the best line over the noise; log-uniform, for some rows within this many times the least one
    [design, seen]."""
    wander_share: float = 0.5
    """The noise that a curve must depart from is the scatter from epoch to epoch, but at least this share of the whole
    RMS, slow wander included. Curves that people read depart by a median of 1.1 times the scatter from epoch to epoch,
    and 0.6 times the whole [seen]."""
    departure_limit_mm: float = 30.0
    rate_change_limit_mm_yr: float = 85.0
    """Largest RMS departure, and change of rate over the span. Where the least departure would take more, the row
    gets less noise [ours]."""
    break_share: Range = BREAK_SHARE
    """Place of the break within the span [design]."""
    base_rate_mm_yr: Range = (-12.0, 12.0)
    """Rate under a curve or before a break, where it is neither start, stop nor reversal [ours]."""


@dataclass(frozen=True)
class UnwrappingConfig:
    """Phase unwrapping errors."""

    half_wavelength_mm: float = HALF_WAVELENGTH_MM
    physics_probability: float = 0.15
    """Rows that are wrapped and unwrapped about a line; the rest get lost integers on arcs [ours]."""
    wander_probability: float = 0.35
    wander_mm: Range = (7.0, 17.0)
    wander_edge_epochs: Range = (2.0, 18.0)
    wander_top_epochs: Range = (0.0, 12.0)
    wander_count: tuple[float, ...] = (0.5, 0.3, 0.2)
    wander_threshold: Range = (0.45, 0.9)
    """Rows whose phase wanders off for some epochs, once to three times, and is unwrapped to the other side beyond this
    share of the way; noise decides at the threshold, so that epochs there flicker [seen: most temporary errors of an
    EGMS L2b file]."""
    returning_probability: float = 0.2
    returning_epochs: Range = (3.0, 15.0)
    """Temporary jumps that return by degrees, with this time constant, or by the mirror image [seen]."""
    model_error_probability: float = 0.3
    """Of these, rows whose line has a wrong rate, by up to one cycle and a half over the span [ours]."""
    lasting_probability: float = 0.35
    """A third of the errors that people read last until the end [seen]."""
    event_count: tuple[float, ...] = (0.5, 0.25, 0.15, 0.1)
    """Shares of rows with one, two, three, four jumps [seen]."""
    duration_epochs: Range = (JUMP_HELD_EPOCHS, 60.0)
    """Of a temporary jump; log-uniform [seen]."""
    late_probability: float = 0.3
    clustered_probability: float = 0.2
    part_of_span: float = 0.3
    """Rows all of whose jumps are in the last part of the span, or in some part of it [seen]."""
    winter_probability: float = 0.4
    """Jumps whose begin is the most wintry of three draws [seen]."""
    two_cycles_probability: float = 0.05
    damped_probability: float = 0.75
    damped_mm: Range = (JUMP_MM, 28.0)
    damped_skew: float = 1.6
    """The producer's filtering leaves 10-28 mm of a cycle, most often less than half of it: a uniform draw to this
    power [design, seen]."""
    damped_over_noise: float = JUMP_SCATTERS
    """A damped jump is at least this many times the scatter around it [design]."""
    jump_over_noise: float = 5.5
    """Root of the summed squares of a row's errors over the scatter around them, at the least: three epochs at three
    times the scatter have 5.2 [design]."""
    smeared_probability: float = 0.35
    slowly_smeared_share: float = 0.3
    """Jumps that take two epochs, and of these those that take three [seen]."""
    flicker_probability: float = 0.25
    flicker_share: Range = (0.1, 0.5)
    """Rows some of whose wrong epochs come out right in between [seen: both levels at once for months]."""
    unsteady_probability: float = 0.35
    unsteady_share: Range = (0.05, 0.3)
    """Rows whose scatter grows while they are wrong, by this share of the jump [seen]."""
    spike_probability: float = 0.15
    """Rows that have a jump of one or two epochs besides [ours]."""
    projected_probability: float = 0.1
    los_up: Range = (0.70, 0.87)
    """Projected products: jumps divided by the vertical component of the line of sight [EGMS]."""
    min_visible_mm: float = JUMP_MM
    min_visible_epochs: int = JUMP_HELD_EPOCHS
    steady_mm: float = 1.0
    """A row is a clear case if at least one of its jumps is this large and its error stays the same, within
    ``steady_mm``, for this many epochs on both sides [design]."""


@dataclass(frozen=True)
class OtherConfig:
    """Motions that none of the five classes describes; sizes are peak to peak."""

    size_over_noise: Range = (4.0, 14.0)
    least_size_mm: float = 9.0
    """Log-uniform over the noise, as ``MotionConfig.wander_share`` takes it: what stands out [design, seen]."""
    break_share: Range = BREAK_SHARE
    edge_share: Range = (0.03, 0.12)
    """A late or early break lies so far from the end, as a share of the span [design]."""
    rise_share: Range = (0.12, 0.5)
    least_rise_days: float = 100.0
    """An S-shape or a transient takes so long to rise; a faster one would be a jump [design]."""
    decay_share: Range = (0.04, 0.3)
    """Time constant of the decay after an event, as a share of the span [ours]."""
    step_mm: Range = (SMALL_STEP_MM[0], SMALL_STEP_MM[1] - 1.5)
    step_scatters: float = 2.0
    """Small lasting steps; below this many times the scatter around them nobody sees one, and between 8.5 and 10 mm no
    two readers agree [design, seen]."""
    moving_probability: float = 0.35
    """Rows that have a constant rate besides [seen]."""


@dataclass(frozen=True)
class NuisanceConfig:
    """What looks like a jump or a trend and is none; every class carries it."""

    common_bad_epoch_probability: float = 0.005
    bad_epoch_probability: float = 0.002
    bad_epoch_sigma_mm: float = 6.0
    """Residual atmosphere: N(0, 6 mm) at one epoch [ours]."""
    outlier_probability: float = 0.12
    outlier_mm: Range = (10.0, 27.0)
    """Rows with one or two epochs far off, drawn twice [seen]."""
    ragged_probability: float = 0.1
    ragged_mm: Range = (9.0, 21.0)
    ragged_share: Range = (0.5, 1.0)
    ragged_over_noise: float = 5.5
    """Rows with two to four epochs in a row that are far off by differing amounts: short of half a wavelength and
    without a level of their own, so no cycle was lost. Three or more of them whose root of summed squares reaches this
    many times the scatter are a jump (``UnwrappingConfig.jump_over_noise``), so there are only two [seen]."""
    step_probability: float = 0.1
    step_mm: Range = (1.5, 5.5)
    """Rows with a sharp step that is too small for any class, lasting or for 3 to 40 epochs [design]."""
    excursion_probability: float = 0.12
    excursion_mm: Range = (3.0, 8.0)
    excursion_edge_epochs: Range = (6.0, 16.0)
    excursion_top_epochs: Range = (1.0, 30.0)
    """Rows that leave their level for some epochs, too slowly for a jump, by too little to be Other [seen]."""
    ramp_probability: float = 0.12
    ramp_mm: Range = (3.0, 8.0)
    ramp_days: Range = (60.0, 250.0)
    """Rows that rise slowly and return, by too little to be Other [design]."""
    join_probability: float = 0.12
    join_sigma_mm: Range = (1.0, 3.0)
    join_limit_mm: float = 5.5
    """Blocks joined of two releases: every row changes level at one date, often where the sampling changes. Larger ones
    are Other, and from 10 mm on they are read as unwrapping errors [seen]."""

    def none(self) -> NuisanceConfig:
        """Return the same with nothing odd at all."""
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
    """How a producer hands series over."""

    first_zero_probability: float = 0.5
    """Files whose first samples are set to zero; otherwise the fitted line is zero at the first date [EGMS]."""
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
    other: OtherConfig = field(default_factory=OtherConfig)
    nuisance: NuisanceConfig = field(default_factory=NuisanceConfig)
    delivery: DeliveryConfig = field(default_factory=DeliveryConfig)
    block: int = 512
    """Series that share a calendar, as the points of one file do."""
