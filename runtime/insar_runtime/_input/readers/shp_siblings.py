"""Files that belong together under one name: .shp, .dbf, .shx, .cpg and .prj."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_OF_SHAPES: Final = (".dbf", ".shx", ".cpg", ".prj")
_OF_TABLES: Final = (".cpg",)


def find_sibling(path: Path, suffix: str) -> Path | None:
    """Return the file beside another one that has its name and an extension, in capitals or not; None if there is none.

    Parameters
    ----------
    path : Path
        Of the other file.
    suffix : str
        Extension with its dot, in small letters.
    """
    found = (path.with_suffix(spelled) for spelled in (suffix, suffix.upper(), suffix.title()))
    return next((sibling for sibling in found if sibling.is_file()), None)


def parts_of(path: Path) -> list[Path]:
    """Return the files that a table is read from: of a shapefile all of its parts, of others the file alone.

    Parameters
    ----------
    path : Path
        Of the input.
    """
    suffixes = {".shp": _OF_SHAPES, ".dbf": _OF_TABLES}.get(path.suffix.lower(), ())
    return [path, *(sibling for suffix in suffixes if (sibling := find_sibling(path, suffix)) is not None)]
