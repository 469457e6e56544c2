"""Rates against those that EGMS wrote into its own files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation.diagnosis.rates_proof import FILES, compare, prove_rates
from tests.conftest import REAL, ROOT

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="real files not present: shared/data/real")


@pytest.mark.parametrize("name", FILES)
def test_rates_are_those_that_egms_wrote(name: str) -> None:
    agreements = compare(REAL / name)
    if "velocity_less_plane" in agreements:
        # As if the rounded velocity of GNSS (one decimal) were in the column, and the exact one in the series.
        assert abs(agreements["velocity"].mean_difference) <= 0.05
        assert agreements["velocity"].largest_difference <= 0.1
        del agreements["velocity"]
    assert len(agreements) == 7
    for key, agreement in agreements.items():
        assert agreement.hair < agreement.unit_of_last_digit, key
        assert agreement.equal >= 99, key


def test_the_record_is_what_the_files_give(tmp_path: Path) -> None:
    prove_rates(REAL, tmp_path, announce=lambda _: None)
    committed, found = (
        {
            (file, name): one["equal"]
            for file, columns in json.loads(path.read_text("utf-8")).items()
            for name, one in columns.items()
        }
        for path in (ROOT / "artifacts" / "diagnosis" / "rates.json", tmp_path / "rates.json")
    )
    # A difference at the very edge may fall on either side on another machine.
    assert found == pytest.approx(committed, abs=1.0)
