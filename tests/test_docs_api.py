"""Every type that a public signature names is public, and the API reference describes all that is public."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any, get_origin

import numpy as np
import pytest

import insar_runtime
from tests.conftest import ROOT

PACKAGE = "insar_runtime"
ENGINES = {
    "insar_runtime.engines.spark": ("classify_dataframe", "map_in_arrow"),
    "insar_runtime.engines.ray": ("TrendClassifier", "classify_dataset", "plan_dataset"),
    "insar_runtime.engines.job": ("Job", "Options", "plan"),
}
"""Public modules beside the package itself, and what they offer."""
OPAQUE = {"Job"}
"""Classes whose objects are made by a function of the package, sent to workers and called; their fields are private."""
PUBLIC = {(PACKAGE, name) for name in insar_runtime.__all__} | {
    (module, name) for module, names in ENGINES.items() for name in names
}


def package_names(module: str) -> dict[str, tuple[str, str]]:
    """Return the names of a module that the package defines, with the module and the name of their definition.

    Imports under ``TYPE_CHECKING`` count as well: signatures are texts, and name what is imported there.
    """
    tree = ast.parse(Path(str(importlib.import_module(module).__file__)).read_text("utf-8"))
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == PACKAGE:
            names.update({alias.asname or alias.name: (str(node.module), alias.name) for alias in node.names})
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            names[node.name] = module, node.name
        elif isinstance(node, ast.Assign):
            names.update({target.id: (module, target.id) for target in node.targets if isinstance(target, ast.Name)})
    return names


def is_numpy_alias(module: str, name: str) -> bool:
    """Return whether a name stands for an array type of numpy, such as ``NDArray[np.float32]``."""
    return get_origin(getattr(importlib.import_module(module), name)) is np.ndarray


def signature_texts(thing: Any) -> Iterator[tuple[str, str]]:
    """Yield the annotations of a public class or function as text, with the module in which they stand."""
    if isinstance(thing, FunctionType):
        yield from ((thing.__module__, str(text)) for text in thing.__annotations__.values())
    elif inspect.isclass(thing) and thing.__module__.startswith(PACKAGE):
        for kind in thing.__mro__:
            if not kind.__module__.startswith(PACKAGE):
                continue
            opaque = kind.__name__ in OPAQUE
            if (dataclasses.is_dataclass(kind) and not opaque) or issubclass(kind, dict):
                fields = (text for name, text in inspect.get_annotations(kind).items() if name[0] != "_")
                yield from ((kind.__module__, getattr(text, "__forward_arg__", str(text))) for text in fields)
            for name, member in vars(kind).items():
                function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
                shown = name[0] != "_" or name == "__call__" or (name == "__init__" and not opaque)
                if shown and isinstance(function, FunctionType):
                    yield from signature_texts(function)


def unexported(module: str, thing: Any) -> set[str]:
    """Return the types of the package that the signatures of a public object name and that are not public."""
    found = set()
    for where, text in signature_texts(thing):
        names = package_names(where)
        for node in ast.walk(ast.parse(text, mode="eval")):
            if isinstance(node, ast.Name) and node.id in names:
                home, name = names[node.id]
                public = name in insar_runtime.__all__ or (home, name) in PUBLIC
                if not public and not is_numpy_alias(home, name):
                    found.add(f"{module}: {home}.{name}")
    return found


@pytest.mark.parametrize(("module", "name"), sorted(PUBLIC))
def test_types_in_public_signatures_are_public(module: str, name: str) -> None:
    assert not unexported(module, getattr(importlib.import_module(module), name))


def test_a_private_type_in_a_signature_is_found() -> None:
    found = unexported("result", importlib.import_module("insar_runtime.result").decide)
    assert len(found) == 1
    assert found.pop().endswith(".RowChecks")


def test_every_public_name_exists_and_no_other() -> None:
    assert set(dir(insar_runtime)) == set(insar_runtime.__all__)
    assert all(getattr(insar_runtime, name) is not None for name in insar_runtime.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = insar_runtime.Nothing


def test_the_reference_describes_all_that_is_public() -> None:
    text = "".join(page.read_text("utf-8") for page in sorted((ROOT / "docs" / "api").glob("*.md")))
    described = re.findall(r"auto(?:class|function|data|exception):: (insar_runtime[\w.]*)\.(\w+)", text)
    assert len(described) == len(set(described))
    assert set(described) == PUBLIC
