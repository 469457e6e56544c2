"""No file of the diagnosis is in an import circle, and the test helper finds circles."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import ROOT
from tests.import_graph import import_circles, import_graph

DIAGNOSIS = "insar_runtime._diagnosis"


def test_no_file_of_the_diagnosis_is_in_an_import_circle() -> None:
    graph = import_graph(ROOT / "runtime" / "insar_runtime")
    own = [module for module in graph if module.startswith(DIAGNOSIS)]
    assert len(own) > 30
    assert f"{DIAGNOSIS}.results" in graph[f"{DIAGNOSIS}.diagnosis"]
    assert not [circle for circle in import_circles(graph) if set(circle) & set(own)]


def test_circles_are_strongly_connected_components() -> None:
    graph = {
        "a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"e"}, "e": set(), "f": {"g", "a"}, "g": {"h"}, "h": {"f", "e"},
    }  # fmt: skip
    assert import_circles(graph) == [["a", "b", "c"], ["f", "g", "h"]]
    assert import_circles({**graph, "c": set(), "g": set()}) == []
    long = {str(i): {str(i + 1)} for i in range(5000)} | {"5000": {"0"}}
    assert [len(circle) for circle in import_circles(long)] == [5001]


def test_imports_of_types_and_within_functions_count(tmp_path: Path) -> None:
    package = tmp_path / "some"
    (package / "part").mkdir(parents=True)
    (package / "__init__.py").write_text("__version__ = '1'\n")
    (package / "part" / "__init__.py").write_text("")
    (package / "part" / "one.py").write_text(
        "import json\nfrom some import __version__\nif TYPE_CHECKING:\n    from some.part.two import Two\n"
    )
    (package / "part" / "two.py").write_text("def f():\n    from some.part import one\n")
    graph = import_graph(package)
    assert graph == {
        "some": set(),
        "some.part": set(),
        "some.part.one": {"some", "some.part.two"},
        "some.part.two": {"some.part.one"},
    }
    assert import_circles(graph) == [["some.part.one", "some.part.two"]]
