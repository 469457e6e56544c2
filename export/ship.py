"""Copy a model from its record to the run-time package."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def ship(folder: Path, card: dict[str, Any], ship_to: Path, *, announce: Callable[[str], None]) -> None:
    """Copy what the run-time needs of a record to the folder of shipped models.

    Parameters
    ----------
    folder : Path
        The record.
    card : dict
        Its ``model.json``.
    ship_to : Path
        Folder of shipped models.
    announce : callable
        Receives one line for people.
    """
    shipped = ship_to / card["name"]
    shipped.mkdir(parents=True, exist_ok=True)
    entries = (*card["files"].values(), *card.get("golden", {}).values())
    for file in ("model.json", *(entry["file"] for entry in entries)):
        shutil.copyfile(folder / file, shipped / file)
    announce(f"shipped to {shipped}")
