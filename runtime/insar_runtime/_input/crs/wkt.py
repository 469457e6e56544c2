"""Well-known text of coordinate reference systems, as .prj files and GeoPackages have it: a tree of keywords."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_TOKEN: Final = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([A-Za-z_][A-Za-z0-9_]*)|([-+0-9.eE]+)|([\[\](),]))')
_LONGEST: Final = 1 << 16
"""Characters; the longest definitions of EPSG have some 8,000."""
_DEEPEST: Final = 20


@dataclass(slots=True)
class Node:
    """A keyword and what stands in its brackets.

    Attributes
    ----------
    keyword : str
        In capitals.
    texts : list of str
        Quoted texts and bare words.
    numbers : list of float
    parts : list of Node
    """

    keyword: str
    texts: list[str] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    parts: list[Node] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The first text; empty if there is none."""
        return self.texts[0] if self.texts else ""

    def find(self, *keywords: str) -> Node | None:
        """Return the first part with one of these keywords; None if there is none."""
        return next((part for part in self.parts if part.keyword in keywords), None)

    def all(self, keyword: str) -> Iterator[Node]:
        """Return all parts with a keyword."""
        return (part for part in self.parts if part.keyword == keyword)


def parse_wkt(text: str) -> Node | None:
    """Return the tree of a definition; None if it is none.

    Parameters
    ----------
    text : str
        WKT 1 or 2, of OGC or ESRI.
    """
    if len(text) > _LONGEST:
        return None
    top = Node("")
    open_nodes, place, word = [top], 0, None
    while match := _TOKEN.match(text, place):
        place = match.end()
        quoted, bare, number, sign = match.groups()
        if sign in {"[", "("}:
            if word is None or len(open_nodes) > _DEEPEST:
                return None
            node = Node(word.upper())
            open_nodes[-1].parts.append(node)
            open_nodes.append(node)
            word = None
            continue
        if word is not None:
            open_nodes[-1].texts.append(word)
            word = None
        if sign in {"]", ")"}:
            if len(open_nodes) == 1:
                return None
            open_nodes.pop()
        elif quoted is not None:
            open_nodes[-1].texts.append(quoted.replace('""', '"'))
        elif number is not None:
            try:
                open_nodes[-1].numbers.append(float(number))
            except ValueError:
                return None
        elif bare is not None:
            word = bare
    if len(open_nodes) > 1 or text[place:].strip() or len(top.parts) != 1:
        return None
    return top.parts[0]
