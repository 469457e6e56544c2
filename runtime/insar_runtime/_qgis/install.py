"""Installation of the scripts for QGIS: files that stand alone, and know the Python that has this package."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from insar_runtime._output.atomic import OutputGroup
from insar_runtime._output.output_checks import disk_errors
from insar_runtime._version import __version__
from insar_runtime.errors import OutputExistsError

_MARK: Final = "# Made by insar-rt qgis install"
"""First words of each file that was written here."""
_PROGRAM_LINE: Final = 'PROGRAM = ""\n'
SCRIPTS: Final = {
    "insar_rt_classify.py": "_Classify",
    "insar_rt_report.py": "_Report",
    "insar_rt_areas.py": "_Areas",
    "insar_rt_compare.py": "_Compare",
}
"""Files, by the class of the algorithm in each: QGIS takes one algorithm of a file."""


def install_scripts(folders: Sequence[Path], program: str) -> list[Path]:
    """Write the scripts into folders, all or none, and return their names; folders that are missing are made.

    Parameters
    ----------
    folders : sequence of Path
        Folders of scripts of QGIS.
    program : str
        Python that runs this package.

    Raises
    ------
    OutputExistsError
        If a file of such a name is not one of ours.
    InputOutputError
        If a file cannot be written.
    """
    paths = [folder / name for folder in folders for name in SCRIPTS]
    _refuse_foreign(paths)
    for folder in folders:
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
    with OutputGroup(overwrite=True) as group:
        for path in paths:
            group.add_bytes(path, [make_script(SCRIPTS[path.name], program).encode()])
    return paths


def remove_scripts(folders: Sequence[Path]) -> list[Path]:
    """Remove the scripts from folders, and return the names of those that were there.

    Raises
    ------
    OutputExistsError
        If a file of such a name is not one of ours.
    InputOutputError
        If a file cannot be removed.
    """
    paths = [path for folder in folders for name in SCRIPTS if (path := folder / name).exists()]
    _refuse_foreign(paths)
    for path in paths:
        with disk_errors(path):
            path.unlink()
    return paths


def make_script(algorithm: str, program: str) -> str:
    """Return the text of a script: the parts of the folder ``script`` joined, with one algorithm that QGIS finds.

    Parameters
    ----------
    algorithm : str
        Class of the algorithm.
    program : str
        Python that runs this package.
    """
    command, algorithms, places = (
        (files("insar_runtime") / "_qgis" / "script" / name).read_text(encoding="utf-8")
        for name in ("command.py", "algorithms.py", "places.py")
    )
    head = f"{_MARK} (insar-runtime {__version__}); insar-rt qgis uninstall removes it.\n"
    command = command.replace(_PROGRAM_LINE, f"PROGRAM = {program!a}\n")
    return f"{head}{command}\n\n{_joined(algorithms)}\n\n{_joined(places)}\n\nAlgorithm = {algorithm}\n"


def _joined(text: str) -> str:
    """Return a part without its imports from this package, which QGIS cannot find, and from the future."""
    lines = text.splitlines(keepends=True)
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("insar_runtime", "__future__")):
            lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or node.lineno) - node.lineno + 1)
    return "".join(lines)


def _refuse_foreign(paths: Sequence[Path]) -> None:
    for path in paths:
        with disk_errors(path):
            is_foreign = path.exists() and not (path.is_file() and path.read_bytes().startswith(_MARK.encode()))
        if is_foreign:
            raise OutputExistsError(f"{path} was not written by insar-rt qgis install; rename or remove it first")
