"""The HTML file: template, style, script, facts and arrays."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from insar_runtime._report.pack import Packed

_ARRAYS: Final = "unpack.js"
_SCRIPTS: Final = (
    "dom.js",
    "data.js",
    _ARRAYS,
    "measures.js",
    "colours.js",
    "paint.js",
    "coast.js",
    "axes.js",
    "map.js",
    "outline.js",
    "pointer.js",
    "diagnosis.js",
    "series.js",
    "area.js",
    "moving_areas.js",
    "charts.js",
    "download.js",
    "address.js",
    "panel.js",
    "find.js",
    "words.js",
    "texts.js",
    "print.js",
    "main.js",
)
"""Parts of the script in the order in which they are joined."""
_HERE: Final = "insar_runtime._report"
_DATA: Final = "<!-- data -->"
"""Where the data stand in the page."""


def page_parts(facts: Mapping[str, Any], arrays: Mapping[str, Packed]) -> Iterator[str]:
    """Yield the text of the page in parts, so that its arrays are never in memory as one text.

    No text of a table can end the element that contains it: ``<`` is escaped in JSON, and arrays are base64. The
    content security policy allows only the script and the style of the file, by their hashes, and no loading.

    Parameters
    ----------
    facts : mapping
        Plain values; ``title`` is the title of the page.
    arrays : mapping of str to Packed
        Arrays by the names that the script uses.
    """
    style, script = report_style(), report_script()
    types = {name: array.type for name, array in arrays.items()}
    before, after = _text("page.html").split(_DATA)
    filled = {
        "<!-- policy -->": _policy(script, style),
        "<!-- title -->": html.escape(str(facts["title"])),
        "/* style */": style,
    }
    for mark, text in filled.items():
        before = before.replace(mark, text)
    yield before
    yield f'<script type="application/json" id="facts">{_json({**facts, "types": types})}</script>\n'
    for name, array in arrays.items():
        yield f'<script type="text/plain" id="array-{name}">'
        yield array.text
        yield "</script>\n"
    yield after.replace("/* script */", script)


def report_style() -> str:
    """Return the style of the report."""
    return _text("page.css")


def report_body() -> str:
    """Return the elements of the report, without its data and its script."""
    return _text("page.html").partition("<body>")[2].partition(_DATA)[0]


def report_script(arrays: str | None = None) -> str:
    """Return the script of the report.

    Parameters
    ----------
    arrays : str, optional
        A function ``unpack`` that finds the arrays elsewhere; by default that of the page, in which they stand as text.
    """
    return "".join(arrays if name == _ARRAYS and arrays is not None else _text(name) for name in _SCRIPTS)


def policy_hash(text: str) -> str:
    """Return the hash of a script or a style, by which a content security policy allows it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _json(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, allow_nan=False).replace("<", "\\u003c")


def _policy(script: str, style: str) -> str:
    return (
        f"default-src 'none'; script-src '{policy_hash(script)}'; style-src '{policy_hash(style)}'; img-src data:; "
        "base-uri 'none'"
    )


def _text(name: str) -> str:
    return (files(_HERE) / name).read_text(encoding="utf-8")
