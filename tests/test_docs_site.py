"""The documentation builds without a warning: links, references to the code, docstrings of the API."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(
    not all(find_spec(name) for name in ("sphinx", "furo", "myst_parser")) and not os.environ.get("CI"),
    reason="the docs group is not installed",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", "docs", ".", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_on_the_site(site: Path) -> None:
    pages = [page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")]
    assert len(pages) > 15
    assert all((site / "docs" / page.with_suffix(".html")).is_file() for page in pages)


def test_notebooks_are_pages_with_their_outputs(site: Path) -> None:
    for notebook in (ROOT / "docs" / "notebooks").glob("*.ipynb"):
        page = (site / "docs" / "notebooks" / f"{notebook.stem}.html").read_text(encoding="utf-8")
        written = notebook.read_text(encoding="utf-8")
        assert page.count("data:image/png;base64,") == written.count('"image/png"') > 0
        assert "no class" in page


def test_every_page_is_in_a_table_of_contents() -> None:
    listed = {ROOT / "docs" / "index.md"}
    for index in (ROOT / "docs" / "index.md", ROOT / "docs" / "api" / "index.md"):
        for toctree in re.findall(r"```\{toctree\}\n(.*?)```", index.read_text(encoding="utf-8"), re.DOTALL):
            names = [line for line in toctree.splitlines() if line and not line.startswith(":")]
            listed |= {(index.parent / name.removesuffix(".md")).resolve().with_suffix(".md") for name in names}
    assert set((ROOT / "docs").rglob("*.md")) <= listed
    assert {ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")} <= listed


def test_the_reference_shows_signatures_and_inherited_methods(site: Path) -> None:
    text = (site / "docs" / "api" / "classifier.html").read_text(encoding="utf-8")
    for name in ("classify_batches", "with_priors", "threads"):
        assert f'id="insar_runtime.Classifier.{name}"' in text
    assert "TypeAliasForwardRef" not in "".join(
        page.read_text(encoding="utf-8") for page in (site / "docs" / "api").glob("*.html")
    )


def test_a_broken_link_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("conf.py", "notebook_pages.py"):
        (tmp_path / "docs" / name).write_text((ROOT / "docs" / name).read_text(encoding="utf-8"))
    (tmp_path / "docs" / "index.md").write_text("# Title\n\n[broken](missing.md)\n")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-c", "docs", ".", "site"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode != 0
    assert "missing.md" in done.stderr
