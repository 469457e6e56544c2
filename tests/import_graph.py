"""The files of a package that import one another in circles, whether at once, late or for types alone."""

from __future__ import annotations

import ast
from collections.abc import KeysView
from pathlib import Path


def import_graph(package: Path) -> dict[str, set[str]]:
    """Return the modules of a package with the modules of it that each one imports, at whatever place of the file."""
    modules = {_name(path, package): path for path in sorted(package.rglob("*.py"))}
    return {name: _imported(path, modules.keys()) - {name} for name, path in modules.items()}


def circles(package: Path) -> list[list[str]]:
    """Return the groups of modules that import one another: strongly connected components, by Tarjan's algorithm.

    Parameters
    ----------
    package : Path
        Folder of the package.

    Returns
    -------
    list of list of str
        Names of the modules of each circle, sorted; empty if there is none.
    """
    graph = import_graph(package)
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    waiting: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        waiting.append(module)
        for imported in sorted(graph[module]):
            if imported not in number:
                visit(imported)
            if imported in waiting:
                lowest[module] = min(lowest[module], lowest[imported])
        if lowest[module] == number[module]:
            group = waiting[waiting.index(module) :]
            del waiting[waiting.index(module) :]
            if len(group) > 1:
                found.append(sorted(group))

    for module in graph:
        if module not in number:
            visit(module)
    return sorted(found)


def _name(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(path: Path, modules: KeysView[str]) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # ``from package import name`` imports a module, or a name of the package.
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in modules else node.module for name in whole}
    return {name for name in names if name in modules}
