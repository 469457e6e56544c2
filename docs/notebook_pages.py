"""Sphinx parser of notebooks: cells and their outputs as they are in the file become one page in MyST Markdown."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import nbformat
from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser


class NotebookParser(MystParser):
    """Parser of ``.ipynb`` files; nothing is executed."""

    supported = ("notebook",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Fill a document with the page of a notebook."""
        super().parse(as_markdown(inputstring), document)


def as_markdown(text: str) -> str:
    """Return the text of a notebook as MyST Markdown.

    Parameters
    ----------
    text : str
        JSON of format 4.
    """
    return "\n\n".join(part for cell in nbformat.reads(text, as_version=4).cells for part in _parts(cell))


def _parts(cell: Any) -> Iterator[str]:
    if cell.cell_type == "markdown":
        yield cell.source
        return
    yield _fenced("python", "\n".join(line for line in cell.source.splitlines() if not line.startswith("%")))
    for output in cell.outputs:
        if output.output_type == "stream":
            yield _fenced("text", output.text.rstrip())
            continue
        data = output.get("data", {})
        if "image/png" in data:
            shown = html.escape(data.get("text/plain", ""), quote=True)
            source = "".join(data["image/png"].split())
            yield _fenced("{raw} html", f'<img alt="{shown}" src="data:image/png;base64,{source}" />')
        elif "text/html" in data:
            yield _fenced("{raw} html", data["text/html"])
        else:
            yield _fenced("text", data.get("text/plain", ""))


def _fenced(language: str, text: str) -> str:
    return f"````{language}\n{text}\n````"
