"""Import graph of a package at the level of files, and the circles in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

Graph = Mapping[str, set[str]]


def import_graph(package: Path) -> dict[str, set[str]]:
    """Return which files of a package import which, wherever the import stands.

    Imports within functions and under ``TYPE_CHECKING`` count as well: a reader has to follow them. What Python
    imports on the way, the ``__init__`` of each folder above a module, does not count.

    Parameters
    ----------
    package : Path
        Folder of the package; its name is that of the package. Imports within it must be absolute.

    Returns
    -------
    dict
        Dotted module names, and the set of those that each imports. A folder stands for its ``__init__.py``.
    """
    modules = {_module_name(path, package): path for path in package.rglob("*.py")}
    return {
        name: {found for found in _imported(path, modules) if found != name} for name, path in sorted(modules.items())
    }


def import_circles(graph: Graph) -> list[list[str]]:
    """Return the circles of a graph: its strongly connected components of more than one module, each sorted.

    Notes
    -----
    Tarjan, SIAM Journal on Computing 1, 1972, without recursion.
    """
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_modules: list[str] = []
    circles = []
    for root in graph:
        path: list[tuple[str, Iterator[str]]] = []
        if root not in index:
            path.append(_enter(root, graph, index, lowest, open_modules))
        while path:
            module, following = path[-1]
            for other in following:
                if other not in index:
                    path.append(_enter(other, graph, index, lowest, open_modules))
                    break
                if other in open_modules:
                    lowest[module] = min(lowest[module], index[other])
            else:
                path.pop()
                if path:
                    lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[module])
                if lowest[module] == index[module]:
                    begin = open_modules.index(module)
                    component = open_modules[begin:]
                    del open_modules[begin:]
                    if len(component) > 1:
                        circles.append(sorted(component))
    return sorted(circles)


def _enter(
    module: str, graph: Graph, index: dict[str, int], lowest: dict[str, int], open_modules: list[str]
) -> tuple[str, Iterator[str]]:
    index[module] = lowest[module] = len(index)
    open_modules.append(module)
    return module, iter(sorted(graph[module]))


def _module_name(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(path: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: imports are absolute"
            assert node.module
            for alias in node.names:
                # ``from package import name`` imports a module of that name, if there is one.
                whole = f"{node.module}.{alias.name}"
                if whole in modules:
                    yield whole
                elif node.module in modules:
                    yield node.module
