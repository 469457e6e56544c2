"""Half the wavelength that jumps are multiples of: what proves it, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime import UsageError
from insar_runtime._input.producers import PRODUCERS, Producer
from insar_runtime._input.units.sensors import SENTINEL1_MM, half_wavelength_of
from insar_runtime._input.units.wavelength import find_wavelength
from insar_runtime._pipeline.prepare import open_described

EGMS_L2 = next(producer for producer in PRODUCERS if producer.name == "EGMS L2")
EGMS_L3 = next(producer for producer in PRODUCERS if producer.name == "EGMS L3")


def axis(first: str, *steps: int) -> np.ndarray:
    return np.datetime64(first) + np.cumsum([0, *steps])


@pytest.mark.parametrize(
    ("dates", "known"),
    [
        pytest.param(axis("2016-01-03", *[12] * 40), True, id="one satellite, before NISAR"),
        pytest.param(axis("2016-01-03", *[6, 12, 18] * 10), True, id="two satellites and gaps"),
        pytest.param(axis("2026-01-03", *[6, 12, 12] * 10), True, id="two satellites, later"),
        pytest.param(axis("2026-01-03", *[12] * 40), False, id="every 12 days, as NISAR"),
        pytest.param(axis("2016-01-03", *[24] * 40), False, id="every 24 days: COSMO-SkyMed's 8 fits too"),
        pytest.param(axis("2016-01-03", *[6, 7, 5, 6, 13, 11, 12] * 5), True, id="around midnight"),
        pytest.param(axis("2016-01-03", *[7] * 40), False, id="weeks"),
        pytest.param(axis("2014-01-03", *[12] * 40), False, id="before Sentinel-1"),
        pytest.param(axis("2016-01-03", *[11, 22] * 20), False, id="TerraSAR-X"),
        pytest.param(axis("2016-01-03", *[66] * 20), False, id="TerraSAR-X, every sixth"),
        pytest.param(axis("2016-01-03", *[16, 8] * 20), False, id="COSMO-SkyMed"),
        pytest.param(axis("2016-01-03", *[14, 42] * 20), False, id="ALOS-2"),
        pytest.param(axis("2016-01-03", *[42] * 20), False, id="ALOS-2, every third"),
        pytest.param(axis("2016-01-03", *[12] * 5), False, id="few dates"),
        pytest.param(np.empty(0, "datetime64[D]"), False, id="no date"),
    ],
)
def test_dates(dates: np.ndarray, known: bool) -> None:
    found = find_wavelength(dates)
    assert (found.half_mm, found.evidence) == ((SENTINEL1_MM, "dates") if known else (None, "unknown"))
    assert (found.note is None) == known
    assert known or "--sensor" in str(found.note)


@given(st.lists(st.integers(1, 5), min_size=9, max_size=80), st.integers(0, 4000))
def test_any_subset_of_the_passes_of_sentinel1_is_never_denied_by_its_cycle(steps: list[int], begin: int) -> None:
    dates = axis("2014-10-03", *(6 * step for step in steps)) + begin
    found = find_wavelength(dates, EGMS_L2)
    assert found.evidence == "producer"
    if find_wavelength(dates).half_mm is not None:
        # One date off the cycle is enough to know nothing.
        spoiled = dates.copy()
        spoiled[-1] += 3
        assert find_wavelength(spoiled, EGMS_L2).half_mm is None


def test_what_the_user_says_wins_but_where_series_are_projected() -> None:
    dates = axis("2016-01-03", *[11] * 40)
    assert find_wavelength(dates, None, 15.5).half_mm == 15.5
    assert find_wavelength(dates, EGMS_L2, 15.5).evidence == "declared"
    for projected in (EGMS_L3, replace(EGMS_L3, domain="vertical")):
        found = find_wavelength(axis("2016-01-03", *[6] * 40), projected, 27.7)
        assert (found.half_mm, found.evidence) == (None, "projected")
        assert "projected" in str(found.note)
    with pytest.raises(UsageError, match="positive"):
        find_wavelength(dates, None, -1.0)


def test_a_producer_of_several_radars_proves_none() -> None:
    sarproz = next(producer for producer in PRODUCERS if producer.name == "SARPROZ")
    assert find_wavelength(axis("2016-01-03", *[11] * 40), sarproz).half_mm is None
    assert isinstance(sarproz, Producer)


def test_real_files(real: Callable[[str], Path]) -> None:
    wanted = {
        "egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv": "producer",
        "egms_l3_ustica/EGMS_L3_E45N17_100km_U_2020_2024_1.csv": "projected",
        "egms_l2_carpathians/102_100.csv": "producer",
        "egms_l2_wroclaw/124_0770_IW3_VV.csv": "producer",
        "stamps_maoxian/Maoxian_PS.csv": "dates",
    }
    for name, evidence in wanted.items():
        with open_described(real(name)) as table:
            layout = table.description.layout
        found = find_wavelength(layout.dates, layout.made_by)
        assert found.evidence == evidence, name
        assert found.half_mm == (None if evidence == "projected" else half_wavelength_of("s1"))
