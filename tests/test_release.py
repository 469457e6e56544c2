"""What a release is made with: workflows, image and recipe are right, and hold the versions of the package."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import insar_runtime
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def checked(program: str, *arguments: str | Path) -> None:
    """Run a checker of the dependency group ``release``, which finds nothing."""
    found = shutil.which(program, path=str(Path(sys.executable).parent)) or shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed (group release)")
    done = subprocess.run([found, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_are_valid() -> None:
    assert [path.stem for path in WORKFLOWS] == ["build", "release", "test"]
    checked("actionlint", *WORKFLOWS)


def test_a_wrong_workflow_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOWS[0].read_text(encoding="utf-8").replace("runs-on", "runs_on"))
    with pytest.raises(AssertionError, match="runs_on"):
        checked("actionlint", wrong)


def test_the_image_is_built_as_hadolint_wants() -> None:
    checked("hadolint", ROOT / "Dockerfile")


def test_what_the_image_copies_is_not_ignored() -> None:
    copied = re.findall(r"^COPY (.*) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    names = {name for line in copied for name in line.split() if not name.startswith("--")} | {"constraints.txt"}
    assert names == set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    assert all((ROOT / name).exists() for name in names)


@pytest.fixture(scope="module")
def recipe() -> dict[str, Any]:
    rattler_build = pytest.importorskip("rattler_build", reason="py-rattler-build is not installed (group release)")
    parsed = rattler_build.Stage0Recipe.from_file(str(ROOT / "conda" / "recipe.yaml"))
    (rendered,) = parsed.render(rattler_build.VariantConfig())
    return dict(rendered.recipe.to_dict())


def test_the_recipe_is_of_this_version(recipe: dict[str, Any]) -> None:
    version = insar_runtime.__version__
    assert recipe["package"] == {"name": PROJECT["name"], "version": version}
    assert recipe["source"] == [{"path": f"../dist/insar_runtime-{version}.tar.gz"}]
    assert recipe["build"]["noarch"] == "python"
    (entry,) = PROJECT["scripts"].items()
    assert recipe["build"]["python"]["entry_points"] == [" = ".join(entry)]


def test_the_recipe_needs_what_the_wheel_needs(recipe: dict[str, Any]) -> None:
    needed = {line.replace(" ", "") for line in recipe["requirements"]["run"]}
    assert needed == {*PROJECT["dependencies"], f"python{PROJECT['requires-python']}"}


def test_workflows_test_the_versions_of_python_that_are_declared() -> None:
    declared = {name.rpartition(" ")[2] for name in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", name)}
    tested = re.findall(r'"(3\.\d+)"', (ROOT / ".github" / "workflows" / "build.yml").read_text(encoding="utf-8"))
    assert set(tested) == declared
    pages = {"README.md", "CONTRIBUTING.md", "docs/edge.md"}
    spans = {match for page in pages for match in re.findall(r"Python (3\.\d+) to (3\.\d+)", (ROOT / page).read_text())}
    ordered = sorted(declared, key=lambda version: int(version.partition(".")[2]))
    assert spans == {(ordered[0], ordered[-1])}


def test_tests_of_the_package_are_collected_where_only_the_lowest_versions_are() -> None:
    """``.ci/built`` installs little: a test module that imports more at its top would end that run."""
    text = (ROOT / ".ci" / "built").read_text(encoding="utf-8").replace("\\\n", " ")
    (installed,) = re.findall(r"\.whl (.*)$", text, re.MULTILINE)
    needed = [re.split(r"[^\w-]", one)[0] for one in PROJECT["dependencies"]]
    allowed = {"insar_runtime", "tests", *installed.split(), *needed, *sys.stdlib_module_names}
    for path in sorted((ROOT / "tests" / "runtime").rglob("*.py")):
        if path.name.startswith("test_") or path.name == "conftest.py":
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                assert {name.split(".")[0] for name in names} <= allowed, path
