"""Pages for contributors name files and commands that exist, and repeat what CI does."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import insar_runtime
from tests.conftest import ROOT

RUNTIME = ROOT / "runtime" / "insar_runtime"
PAGES = ["CONTRIBUTING.md", "docs/architecture.md", "docs/methods.md", "docs/models.md", "docs/training.md"]


def named_paths(text: str) -> list[str]:
    """Return the files and folders that a page names in code type, such as ``folder/`` and ``folder/file.py``."""
    names = re.findall(r"`([\w./-]+)`", text)
    return [name for name in names if re.fullmatch(r"[\w./-]*(?:/|\.(?:py|json|md|toml|txt))", name)]


def exists(name: str, folders: list[str]) -> bool:
    places = [ROOT / name, RUNTIME / name, *(RUNTIME / folder / name for folder in folders)]
    return any(place.is_dir() if name.endswith("/") else place.is_file() for place in places)


@pytest.mark.parametrize("page", PAGES)
def test_files_that_pages_name_exist(page: str) -> None:
    missing = []
    # Within a section, a file may be named without the folder of a file that was named before.
    for section in re.split(r"^## ", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE):
        names = named_paths(section)
        folders = ["_diagnosis/jumps", *(name.rpartition("/")[0] for name in names if "/" in name)]
        folders += [folder for name in names if (folder := f"_input/{name}").endswith("/")]
        missing += [name for name in names if name not in {"model.json", "report.json"} and not exists(name, folders)]
    assert not missing


def test_a_missing_file_is_found() -> None:
    assert named_paths("see `_input/none.py`, `classify`, and `nowhere/`") == ["_input/none.py", "nowhere/"]
    assert not exists("_input/none.py", [])
    assert not exists("nowhere/", [])
    assert exists("files.py", [])


@pytest.mark.keras
@pytest.mark.parametrize("package", ["training", "evaluation", "export"])
def test_commands_that_pages_name_exist(package: str) -> None:
    text = "".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(rf"python -m {package} ([a-z][\w-]*)", text))
    assert named
    command = [sys.executable, "-m", package, "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    assert named <= set(re.findall(r"[\w-]+", done.stdout))


def test_contributors_set_up_what_the_readme_and_ci_set_up() -> None:
    (command,) = re.findall(
        r"<!-- test command -->\n```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert f"```sh\n{command}```" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_hooks_check_what_ci_checks() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    checks = {
        check
        for check in re.findall(r'^ *"\$python" -m (.*)$', script, re.MULTILINE)
        if check.split()[0] not in {"pip", "build"}
    }
    hooks = re.findall(
        r"entry: \.venv-dev/bin/python -m (.*)$",
        (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert set(hooks) == {check for check in checks if not check.startswith("pytest")}


def test_the_citation_is_of_this_version() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (group docs)")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["version"] == insar_runtime.__version__
    (paper,) = citation["references"]
    assert paper["doi"] in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
