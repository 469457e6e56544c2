"""The unit of displacement: what proves it, what contradicts it, and what is assumed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._input.layout import Layout, resolve_layout
from insar_runtime._input.matrix import to_matrix
from insar_runtime._input.opening import open_source
from insar_runtime._input.slopes import slopes
from insar_runtime._input.table import TableDescription
from insar_runtime._input.units.series_units import Unit, Units, prove_units
from insar_runtime._pipeline.notes import notes_on
from insar_runtime._pipeline.prepare import open_described
from insar_runtime.errors import DataError, UsageError
from tests.runtime.tables import series, wide, write

EPOCHS = 60
PER_MM: dict[Unit, float] = {"mm": 1.0, "cm": 0.1, "m": 0.001, "rad": 4 * math.pi / 55.466}


def layout_of(prefix: str = "", *attributes: str, suffix: str = "") -> Layout:
    days = np.datetime64("2015-01-01") + 12 * np.arange(EPOCHS)
    names = [*attributes, *(f"{prefix}{str(day).replace('-', '')}{suffix}" for day in days)]
    return resolve_layout(pa.schema([(name, pa.float64()) for name in names]))


def scene(rows: int = 400, *, noise: float = 3.0, seed: int = 1) -> tuple[npt.NDArray[np.float32], Any]:
    """Series in mm with the velocities that a producer would print beside them."""
    rng = np.random.default_rng(seed)
    velocity = np.round(rng.normal(0, 8, rows), 1)
    years = 12 * np.arange(EPOCHS) / 365.25
    level = rng.normal(0, 20, (rows, 1))  # series need not begin at 0
    series = level + velocity[:, None] * years + rng.normal(0, noise, (rows, EPOCHS))
    return series.astype(np.float32), velocity


def understand_file(path: Path) -> TableDescription:
    with open_described(path) as table:
        return table.description


def prove_file(path: Path, declared: Unit | None = None) -> Units:
    with open_source(path) as source:
        head = next(source.batches(), None)
        layout = resolve_layout(source.schema, head)
        if head is None:
            return prove_units(np.empty((0, len(layout.dates)), np.float32), layout, declared=declared)
        velocity = head[layout.velocity].to_numpy(zero_copy_only=False) if layout.velocity else None
        return prove_units(to_matrix(head, layout), layout, velocity, declared=declared)


@pytest.mark.parametrize("unit", ["mm", "cm", "m", "rad"])
@pytest.mark.parametrize("sign", [1, -1])
def test_velocities_prove_unit_and_sign(unit: Unit, sign: int) -> None:
    series, velocity = scene()
    series[::3, ::2] = np.nan
    series[5] = np.nan
    velocity[7] = np.nan
    units = prove_units(sign * series * np.float32(PER_MM[unit]), layout_of("", "VEL"), velocity)
    assert (units.unit, units.evidence) == (unit, "velocity")
    assert units.sign == ("as_velocity" if sign > 0 else "opposite_to_velocity")
    assert units.ratio == pytest.approx(sign * PER_MM[unit], rel=0.05)
    assert units.factor_to_mm == pytest.approx(1 / PER_MM[unit], rel=1e-4)
    assert units.note is None


def test_radian_follows_the_wavelength() -> None:
    series, velocity = scene()
    phase = series * np.float32(2 * math.pi / 15.5)  # X band
    units = prove_units(phase, layout_of("", "VEL"), velocity, half_wavelength_mm=15.5)
    assert units.unit == "rad"
    assert units.factor_to_mm == pytest.approx(15.5 / 2 / math.pi)
    with pytest.raises(DataError, match="--units"):
        prove_units(phase, layout_of("", "VEL"), velocity)


def test_a_ratio_of_no_unit_is_refused() -> None:
    series, velocity = scene()
    for factor in (25.4, 0.02, 0.5):
        with pytest.raises(DataError, match="ratio of no one unit: declare it with --units"):
            prove_units(series * np.float32(factor), layout_of("", "VEL"), velocity)


def test_velocities_that_do_not_belong_to_the_series_prove_nothing() -> None:
    series, velocity = scene()
    units = prove_units(series, layout_of("", "VEL"), velocity[::-1].copy())
    assert (units.evidence, units.sign, units.ratio) == ("assumed", "unknown", None)


@pytest.mark.parametrize(("rows", "evidence"), [(2, "assumed"), (8, "velocity"), (40, "velocity")])
def test_two_moving_points_prove_nothing(rows: int, evidence: str) -> None:
    series, velocity = scene(rows)
    assert prove_units(series, layout_of("", "VEL"), velocity).evidence == evidence


def test_slow_points_and_short_series_are_left_out() -> None:
    series, velocity = scene()
    velocity[:] = 0.5
    assert prove_units(series, layout_of("", "VEL"), velocity).evidence == "assumed"
    for epochs, evidence in ((9, "assumed"), (10, "velocity")):
        series, velocity = scene(noise=0.5)
        series[:, epochs:] = np.nan
        assert prove_units(series, layout_of("", "VEL"), velocity).evidence == evidence


@pytest.mark.parametrize(("unit", "noise"), [("mm", 3.0), ("cm", 3.0), ("m", 3.0), ("rad", 1.0)])
def test_a_slow_area_proves_its_unit_by_velocities_of_the_same_noise(unit: Unit, noise: float) -> None:
    rng = np.random.default_rng(4)
    layout = layout_of("", "VEL")
    series = rng.normal(0, noise, (300, EPOCHS)) + rng.normal(0, 0.3, (300, 1)) * layout.days / 365.25
    fitted = np.polynomial.polynomial.polyfit(layout.days / 365.25, series.T, 1)[1]
    velocity = np.round(fitted, 1)
    velocity[np.abs(velocity) >= 1] = np.nan
    units = prove_units((series * PER_MM[unit]).astype(np.float32), layout, velocity)
    assert (units.unit, units.evidence, units.sign) == (unit, "velocity", "as_velocity")


@pytest.mark.parametrize("rows", [3, 9, 400])
def test_weak_evidence_is_no_reason_to_refuse(rows: int) -> None:
    """Velocities of another reference, or few of them, that agree on the ratio of no unit."""
    layout = layout_of("D", "CODE", "VEL")
    velocity = np.linspace(0.3, 0.9, rows) if rows == 400 else np.linspace(3, 9, rows)
    series = np.random.default_rng(5).normal(0, 1, (rows, EPOCHS)) + 4 * velocity[:, None] * layout.days / 365.25
    assert prove_units(series.astype(np.float32), layout, velocity).evidence == "format"


def test_scaled_integers_are_told_from_units() -> None:
    series, velocity = scene()
    with pytest.raises(DataError, match=r"whole numbers of 0.1 mm\? then divide them by 10"):
        prove_units(np.round(series * 10), layout_of("", "VEL"), velocity)


def test_centimetres_that_go_with_velocities_in_centimetres_are_doubted() -> None:
    series, velocity = scene(noise=2.0)
    units = prove_units(series / np.float32(30), layout_of("", "VEL"), velocity / 30)
    assert units.unit == "mm"
    assert units.quiet_range_mm is not None
    assert 0 < units.quiet_range_mm < 5
    assert prove_units(series, layout_of("", "VEL"), velocity).quiet_range_mm is None
    declared = prove_units(series / np.float32(30), layout_of("", "VEL"), velocity / 30, declared="mm")
    assert declared.quiet_range_mm is None


@pytest.mark.parametrize("filler", [-9999, -999, 999, -32768])
@pytest.mark.parametrize("share", [0.2, 0.001])
def test_fillers_are_told_whether_they_hide_the_unit_or_not(tmp_path: Path, filler: int, share: float) -> None:
    displacement, dates = series(300)
    rng = np.random.default_rng(0)
    where = np.zeros(displacement.shape, bool)
    if share > 0.1:
        where[:, : int(share * len(dates))] = True  # all rows, so that all slopes are wrong
    else:
        where[rng.random(displacement.shape) < share] = True
    moving = displacement + rng.uniform(20, 30, (300, 1)) * np.arange(len(dates)) / 40
    velocity = slopes(moving, (dates - dates[0]).astype(float), least_epochs=10)
    moving[where] = filler
    path = write(wide(moving, dates, mean_velocity=velocity), tmp_path / "a.parquet")
    told = rf"the value {filler} occurs {where.sum()} times in the first 300 rows: .*write those cells empty"
    if share > 0.1:
        with pytest.raises(DataError, match=told):
            understand_file(path)
    else:
        assert any(re.match(told, note) for note in notes_on(understand_file(path)))


def test_large_samples_are_thinned_over_all_rows() -> None:
    series, velocity = scene(3000)
    series[:1500] = np.nan
    assert prove_units(series, layout_of("", "VEL"), velocity).evidence == "velocity"


def test_declared_wins_and_contradiction_is_noted() -> None:
    series, velocity = scene()
    agreed = prove_units(series, layout_of("", "VEL"), velocity, declared="mm")
    assert (agreed.evidence, agreed.sign, agreed.note) == ("declared", "as_velocity", None)
    odd = prove_units(series, layout_of("", "VEL"), velocity, declared="cm")
    assert (odd.unit, odd.factor_to_mm) == ("cm", 10.0)
    assert odd.note is not None
    assert "declared cm" in odd.note
    amplitude = np.full((5, EPOCHS), 7.0, np.float32)
    assert prove_units(amplitude, layout_of(), declared="mm").evidence == "declared"


@pytest.mark.parametrize(
    ("prefix", "attributes", "evidence"),
    [
        ("", ("pid", "latitude"), "format"),
        ("", ("pid", "easting", "northing"), "format"),
        ("D", ("CODE",), "format"),
        ("d", ("code",), "format"),
        ("D_", (), "format"),
        ("d_", ("name",), "assumed"),
        ("", ("name",), "assumed"),
    ],
)
def test_format_or_assumption(prefix: str, attributes: tuple[str, ...], evidence: str) -> None:
    units = prove_units(scene()[0], layout_of(prefix, *attributes))
    assert (units.unit, units.factor_to_mm, units.evidence) == ("mm", 1.0, evidence)
    assert (units.note is None) == (evidence == "format")


def test_name_of_a_list_column_tells_millimetres() -> None:
    schema = pa.schema([("displacement_mm", pa.list_(pa.float32()))], metadata={"dates": '["2015-01-01"]'})
    layout = resolve_layout(schema)
    assert prove_units(np.zeros((3, 1), np.float32), layout).evidence == "format"


def test_stmtools_states_no_unit() -> None:
    series, _ = scene()
    layout = layout_of("d_", "pnt_id", "pnt_lat")
    with pytest.raises(DataError, match=r"like metres.*--units m$"):
        prove_units(series / np.float32(1000), layout)
    with pytest.raises(DataError, match=r"like millimetres.*--units mm$"):
        prove_units(series, layout)
    assert prove_units(series / np.float32(1000), layout, declared="m").factor_to_mm == 1000


def test_one_broken_row_takes_no_proof_away() -> None:
    rng = np.random.default_rng(1)
    layout = layout_of("D", "CODE", "VEL")
    velocity = rng.normal(0, 8, 300)
    series = (velocity[:, None] * layout.days / 365.25 + rng.normal(0, 2, (300, EPOCHS))) / 10
    series[7, 3] = -9999
    series[20, 30:] += 280
    found = prove_units(series.astype(np.float32), layout, velocity)
    assert (found.unit, found.evidence) == ("cm", "velocity")


def test_velocities_that_prove_nothing_are_told() -> None:
    rng = np.random.default_rng(2)
    layout = layout_of("D", "CODE", "VEL")
    series = rng.normal(0, 4, (300, EPOCHS)).astype(np.float32)
    found = prove_units(series, layout, rng.normal(0, 8, 300))
    assert found.evidence == "format"
    assert found.note is not None
    assert "do not agree with 'VEL'" in found.note


def test_implausible_steps() -> None:
    series, _ = scene()
    layout = layout_of("", "pid")
    with pytest.raises(DataError, match=r"looks like metres.*--units m"):
        prove_units(series / np.float32(1000), layout)
    with pytest.raises(DataError, match="more than a wavelength"):
        prove_units(series * np.float32(100), layout)
    still = np.random.default_rng(0).normal(0, 0.22, (100, EPOCHS)).astype(np.float32)
    with pytest.raises(DataError, match=r"centimetres.*--units cm"):
        prove_units(still, layout)
    assert prove_units(still, layout, declared="mm").unit == "mm"
    clean = np.outer(np.linspace(-20, 20, 50), np.linspace(0, 1, EPOCHS)).astype(np.float32)
    assert prove_units(clean, layout).unit == "mm"
    assert prove_units(np.zeros_like(clean), layout).unit == "mm"


def test_amplitudes_are_refused_and_displacements_are_not() -> None:
    rng = np.random.default_rng(3)
    amplitude = rng.rayleigh(20, (300, EPOCHS)).astype(np.float32) + 20
    amplitude[::2, :5] = np.nan
    with pytest.raises(DataError, match=r"looks like amplitude.*--units mm"):
        prove_units(amplitude, layout_of("D", "CODE"))
    rising = np.abs(rng.normal(0, 2, (300, EPOCHS))) + 10 * np.arange(EPOCHS) / 30 + 0.01
    assert prove_units(rising.astype(np.float32), layout_of("D", "CODE")).evidence == "format"


@pytest.mark.parametrize("shape", [(0, EPOCHS), (4, EPOCHS)])
@pytest.mark.parametrize("prefix", ["", "d_"])
def test_nothing_to_look_at(shape: tuple[int, int], prefix: str) -> None:
    units = prove_units(np.full(shape, np.nan, np.float32), layout_of(prefix, "pnt_id", "vel"), np.ones(shape[0]))
    assert (units.unit, units.evidence) == ("mm", "assumed")


def test_infinite_values_do_not_disturb() -> None:
    series, velocity = scene()
    series[::4, 3] = np.inf
    assert prove_units(series, layout_of("", "VEL"), velocity).unit == "mm"


@pytest.mark.parametrize(
    "arguments",
    [
        {"declared": "inch"},
        {"half_wavelength_mm": 0.0},
        {"half_wavelength_mm": math.nan},
        {"velocity_sample": np.ones(3)},
        {"matrix_sample": np.ones((5, 2), np.float32)},
    ],
)
def test_arguments_that_do_not_fit(arguments: dict[str, Any]) -> None:
    given = {"matrix_sample": scene()[0], "layout": layout_of(), **arguments}
    with pytest.raises(UsageError):
        prove_units(**given)


@pytest.mark.parametrize(
    ("name", "evidence"),
    [
        ("egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv", "velocity"),
        ("egms_l3_ustica/EGMS_L3_E45N17_100km_U_2020_2024_1.csv", "velocity"),
        ("egms_l2_carpathians/102_100.csv", "velocity"),  # hardly a point moves there
        ("egms_l2_wroclaw/124_0770_IW3_VV.csv", "format"),
        ("egms_l2_wroclaw/022_0771_IW1_VV.csv", "format"),
    ],
)
def test_real_files_are_millimetres(real: Callable[[str], Path], name: str, evidence: str) -> None:
    units = prove_file(real(name))
    assert (units.unit, units.evidence, units.note) == ("mm", evidence, None)
    if evidence == "velocity":
        assert units.ratio == pytest.approx(1, abs=0.05)


def test_real_depsi_file_asks_for_its_unit(real: Callable[[str], Path]) -> None:
    path = real("depsi_amsterdam/example.csv")
    with pytest.raises(DataError, match=r"metres.*--units m$"):
        prove_file(path)
    assert prove_file(path, declared="m").factor_to_mm == 1000


@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.floats(0, 0.9))
def test_slopes_are_those_of_a_line_through_the_valid_epochs(seed: int, epochs: int, missing: float) -> None:
    rng = np.random.default_rng(seed)
    days = np.cumsum(rng.integers(1, 60, epochs)).astype(np.float32)
    sample = rng.normal(0, 20, (5, epochs)).astype(np.float32)
    sample[rng.random(sample.shape) < missing] = np.nan
    found = slopes(sample, days, least_epochs=2)
    for row, slope in zip(sample.astype(np.float64), found, strict=True):
        valid = ~np.isnan(row)
        if np.count_nonzero(valid) < 2:
            assert np.isnan(slope)
        else:
            years, values = days[valid].astype(np.float64) / 365.25, row[valid]
            # A slope near zero is a difference of larger terms, whose rounding it carries, as that of late years.
            rounding = np.finfo(np.float64).eps * np.abs(values).max() * years.max() / np.ptp(years) ** 2
            assert slope == pytest.approx(np.polyfit(years, values, 1)[0], rel=0, abs=100 * rounding)
    assert np.isnan(slopes(sample, days, least_epochs=epochs + 1)).all()


@pytest.mark.parametrize(("factor", "told"), [(1.0, False), (0.1, True)])
def test_series_that_vary_as_little_as_centimetres_do_are_told(factor: float, told: bool) -> None:
    layout = layout_of("D")
    rng = np.random.default_rng(0)
    sample = (rng.normal(0, 4, (50, EPOCHS)) * factor).astype(np.float32)
    units = prove_units(sample, layout)
    assert units.unit == "mm"
    assert (units.quiet_range_mm is not None) == told
    assert prove_units(sample, layout, declared="mm").quiet_range_mm is None
