"""What is said of a file: each doubt where there is reason for it, and none where there is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from insar_runtime import Finding, load_model
from insar_runtime._findings.run_findings import unclassed_rows
from insar_runtime._findings.sample_findings import examine_sample
from insar_runtime._findings.sentences import list_findings
from insar_runtime._findings.wording import counted, percent, size
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.table import TableDescription, describe_table
from insar_runtime._pipeline.prepare import open_described
from insar_runtime._pipeline.table_sample import sample_rows
from tests.conftest import ROOT
from tests.runtime.tables import wide

ROWS, EPOCHS = 200, 150
DATES = np.datetime64("2018-01-03") + 6 * np.arange(EPOCHS)
LIMITS = load_model().limits


def noise(scatter: float = 2.5, seed: int = 0, epochs: int = EPOCHS) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rate = rng.normal(0, 4, (ROWS, 1)) * np.arange(epochs) * 6 / 365.25
    return np.round(rng.normal(0, scatter, (ROWS, epochs)) + rate * scatter / 2.5, 2)


def described(series: np.ndarray, dates: np.ndarray, declared: str | None = None, **more: Any) -> TableDescription:
    table = wide(series, dates, **more).combine_chunks()
    return describe_table(table.schema, table.to_batches()[0], UserDeclarations(declared))  # type: ignore[arg-type]


def findings(
    series: np.ndarray, dates: np.ndarray = DATES, declared: str | None = None, **more: Any
) -> dict[str, Finding]:
    """What is found in a table with these series."""
    table = described(series, dates, declared, **more)
    sample = examine_sample(series.astype(np.float32), dates, None, factor_to_mm=table.units.factor_to_mm)
    found = list_findings(sample, len(series), table)
    assert all("\n" not in one.sentence and len(one.sentence) < 330 for one in found)
    assert len({one.code for one in found}) == len(found), "each of these tables has at most one of a kind"
    return {one.code: one for one in found}


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_said_of_good_series(seed: int) -> None:
    assert findings(noise(seed=seed)) == {}
    assert findings(noise(1.0, seed)) == {}


def _joined(series: np.ndarray) -> None:
    series[:40, :50] = np.nan
    series[40:70, 120:] = np.nan


def _block(series: np.ndarray) -> None:
    series[:40, 60:70] = np.nan


def _sparse(series: np.ndarray) -> None:
    series[:150, 60] = np.nan


def _empty(series: np.ndarray) -> None:
    series[:20] = np.nan


def _step_of_all(series: np.ndarray) -> None:
    series[:, 75:] += 8


def _step_of_some(series: np.ndarray) -> None:
    series[:60, 75:] += 9
    series[60:90, 75:] -= 9


def _common_epoch(series: np.ndarray) -> None:
    series[:, 75] += 9


def _noisy_epoch(series: np.ndarray) -> None:
    series[:, 75] += np.random.default_rng(9).normal(0, 15, ROWS)


def _zeros(series: np.ndarray) -> None:
    series[:20] = 0


def _constant(series: np.ndarray) -> None:
    series[:20] = 4.5


def _repeated(series: np.ndarray) -> None:
    series[:20] = series[20:40]


def _zeros_for_missing(series: np.ndarray) -> None:
    series[:30, :20] = 0


def _filler(series: np.ndarray) -> None:
    series[:5, 7] = -9999


def _infinite(series: np.ndarray) -> None:
    series[:5, 7] = np.inf


CHANGES: dict[str, tuple[Callable[[np.ndarray], None], float, str]] = {
    "joined_releases": (_joined, 0.35, r"20 % of the rows exist only after 2018-10-24, 15 % only before 2019-12-24"),
    "missing_block": (_block, 0.2, r"20 % of the rows miss the 10 epochs 2018-12-29 to 2019-02-21"),
    "sparse_epochs": (_sparse, 1, r"1 epoch is missing in most rows: 2018-12-29"),
    "empty_rows": (_empty, 0.1, r"20 of 200 examined rows have no value at all"),
    "zero_rows": (_zeros, 0.1, r"20 of 200 examined rows hold nothing but 0"),
    "constant_rows": (_constant, 0.1, r"20 of 200 examined rows hold one value that never changes"),
    "repeated_series": (_repeated, 0.1, r"20 of 200 examined rows repeat the series of an earlier row"),
    "flat_parts": (_zeros_for_missing, 0.15, r"15 % of the rows hold one value for six epochs .*, most of them 0:"),
    "filler": (_filler, -9999, r"the value -9999 occurs 5 times in the first 200 rows"),
    "infinite": (_infinite, 5, r"5 values are infinite"),
}


@pytest.mark.parametrize("code", CHANGES)
def test_what_is_changed_is_said(code: str) -> None:
    change, value, words = CHANGES[code]
    series = noise()
    change(series)
    found = findings(series)
    assert set(found) == {code}
    assert found[code].value == pytest.approx(value)
    assert re.search(words, found[code].sentence)


@pytest.mark.parametrize(
    ("code", "change", "value", "words"),
    [
        ("level_change", _step_of_all, 8, r"all rows change level by \+[78]\.\d mm between 2019-03-23 and 2019-03-29"),
        ("level_change", _step_of_some, 9, r"\d\d % of the rows change level .*PUE and Bilinear"),
        ("bad_epoch", _common_epoch, 9, r"\d+ % of the rows depart together at 2019-03-29, by \+\d.*reference"),
        (
            "noisy_epochs",
            _noisy_epoch,
            15,
            r"1 epoch scatters far more than those around: 2019-03-29 by 1\d mm",
        ),
    ],
)
def test_sizes_are_in_millimetres(code: str, change: Callable[[np.ndarray], None], value: float, words: str) -> None:
    series = noise()
    change(series)
    found = findings(series)
    assert set(found) == {code}
    assert found[code].value == pytest.approx(value, rel=0.2)
    assert re.search(words, found[code].sentence)
    # The same in centimetres, as the user says.
    again = findings(series / 10, declared="cm")
    assert set(again) == {code}
    assert again[code].value == pytest.approx(found[code].value, rel=1e-3)


def test_scattered_missing_values_and_steps_of_few_rows_are_no_finding() -> None:
    series = noise()
    series[np.random.default_rng(1).random(series.shape) < 0.1] = np.nan
    series[:4, 75:] += 9
    series[7, 30] = 0
    assert findings(series) == {}


def test_a_noisy_epoch_of_no_meaning_is_no_finding() -> None:
    """Rounding makes the scatter of very quiet series uneven: 0.1 mm against 0.0 mm."""
    series = noise(0.04)
    series[:, 75] *= 6
    assert "noisy_epochs" not in findings(series, declared="mm")
    series[:, 75] *= 20
    assert re.search(r"by \d+(\.\d)? mm against 0\.0\d+ mm", findings(series, declared="mm")["noisy_epochs"].sentence)


@pytest.mark.parametrize(("rounded", "told"), [(1, False), (2, False)])
def test_values_that_are_equal_by_rounding_are_no_fillers(rounded: int, *, told: bool) -> None:
    series = np.round(noise(0.15 if rounded == 1 else 1.0), rounded)
    assert ("flat_parts" in findings(series, declared="mm")) == told


class TestTimeAxis:
    @pytest.mark.parametrize(
        ("epochs", "words"), [(121, "the series span 24 months"), (45, "9 months"), (5, "the series span 1 month,")]
    )
    def test_a_short_span(self, epochs: int, words: str) -> None:
        found = findings(noise()[:, :epochs], DATES[:epochs], declared="mm")
        assert words in found["short_span"].sentence
        assert found["short_span"].value == pytest.approx((epochs - 1) * 6 / 365.25)

    def test_two_years_are_enough(self) -> None:
        assert findings(noise()[:, :123], DATES[:123]) == {}

    def test_a_long_gap(self) -> None:
        dates = DATES + np.where(np.arange(EPOCHS) >= 88, 80, 0)  # from June to September
        (found,) = findings(noise(), dates).values()
        assert (found.code, found.value) == ("long_gap", 86)
        assert "no epoch for 86 days, 2019-06-09 to 2019-09-03" in found.sentence
        assert findings(noise(), DATES + np.where(np.arange(EPOCHS) >= 88, 50, 0)) == {}

    def test_a_gap_in_winter_is_said_once(self) -> None:
        dates = DATES + np.where(np.arange(EPOCHS) >= 55, 80, 0)  # from November to February
        (found,) = findings(noise(), dates).values()
        assert (found.code, found.value) == ("winter_gaps", 86)
        assert "1 gap of more than 45 days in winter (86 days, 2018-11-23 to 2019-02-17)" in found.sentence

    def test_a_change_of_sampling_matters_if_the_scatter_changes(self) -> None:
        dates = np.datetime64("2018-01-03") + np.cumsum([6] * 75 + [12] * 75)
        series = noise()
        assert findings(series, dates) == {}
        series[:, 75:] += np.random.default_rng(1).normal(0, 3.1, (ROWS, 75))
        (found,) = findings(series, dates).values()
        assert found.code == "scatter_changes"
        assert found.value == pytest.approx(1.6, rel=0.1)
        assert re.search(r"6 to 12 days at 2019-0[34]-\d\d\): 2\.\d, then 4\.?\d? mm", found.sentence)


class TestUnit:
    """Series that scatter as no radar does are likely in another unit."""

    @pytest.mark.parametrize(("unit", "factor"), [("cm", 0.1), ("m", 0.001)])
    @pytest.mark.parametrize("scatter", [1.0, 2.0, 2.5])
    def test_other_units_in_the_names_of_millimetres(self, unit: str, factor: float, scatter: float) -> None:
        series = np.round(noise(scatter) * factor, 5)
        series += np.arange(EPOCHS) * np.linspace(-0.1, 0.1, ROWS)[:, None]  # otherwise refused
        found = findings(series, easting=np.arange(ROWS), mean_velocity=np.full(ROWS, np.nan))["unit_doubt"]
        assert f"use --units {unit}; --units mm settles it" in found.sentence
        assert found.value == pytest.approx(1.1 * scatter * factor, rel=0.2)

    def test_centimetres_that_velocities_in_millimetres_prove(self) -> None:
        series = noise() / 10
        velocity = np.polyfit((DATES - DATES[0]).astype(float) / 365.25, series.T, 1)[0]
        assert described(series, DATES, mean_velocity=10 * velocity).units.unit == "cm"
        assert findings(series, mean_velocity=10 * velocity) == {}

    def test_both_in_centimetres(self) -> None:
        series = noise() * 0.1 + np.linspace(-9, 9, ROWS)[:, None] * np.arange(EPOCHS) * 6 / 3652.5
        velocity = np.polyfit((DATES - DATES[0]).astype(float) / 365.25, series.T, 1)[0]
        assert described(series, DATES, mean_velocity=velocity).units.evidence == "velocity"
        found = findings(series, mean_velocity=velocity)
        assert "are the values centimetres, and 'mean_velocity' in cm a year? Then use --units cm" in (
            found["unit_doubt"].sentence
        )
        for unit in ("mm", "cm"):
            assert "unit_doubt" not in findings(series, declared=unit, mean_velocity=velocity)

    def test_values_that_are_too_large(self) -> None:
        series = noise(60)
        velocity = np.polyfit((DATES - DATES[0]).astype(float) / 365.25, series.T, 1)[0]
        found = findings(series, mean_velocity=velocity)["unit_doubt"]
        assert re.search(r"scatter by a median of 6\d mm .*, 2\d times more than usual: check the unit", found.sentence)
        assert "unit_doubt" not in findings(series, declared="mm", mean_velocity=velocity)

    @pytest.mark.parametrize("scatter", [0.6, 1.0, 2.5, 8.0, 20.0])
    def test_quiet_and_loud_series_in_millimetres(self, scatter: float) -> None:
        """From corner reflectors and means of cells to vegetated slopes."""
        for seed in range(5):
            assert "unit_doubt" not in findings(noise(scatter, seed))

    def test_series_without_scatter_prove_nothing(self) -> None:
        lines = np.linspace(-30, 30, ROWS)[:, None] * np.arange(EPOCHS) / EPOCHS
        assert "unit_doubt" not in findings(lines)


class TestUnclassed:
    def test_half_of_the_rows(self) -> None:
        found = unclassed_rows(100, {"ok": 40, "abstained": 12, "gap_too_long": 48}, LIMITS)
        assert found is not None
        assert (found.code, found.value) == ("unclassed", 0.6)
        assert found.sentence.startswith(
            "60 % of the rows have no class, most of them (48 %) with status gap_too_long: they have a gap"
        )

    @pytest.mark.parametrize("reason", ["abstained", "too_few_epochs", "gap_too_long", "non_finite", "out_of_domain"])
    def test_each_reason_has_its_remedy(self, reason: str) -> None:
        found = unclassed_rows(100, {reason: 100}, LIMITS)
        assert found is not None
        assert found.sentence.startswith(
            f"100 % of the rows have no class, most of them (100 %) with status {reason}: "
        )

    @pytest.mark.parametrize(("rows", "ok"), [(100, 51), (9, 0), (0, 0)])
    def test_less_than_half_or_few_rows(self, rows: int, ok: int) -> None:
        assert unclassed_rows(rows, {"ok": ok, "abstained": rows - ok}, LIMITS) is None


@pytest.mark.parametrize(
    ("name", "units", "codes"),
    [
        ("egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv", None, set()),
        ("egms_l3_ustica/EGMS_L3_E45N17_100km_U_2020_2024_1.csv", None, set()),
        ("egms_l2_carpathians/102_100.csv", None, {"noisy_epochs"}),
        ("egms_l2_wroclaw/124_0770_IW3_VV.csv", None, {"joined_releases", "level_change"}),
        ("egms_l2_wroclaw/022_0771_IW1_VV.csv", None, set()),
        ("stamps_maoxian/Maoxian_PS.csv", None, set()),
        ("depsi_amsterdam/example.csv", "m", {"short_span"}),
    ],
)
def test_real_files(real: Callable[[str], Path], name: str, units: str | None, codes: set[str]) -> None:
    with open_described(real(name), UserDeclarations(units)) as table:  # type: ignore[arg-type]
        series = sample_rows(table, 0.0).series
        factor = table.description.units.factor_to_mm
        sample = examine_sample(series, table.description.layout.dates, None, factor_to_mm=factor)
        found = {one.code for one in list_findings(sample, len(series), table.description)}
    assert found == codes


@pytest.mark.parametrize("name", ["both_cm.parquet", "egms_cm.parquet"])
def test_files_in_centimetres(name: str) -> None:
    path = ROOT.parent / "shared" / "data" / "hostile" / name
    if not path.is_file():
        pytest.skip("hostile files not present: shared/data/hostile")
    table = pq.read_table(path).combine_chunks()
    for units, told in ((None, True), ("cm", False), ("mm", False)):
        table_described = describe_table(table.schema, table.to_batches()[0], UserDeclarations(units))  # type: ignore[arg-type]
        layout = table_described.layout
        series = np.stack([table[column].to_numpy() for column in layout.columns], axis=1).astype(np.float32)
        factor = table_described.units.factor_to_mm
        sample = examine_sample(series, layout.dates, None, factor_to_mm=factor)
        found = {one.code: one.sentence for one in list_findings(sample, len(series), table_described)}
        assert ("unit_doubt" in found) == told
        if told:
            assert "use --units cm" in found["unit_doubt"]


def test_words() -> None:
    assert [percent(share) for share in (0, 0.0001, 0.034, 0.25, 0.999, 1)] == [
        "0 %", "0.1 %", "3.4 %", "25 %", "99 %", "100 %",
    ]  # fmt: skip
    assert [size(value) for value in (0.04321, -3.04, 2.0, 14.9, 1234)] == ["0.043", "3", "2", "15", "1200"]
    assert [counted(1, "epoch"), counted(2, "epoch"), counted(1200, "row")] == ["1 epoch", "2 epochs", "1,200 rows"]
