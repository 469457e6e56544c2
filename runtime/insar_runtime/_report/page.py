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

_SCRIPTS: Final = (
    "dom.js",
    "data.js",
    "colours.js",
    "paint.js",
    "axes.js",
    "map.js",
    "pointer.js",
    "diagnosis.js",
    "series.js",
    "charts.js",
    "panel.js",
    "texts.js",
    "main.js",
)
"""Parts of the script in the order in which they are joined."""
_HERE: Final = "insar_runtime._report"


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
    folder = files(_HERE)
    style = (folder / "page.css").read_text(encoding="utf-8")
    script = "".join((folder / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    types = {name: array.type for name, array in arrays.items()}
    before, after = (folder / "page.html").read_text(encoding="utf-8").split("<!-- data -->")
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


def _json(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, allow_nan=False).replace("<", "\\u003c")


def _policy(script: str, style: str) -> str:
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; base-uri 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
