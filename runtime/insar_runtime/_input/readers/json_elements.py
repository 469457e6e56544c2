"""Elements of a JSON file one after the other: features of a GeoJSON, elements of a list, or one value per line."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from insar_runtime.errors import DataError

_CHUNK: Final = 1 << 20
_MOST_ELEMENT: Final = 16 << 20
"""Characters of one element: a point with 25,000 dates takes less than a megabyte."""
_AFTER: Final = frozenset(" \t\r\n\x1e,:]}")
_LONGEST_TAIL: Final = 3
"""Signs of a number that make none without the next one: 1e-."""
_BLANKS: Final = " \t\r\n\x1e"
"""With the record separator of GeoJSON text sequences (RFC 8142)."""


class JsonElements:
    """Read the elements of a file.

    Parameters
    ----------
    path : Path
        UTF-8 text.

    Attributes
    ----------
    crs : object
        Member ``crs`` of a feature collection, once it was passed; None if there is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._decoder = json.JSONDecoder()
        self._text = ""
        self._place = 0
        self._is_all = False
        self.crs: Any = None

    def __iter__(self) -> Iterator[Any]:
        """Return the elements, once.

        Raises
        ------
        DataError
            The text is no JSON, is cut, or an element is too long.
        """
        with io.TextIOWrapper(self._path.open("rb"), encoding="utf-8-sig", newline="") as self._stream:
            if self._next_sign() == "[":
                self._place += 1
                yield from self._list()
                self._end()
                return
            while self._next_sign():
                yield from self._line() or self._object()

    def _line(self) -> list[Any]:
        """Return the object that is all of a line, or the features of a collection that is; nothing otherwise."""
        end = self._text.find("\n", self._place)
        if end < 0:
            self._fill()
            end = self._text.find("\n", self._place)
        if end < 0 or self._text[self._place] != "{":
            return []
        try:
            value = json.loads(self._text[self._place : end].rstrip(_BLANKS))
        except ValueError:
            return []
        self._place = end
        if isinstance(value.get("features"), list):
            self.crs = value.get("crs")
            features: list[Any] = value["features"]
            return features
        return [value]

    def _object(self) -> Iterator[Any]:
        """Return the features of a collection, or the object itself."""
        if self._next_sign() != "{":
            raise self._wrong("an object begins with {")
        members: dict[str, Any] = {}
        self._place += 1
        is_collection = False
        if self._next_sign() == "}":
            self._place += 1
            yield members
            return
        while True:
            key = self._value()
            if not isinstance(key, str) or self._next_sign() != ":":
                raise self._wrong("a member has a name and a colon")
            self._place += 1
            if key == "features" and self._next_sign() == "[":
                self._place += 1
                is_collection = True
                yield from self._list()
            elif key == "crs":
                members[key] = self.crs = self._value()
            else:
                members[key] = self._value()
            sign = self._next_sign()
            self._place += 1
            if sign == "}":
                break
            if sign != ",":
                raise self._wrong("members are separated by commas")
        if not is_collection:
            yield members

    def _list(self) -> Iterator[Any]:
        """Return the elements of a list whose bracket was passed."""
        if self._next_sign() == "]":
            self._place += 1
            return
        while True:
            yield self._value()
            sign = self._next_sign()
            self._place += 1
            if sign == "]":
                return
            if sign != ",":
                raise self._wrong("elements are separated by commas")

    def _value(self) -> Any:
        self._next_sign()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._place)
            except ValueError as error:
                if self._is_all or len(self._text) - self._place > _MOST_ELEMENT:
                    raise self._wrong(str(error).partition(":")[0]) from error
            else:
                # A number may go on behind the text that is there: 1. or 1e is no whole one.
                is_whole = self._text[end : end + 1] in _AFTER or len(self._text) - end >= _LONGEST_TAIL
                if self._is_all or is_whole:
                    self._place = end
                    return value
                if end - self._place > _MOST_ELEMENT:
                    raise self._wrong("a number is too long")
            self._fill()

    def _next_sign(self) -> str:
        """Go to the next sign that is no blank, and return it; an empty text at the end."""
        while True:
            while self._place < len(self._text):
                sign = self._text[self._place]
                if sign not in _BLANKS:
                    return sign
                self._place += 1
            if self._is_all:
                return ""
            self._fill()

    def _fill(self) -> None:
        more = self._stream.read(_CHUNK)
        self._is_all = not more
        self._text = self._text[self._place :] + more
        self._place = 0

    def _end(self) -> None:
        if self._next_sign():
            raise self._wrong("something follows the list")

    def _wrong(self, what: str) -> DataError:
        ends = self._is_all and self._place >= len(self._text.rstrip(_BLANKS))
        what = "the text ends within a value" if ends else what
        return DataError(
            f"{self._path} is no JSON that can be read ({what}): it is damaged or incomplete: write it again"
        )
