"""Lines that are broken between words where a terminal ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._terminal.terminal import wrapped


def test_a_long_line_is_broken_between_words_and_indented() -> None:
    text = "velocity     -1.66 mm/yr by least squares\n  Stable   12\nunit"
    assert wrapped(text, 30, "    ") == "velocity     -1.66 mm/yr by\n    least squares\n  Stable   12\nunit"


@given(st.text("ab -\n", max_size=200), st.integers(20, 100))
def test_no_word_is_broken_and_none_is_lost(text: str, width: int) -> None:
    broken = wrapped(text, width)
    assert broken.split() == text.split()
    assert all(len(line) <= width or " " not in line.strip() for line in broken.split("\n"))
