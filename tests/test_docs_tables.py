"""Tables of the pages are those that ``docs/tables.py`` makes from the committed records."""

from __future__ import annotations

import pytest

from docs.tables import TABLES, with_table
from tests.conftest import ROOT


@pytest.mark.parametrize(("page", "name"), TABLES)
def test_the_page_shows_the_table(page: str, name: str) -> None:
    table = TABLES[page, name]()
    assert table.startswith("|")
    assert table.count("\n") >= 4
    text = (ROOT / page).read_text(encoding="utf-8")
    assert with_table(text, name, table) == text, f"{page} is out of date; run python docs/tables.py"


def test_a_table_is_replaced_between_its_marks() -> None:
    page = "".join(
        f"<!-- {name} table -->\n| {text} |\n<!-- end of the table -->\n" for name, text in (("a", "old"), ("b", "b"))
    )
    assert with_table(page, "a", "| new |\n") == page.replace("| old |", "| new |")
    with pytest.raises(ValueError, match="0 tables"):
        with_table(page, "c", "")
    with pytest.raises(ValueError, match="2 tables"):
        with_table(page * 2, "a", "")
