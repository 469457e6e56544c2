"""What ``insar-rt doctor`` finds where int8 is wrong on a processor."""

from __future__ import annotations

import pytest

from insar_runtime._engine import session
from insar_runtime._engine.proof import Proof
from insar_runtime._installation.doctor import examine
from insar_runtime.models import Model


def test_int8_that_is_refuted_is_stated_and_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    def refute(*arguments: object) -> Proof:
        del arguments
        return Proof("refuted", 0.5, 0.01)

    monkeypatch.setattr(session, "prove", refute)
    facts, trouble = examine()
    states = {name: state for name, state in facts["models"].items() if name.endswith("int8")}
    assert states
    assert all("computes wrongly here" in state for state in states.values())
    assert all(state == "works" for name, state in facts["models"].items() if name.endswith("fp32"))
    assert trouble is None


def test_a_model_that_runs_in_no_precision_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_fp32(self: Model) -> tuple[str, ...]:
        del self
        return ("int8",)

    monkeypatch.setattr(Model, "precisions", property(without_fp32))
    monkeypatch.setattr(session, "prove", lambda *_: Proof("refuted", 0.5, 0.01))
    assert examine()[1] is not None
