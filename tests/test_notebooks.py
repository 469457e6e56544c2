"""The notebooks of the documentation run in a fresh kernel, offline, and give what is written in them."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed (group notebooks)")
pytest.importorskip("nbclient", reason="nbclient is not installed (group notebooks)")
pytest.importorskip("ipykernel", reason="ipykernel is not installed (group notebooks)")

from docs.run_notebooks import NOTEBOOKS, execute

PATHS = re.compile(r"/(?:tmp|home|root|work|Users|var)/|[A-Z]:\\\\")


def outputs(cell: Any) -> list[str]:
    """Return the outputs of a cell as text, without pictures and tables."""
    return [
        output.text if output.output_type == "stream" else output.get("data", {}).get("text/plain", "")
        for output in cell.get("outputs", [])
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_gives_what_is_written(path: Path) -> None:
    written = nbformat.read(path, as_version=4)
    executed = execute(path)
    compared = 0
    for before, after in zip(written.cells, executed.cells, strict=True):
        if "counts" in before.metadata.get("tags", []):
            assert outputs(after) == outputs(before), before.source
            compared += 1
        kinds = [[output.output_type for output in cell.get("outputs", [])] for cell in (before, after)]
        assert kinds[0] == kinds[1], before.source
    assert compared >= 2


def test_every_notebook_is_executed() -> None:
    assert set(NOTEBOOKS) == set((ROOT / "docs").rglob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_whole_small_and_of_no_machine(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    pictures = 0
    for output in (output for cell in code for output in cell.outputs):
        assert output.output_type != "error"
        assert output.get("name") != "stderr"
        data = output.get("data", {})
        assert not PATHS.search(output.get("text", "") + data.get("text/plain", "") + data.get("text/html", ""))
        if "image/png" in data:
            pictures += 1
            assert len(base64.b64decode(data["image/png"])) < 200_000
    assert pictures
    assert path.stat().st_size < 300_000
