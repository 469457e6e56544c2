"""Words of findings: counts with their verbs."""

from __future__ import annotations

from insar_runtime._findings.wording import counted, noun, of_rows


def test_a_single_row_has_its_verb() -> None:
    assert of_rows(1, 1410, "have", "has") == "1 of 1,410 examined rows has"
    assert of_rows(2, 1410, "have", "has") == "2 of 1,410 examined rows have"


def test_a_single_thing_has_its_noun() -> None:
    assert (counted(1, "row"), counted(0, "row"), counted(1410, "row")) == ("1 row", "0 rows", "1,410 rows")
    assert (noun(1, "point"), noun(2, "point")) == ("point", "points")
