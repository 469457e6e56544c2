"""Contradictions between class, rate, break and jumps: counted by hand, and in real files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation.consistency.contradictions import CONTRADICTIONS, of
from evaluation.consistency.examined_file import ExaminedFile
from evaluation.consistency.run import run
from insar_runtime import Classifier
from insar_runtime.classes import TrendClass
from tests.conftest import REAL, ROOT
from tests.runtime.diagnoses import BENT, BOXED, DATES, EPOCHS, STEADY, STEPPED, moving
from training.real_files import REAL_FILES

FOLDER = ROOT / "artifacts" / "benchmark"


@pytest.fixture(scope="module")
def examined() -> ExaminedFile:
    """Rows that stay, that jump for good or for a while, and that break."""
    classifier = Classifier(device="cpu", threads=1)
    series = moving().astype(np.float32)
    result = classifier.classify(series, DATES)
    told, everywhere = (classifier.diagnose(series, DATES, result=result, jumps=jumps) for jumps in ("flagged", "all"))
    return ExaminedFile(classifier, series, DATES, told.half_wavelength_mm, result, told, everywhere)


def _called(examined: ExaminedFile, class_id: int) -> ExaminedFile:
    """Have all rows called one class, with the diagnosis that goes with it."""
    called = np.full(len(examined.result), class_id, dtype=np.int8)
    result = replace(examined.result, class_id=called, class_top=called)
    told = examined.classifier.diagnose(examined.displacement, DATES, result=result)
    return replace(examined, result=result, diagnosis=told)


def test_clear_rows_contradict_nothing(examined: ExaminedFile) -> None:
    counts = examined.counts()
    assert counts["rows"] == 60
    assert all(counts[kind.key] == 0 for kind in CONTRADICTIONS if kind.most is not None)
    assert counts[of("pue_without_jump")] == 30
    # All of them are repaired, and their motion is that of the corrected series.
    assert counts[of("stable_with_rate")] == 45


def test_a_wrong_class_contradicts_the_rest(examined: ExaminedFile) -> None:
    stable = _called(examined, TrendClass.STABLE).counts()
    # The temporary jumps are held for twenty epochs.
    assert stable["stable_with_jump"] == 30
    linear = _called(examined, TrendClass.LINEAR).counts()
    assert 15 <= linear["linear_without_rate"] <= 45
    pue = _called(examined, TrendClass.PUE).counts()
    assert pue["pue_without_jump"] >= 14
    assert pue[of("pue_without_jump")] == 60
    bilinear = _called(examined, TrendClass.BILINEAR).counts()
    assert bilinear["bilinear_with_one_rate"] == 0
    assert bilinear["bilinear_without_break"] >= 12


def test_a_stable_row_that_certainly_moves(examined: ExaminedFile) -> None:
    years = np.arange(EPOCHS) * 6 / 365.25
    series = np.random.default_rng(1).normal(0, 0.4, (60, EPOCHS)).astype(np.float32)
    series[:20] += (4 * years).astype(np.float32)
    series[20:40] += (2.2 * years).astype(np.float32)
    result = examined.classifier.classify(series, DATES)
    told = examined.classifier.diagnose(series, DATES, result=result)
    moving_rows = replace(examined, displacement=series, result=result, diagnosis=told, everywhere=told)
    assert _called(moving_rows, TrendClass.STABLE).counts()["stable_with_rate"] == 20
    assert _called(moving_rows, TrendClass.LINEAR).counts()["linear_without_rate"] == 20


def test_rates_are_those_without_jumps(examined: ExaminedFile) -> None:
    rate, std = examined.rates()
    assert np.abs(rate[STEADY]).max() < 2
    assert np.abs(rate[STEPPED]).max() < 2
    assert np.abs(rate[BOXED]).max() < 2
    assert (rate[BENT] > 5).all()
    assert (std > 0).all()


def test_lasting_jumps_are_held_for_more_than_three_epochs(examined: ExaminedFile) -> None:
    assert set(examined.sure_lasting()) >= set(range(STEPPED.start, STEPPED.stop))
    series = moving().astype(np.float32)
    series[STEPPED] = moving()[STEADY]
    series[:5, 60:63] += 40
    series[5:10, EPOCHS - 3 :] += 40
    series[10:15, 60:70] += 40
    series[10:13, 61:68] = np.nan
    diagnosis = examined.classifier.diagnose(series, DATES, jumps="all")
    assert set(diagnosis.jump_series) >= set(range(15))
    held = replace(examined, displacement=series, everywhere=diagnosis).sure_lasting()
    assert not np.isin(held, np.arange(13)).any()
    assert np.isin([13, 14], held).all()


def test_shares_are_held_against_what_is_wanted() -> None:
    kind = CONTRADICTIONS[0]
    assert kind.judged({kind.key: 4, of(kind.key): 100})["met"] is True
    assert kind.judged({kind.key: 5, of(kind.key): 100})["met"] is False
    assert kind.judged({kind.key: 0, of(kind.key): 0})["share"] == 0
    assert [kind.most for kind in CONTRADICTIONS[:5]] == [0.05, 0.001, 0.001, 0.001, 0.001]


@pytest.mark.skipif(not REAL.is_dir(), reason="real files not present: shared/data/real")
def test_the_record_of_real_files_holds_together(tmp_path: Path) -> None:
    numbers = run(tmp_path, real=REAL, files=REAL_FILES, announce=lambda line: None)
    assert json.loads((tmp_path / "consistency.json").read_text(encoding="utf-8")) == numbers
    text = (tmp_path / "consistency.md").read_text(encoding="utf-8")
    assert all(kind.words in text for kind in CONTRADICTIONS)
    assert "Copernicus" in text
    assert list(numbers["files"]) == [*(file.name for file in REAL_FILES), "all files"]
    whole = numbers["files"]["all files"]
    assert whole["rows"] == sum(numbers["files"][file.name]["rows"] for file in REAL_FILES)
    assert whole["pue_without_jump"] < 0.05 * whole[of("pue_without_jump")]
    read = numbers["labelled_rows"]
    # What readers call PUE has a jump, if only the classifier agrees.
    assert read["pue"] == 349
    assert read["pue_with_jump_if_called"] >= 0.93 * read["pue"]
    assert read["stable_with_sure_jump"] <= 0.02 * read["stable"]


def test_record_holds_together() -> None:
    numbers = json.loads((FOLDER / "consistency.json").read_text(encoding="utf-8"))
    assert list(numbers["files"]) == [*(file.name for file in REAL_FILES), "all files"]
    whole = numbers["files"]["all files"]
    assert [kind.judged(whole) for kind in CONTRADICTIONS] == numbers["contradictions"]
    assert numbers["contradictions"][0]["met"]
