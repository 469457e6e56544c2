"""Which package of the repository may import which: training to hostile; no import circles."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.import_graph import circles

RUNTIME = ROOT / "runtime" / "insar_runtime"
ALLOWED = {
    "training": {"insar_runtime"},
    "evaluation": {"insar_runtime", "training"},
    "export": {"insar_runtime", "training", "evaluation"},
    "benchmarks": {"insar_runtime", "training", "evaluation", "export"},
    "hostile": {"insar_runtime"},
}
"""Packages beside the wheel, by the packages of this repository that each may import."""
OURS = {"insar_runtime", "tests", *ALLOWED}


def imported_packages(package: Path) -> Iterator[tuple[str, str]]:
    """Return where which packages are imported, wherever the import stands."""
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            where = f"{path.relative_to(package.parent)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import):
                yield from ((where, alias.name.partition(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{where}: imports are absolute"
                yield where, (node.module or "").partition(".")[0]


def wrong_imports(package: Path, allowed: set[str]) -> list[str]:
    return [
        f"{where} imports {name}"
        for where, name in imported_packages(package)
        if name in OURS - allowed and name != package.name
    ]


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_packages_import_one_way(name: str) -> None:
    assert not wrong_imports(ROOT / name, ALLOWED[name])


def test_the_wheel_imports_no_package_beside_it() -> None:
    assert not wrong_imports(RUNTIME, set())


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_no_file_is_in_an_import_circle(name: str) -> None:
    assert not circles(ROOT / name)


def test_a_forbidden_import_is_found(tmp_path: Path) -> None:
    package = tmp_path / "training"
    package.mkdir()
    (package / "fit.py").write_text(
        "from training.stream import batches\nimport numpy\ndef f():\n    from evaluation.semireal import recipe\n"
    )
    assert wrong_imports(package, ALLOWED["training"]) == ["training/fit.py:4 imports evaluation"]
