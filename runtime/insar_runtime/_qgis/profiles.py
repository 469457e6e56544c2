"""Folders of scripts in the profiles of QGIS, on Linux, macOS and Windows."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from insar_runtime.errors import InputNotFoundError

_VERSIONS: Final = ("QGIS3", "QGIS4")
_SCRIPTS: Final = Path("processing", "scripts")
_FLATPAK: Final = Path(".var", "app", "org.qgis.qgis", "data", "QGIS")


def script_folders(
    profile: str | None,
    environment: Mapping[str, str],
    home: Path,
    platform: str = sys.platform,
) -> list[Path]:
    """Return the folders of scripts of all profiles of QGIS 3 and 4, or of those of one name.

    Parameters
    ----------
    profile : str or None
        Name of a profile; None for all.
    environment : mapping of str to str
        ``QGIS_CUSTOM_CONFIG_PATH`` takes the place of all other folders, as in QGIS; ``APPDATA`` and
        ``XDG_DATA_HOME`` say where the system keeps data of programs.
    home : Path
        Home folder of the user.
    platform : str
        As ``sys.platform``.

    Raises
    ------
    InputNotFoundError
        If there is no such profile.
    """
    profiles = [
        folder
        for root in _roots(environment, home, platform)
        for folder in (sorted(root.iterdir()) if root.is_dir() else ())
        if folder.is_dir()
    ]
    if not profiles:
        looked = " or ".join(str(root) for root in _roots(environment, home, platform))
        raise InputNotFoundError(
            f"there is no profile of QGIS in {looked}; start QGIS once, or name its folder of scripts with --folder"
        )
    found = [folder / _SCRIPTS for folder in profiles if profile in {None, folder.name}]
    if not found:
        names = ", ".join(sorted({folder.name for folder in profiles}))
        raise InputNotFoundError(f"QGIS has no profile {profile}; it has {names}")
    return found


def _roots(environment: Mapping[str, str], home: Path, platform: str) -> Iterator[Path]:
    """Yield the folders that may hold profiles."""
    if own := environment.get("QGIS_CUSTOM_CONFIG_PATH"):
        yield Path(own) / "profiles"
        return
    if platform == "win32":
        base = Path(environment.get("APPDATA") or home / "AppData" / "Roaming") / "QGIS"
    elif platform == "darwin":
        base = home / "Library" / "Application Support" / "QGIS"
    else:
        base = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share") / "QGIS"
    for version in _VERSIONS:
        yield base / version / "profiles"
    if platform not in {"win32", "darwin"}:
        for version in _VERSIONS:
            yield home / _FLATPAK / version / "profiles"
