"""Cache of the probabilities of contestants on disk, so that an interrupted run can continue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from evaluation.benchmark.contestants import Entry, slug
from evaluation.benchmark.sets import Cell
from training.announce import Announce
from training.paper_run import digest


class Answers:
    """Cache of probabilities by contestant and cell.

    Parameters
    ----------
    folder : Path
        Folder of the cache. A changed contestant or a changed cell is computed again; a change of the code of a
        contestant is not detected, so empty the folder after such a change.
    announce : callable
        Function that receives a message for each contestant that is computed.
    """

    def __init__(self, folder: Path, announce: Announce) -> None:
        self._folder = folder
        self._announce = announce
        self._digests: dict[str, str] = {}

    def of(self, entry: Entry, cell: Cell) -> NDArray[np.float32]:
        """Return the probabilities [N, 5] or [N, 6] of a contestant for the series of a cell."""
        name = f"{slug(cell.name)}-{self._digest(cell)}.npy"
        kept = self._folder / f"{slug(entry.name)}-{entry.key}" / name
        if kept.is_file():
            return np.asarray(np.load(kept), dtype=np.float32)
        if not kept.parent.is_dir():
            self._announce(f"classifying with {entry.name}")
            kept.parent.mkdir(parents=True)
        with threadpool_limits(1):
            found = entry.contestant.probabilities(cell.series)
        fresh = kept.with_suffix(".new.npy")
        np.save(fresh, found)
        fresh.replace(kept)
        return found

    def _digest(self, cell: Cell) -> str:
        if cell.name not in self._digests:
            self._digests[cell.name] = digest(cell.series)
        return self._digests[cell.name]
