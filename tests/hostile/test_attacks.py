"""A small run of every attack on the real command: no outcome that must not be."""

from __future__ import annotations

import sys

import pytest

from tests.hostile.ci_seeds import CI_CASES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the harness needs fork, /proc and limits of Linux")
if sys.platform == "linux":
    from hostile.attacks import ATTACKS, run_attack
    from hostile.results import GOOD


@pytest.mark.parametrize("name", sorted(CI_CASES))
def test_no_bad_outcome(name: str) -> None:
    seed, count = CI_CASES[name]
    results = run_attack(name, range(count), seed)
    assert [result.number for result in results] == list(range(count))
    assert not [result for result in results if result.is_bad]
    # An attack whose cases all end in one way tries nothing.
    assert all(result.outcome in GOOD for result in results)


def test_every_attack_is_tried() -> None:
    assert set(CI_CASES) == set(ATTACKS)
