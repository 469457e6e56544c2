"""Sphinx configuration of the documentation.

The source directory is the root of the repository, so that links between the pages, README and the records of the
models are the same on the site as in a checkout: ``python -m sphinx -W -c docs . build/site``.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "runtime"), str(ROOT)]
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

project = "insar-runtime"
author = "The insar-runtime developers"
copyright = author  # noqa: A001 - the name that Sphinx wants
# Records of measurements are reached by links; the tests check that all pages are in a table of contents.
suppress_warnings = ["toc.not_included"]
root_doc = "docs/index"
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "docs/*.md",
    "docs/**/*.md",
    "docs/notebooks/*.ipynb",
    "artifacts/**/*.md",
]
exclude_patterns = ["artifacts/benchmark/summary.md", "artifacts/speed/summary.md", "artifacts/speed/cost.md"]
"""Tables that pages show (``docs/tables.py``)."""

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 4

napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
# Aliases keep their names in signatures.
autodoc_type_aliases = {
    "ArrayLike": "ArrayLike",
    **{name: f"insar_runtime.{name}" for name in ("Device", "JumpRows", "Progress", "Role", "Shares", "Unit")},
}
python_maximum_signature_line_length = 100

html_theme = "furo"
html_title = "insar-runtime"
html_show_sourcelink = False


def _name_aliases(
    _app: Any, _what: str, _name: str, _object: Any, _options: Any, *texts: str | None
) -> tuple[Any, ...]:
    """Return signature and type of the result with aliases as plain names, which Sphinx 9 leaves wrapped in unions."""
    return tuple(text and re.sub(r"TypeAliasForwardRef\('(?:\w+\.)?(\w+)'\)", r"\1", text) for text in texts)


def setup(app: Any) -> None:
    """Connect the handler of signatures, and the parser of notebooks."""
    app.connect("autodoc-process-signature", _name_aliases)
    from docs.notebook_pages import NotebookParser  # noqa: PLC0415 - needs the path that is set above

    app.add_source_suffix(".ipynb", "notebook")
    app.add_source_parser(NotebookParser)
