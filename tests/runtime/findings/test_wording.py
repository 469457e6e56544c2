"""Words of findings: counts with their verbs."""

from __future__ import annotations

from insar_runtime._findings.wording import of_rows


def test_a_single_row_has_its_verb() -> None:
    assert of_rows(1, 1410, "have", "has") == "1 of 1,410 examined rows has"
    assert of_rows(2, 1410, "have", "has") == "2 of 1,410 examined rows have"
