"""Which part of the package may import which: data flow one way, and what is heavy or optional is imported late."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from insar_runtime import definitions
from tests.conftest import ROOT
from tests.import_graph import circles

PACKAGE = ROOT / "runtime" / "insar_runtime"

BASE = {
    "__init__",
    "_address_space",
    "_log",
    "_printable",
    "_progress",
    "_signals",
    "_version",
    "class_meanings",
    "classes",
    "definitions",
    "errors",
}
INPUT = BASE | {"_input"}
MODEL = INPUT | {"_engine", "devices", "models", "result"}
SERIES = MODEL | {"_diagnosis"}
FINDINGS = SERIES | {"_findings"}
PIPELINE = FINDINGS | {"_output", "_pipeline", "_spatial", "classifier", "summary"}
VIEWS = {"_areas", "_inspect", "_installation", "_qgis", "_releases", "_report", "_show", "_terminal"}
ALLOWED = {
    "__init__": MODEL
    | {
        "_areas",
        "_diagnosis",
        "_findings",
        "_pipeline",
        "_releases",
        "_report",
        "_show",
        "classifier",
        "files",
        "summary",
    },
    "__main__": {"cli"},
    "_address_space": BASE,
    "_log": set(),
    "_printable": set(),
    "_progress": BASE,
    "_signals": set(),
    "_version": set(),
    "class_meanings": BASE,
    "classes": BASE,
    "definitions": BASE,
    "errors": BASE | {"summary"},
    "_input": INPUT,
    "_qgis": INPUT | {"_output", "_qgis"},
    "_engine": MODEL,
    "devices": MODEL,
    "models": MODEL,
    "result": MODEL,
    "summary": FINDINGS,
    "classifier": PIPELINE,
    "_output": INPUT | {"_output"},
    "_spatial": INPUT | {"_spatial"},
    "_pipeline": PIPELINE,
    "_diagnosis": SERIES,
    "_findings": FINDINGS,
    "files": PIPELINE,
    "engines": PIPELINE | {"engines"},
    "_convert": PIPELINE | {"_convert"},
    "_classified": PIPELINE | {"_classified", "files"},
    "_areas": PIPELINE | {"_areas", "_classified", "_terminal", "files"},
    "_terminal": PIPELINE | {"_terminal"},
    "_installation": PIPELINE | {"_installation", "files"},
    "_inspect": PIPELINE | {"_inspect", "_terminal"},
    "_show": PIPELINE | {"_classified", "_show", "_terminal"},
    "_report": PIPELINE | {"_classified", "_report", "_terminal", "files"},
    "_releases": PIPELINE | {"_classified", "_releases", "files"},
    "_commands": PIPELINE | VIEWS | {"_classified", "_commands", "_convert", "files"},
    "cli": BASE | {"_commands", "_terminal"},
}
"""Parts of the package by what each may import, at whatever place: a module, or a folder of them."""

LATE = {
    "geopandas", "h5py", "matplotlib", "pandas", "pyproj", "pyspark", "ray", "scipy", "shapely", "tensorflow", "xarray",
}  # fmt: skip
"""What is no dependency of the package: imported where it is used, if at all."""
LIGHT = {
    "__main__",
    "_address_space",
    "_commands",
    "_printable",
    "_progress",
    "_signals",
    "_version",
    "class_meanings",
    "classes",
    "cli",
    "definitions",
    "errors",
}
"""What ``insar-rt --help`` takes: typer and the standard library."""

MODULES = sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path, *, at_once: bool) -> Iterator[tuple[str, int]]:
    """Return the modules that a file imports, with the lines; only what importing the file imports, if wanted."""
    waiting: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: imports are absolute"
            assert node.module
            # ``from insar_runtime import files`` imports a module, or a name of the package.
            whole = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from ((name, node.lineno) for name in (whole if node.module == PACKAGE.name else [node.module]))
        late = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or _is_for_types(node)
        if not (at_once and late):
            waiting += ast.iter_child_nodes(node)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def test_every_part_has_its_place() -> None:
    assert {part_of(path) for path in MODULES} == set(ALLOWED)


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_imports_go_one_way(part: str) -> None:
    wrong = []
    for path in (path for path in MODULES if part_of(path) == part):
        for name, line in imports(path, at_once=False):
            package, _, rest = name.partition(".")
            imported = rest.partition(".")[0]
            # Names of the package itself, such as its version.
            imported = imported if imported in ALLOWED else "__init__"
            if package == PACKAGE.name and imported not in ALLOWED[part]:
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {name}")
    assert not wrong


def test_no_file_is_in_an_import_circle() -> None:
    assert circles(PACKAGE) == []


@pytest.mark.parametrize(
    "line",
    [
        "from package import a",
        "import package.a",
        "from package.a import name",
        "def f():\n    from package.a import name",
        "if TYPE_CHECKING:\n    from package.a import name",
    ],
)
def test_a_circle_of_imports_is_found_wherever_they_stand(tmp_path: Path, line: str) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("from package.b import name\n")
    (package / "b.py").write_text("from package.c import name\n")
    (package / "c.py").write_text("import json\n")
    assert circles(package) == []
    (package / "c.py").write_text(f"{line}\n")
    assert circles(package) == [["package.a", "package.b", "package.c"]]


def test_what_is_no_dependency_is_imported_late() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line} imports {name}"
        for path in MODULES
        for name, line in imports(path, at_once=True)
        if name.partition(".")[0] in LATE
    ]
    assert not wrong


def test_help_takes_typer_and_the_standard_library() -> None:
    heavy = {"numpy", "onnxruntime", "pyarrow"}
    wrong = []
    for path in (path for path in MODULES if part_of(path) in LIGHT):
        for name, line in imports(path, at_once=True):
            package, _, rest = name.partition(".")
            ours = package == PACKAGE.name and rest.partition(".")[0] in ALLOWED.keys() - LIGHT
            if package in heavy or ours:
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {name}")
    assert not wrong


def test_the_rules_can_be_broken(tmp_path: Path) -> None:
    """An import is seen wherever it stands."""
    module = tmp_path / "module.py"
    module.write_text(
        "import json\nfrom insar_runtime import files, __version__\nfrom insar_runtime._show.point import Point\n"
        "if TYPE_CHECKING:\n    import ray\ntry:\n    import pandas\nexcept ImportError:\n    pass\n"
        "class A:\n    import h5py\n    def f(self):\n        from pyspark.sql import types\n"
    )
    at_once = {name for name, _ in imports(module, at_once=True)}
    assert at_once == {
        "json", "insar_runtime.files", "insar_runtime.__version__", "insar_runtime._show.point", "pandas", "h5py",
    }  # fmt: skip
    assert {name for name, _ in imports(module, at_once=False)} == at_once | {"ray", "pyspark.sql"}


@pytest.mark.parametrize("number", [definitions.DAYS_PER_YEAR, definitions.MAD_TO_STD])
def test_a_number_that_many_modules_use_is_written_once(number: float) -> None:
    folders = ("runtime", "training", "evaluation", "export", "benchmarks", "hostile")
    found = [
        str(path.relative_to(ROOT))
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value == number
    ]
    assert found == ["runtime/insar_runtime/definitions.py"]


def test_the_name_of_a_class_means_one_class() -> None:
    where: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                where.setdefault(node.name, []).append(str(path.relative_to(PACKAGE)))
    assert {name: paths for name, paths in where.items() if len(paths) > 1} == {}
