"""Probabilities of all rows of the real files, and of known motions in their noise, by networks that learned neither.

``python -m evaluation priors`` compares rules for the mix of classes on these probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.priors.known_motions import known_motions
from evaluation.priors.left_out_store import LeftOutFile, write_left_out
from export import prove
from export.left_out import FOLDS, LeftOutConfig, classify, fold_network, int8_session
from insar_runtime._engine.row_checks import check_rows
from insar_runtime.classes import RowStatus
from training.announce import Announce
from training.dataset import LIMITS
from training.real_files import REAL_FILES, STAMPS_FILE, read_real
from training.simulator.bank import quiet_residuals

_SEED: Final = 31_006
_ROWS_PER_CALL: Final = 256


def classify_left_out_files(
    config: LeftOutConfig,
    real: Path,
    path: Path,
    *,
    work: Path,
    announce: Announce,
    folds: Mapping[str, Sequence[str]] = FOLDS,
) -> None:
    """Classify all rows of the real files, and known motions in their noise, and write the probabilities.

    Parameters
    ----------
    config : LeftOutConfig
        Settings of the training of the folds.
    real : Path
        Folder of the project's real files.
    path : Path
        File to write, see ``evaluation.priors.left_out_store``.
    work : Path
        Folder of the trained folds, as for ``leave_files_out``; missing ones are trained.
    announce : callable
        Function that receives progress messages.
    folds : mapping of str to sequence of str
        Names of the files that are left out together.
    """
    files = {file.name: file for file in (*REAL_FILES, STAMPS_FILE)}
    found: list[LeftOutFile] = []
    for name, left_out in folds.items():
        session = int8_session(fold_network(name, left_out, config, real, work=work, announce=announce), config)
        for stem in left_out:
            displacement, days = read_real(real, files[stem])
            answered = check_rows(displacement, days, LIMITS).status == RowStatus.OK
            probabilities = np.full((len(displacement), 6), np.nan, dtype=np.float32)
            probabilities[answered] = classify(session, displacement[answered], days)
            motions = known_motions(quiet_residuals(stem, displacement, days), seed=_SEED)
            known = prove.run(session, motions.displacement, np.ascontiguousarray(motions.days), _ROWS_PER_CALL)
            found.append(LeftOutFile(stem, probabilities, motions.label, _float32(known)))
        announce(f"{name}: classified")
    write_left_out(path, found)


def _float32(values: object) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)
