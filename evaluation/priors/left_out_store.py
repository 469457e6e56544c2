"""The file of probabilities of networks for files that they were not trained on, a NumPy archive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.errors import InputNotFoundError

_SMALLEST: Final = 1e-30


@dataclass(frozen=True)
class LeftOutFile:
    """Probabilities of a network that was trained neither on the noise nor on the labels of a file.

    Attributes
    ----------
    name : str
        Name of the file without extension.
    probabilities : ndarray of float32, shape [N, 6]
        Of all rows of the file, for the mix of the training; NaN for rows outside the limits of the network.
    known_label : ndarray of int8, shape [M]
        True classes of known motions in the noise of the file.
    known : ndarray of float32, shape [M, 6]
        Their probabilities.
    """

    name: str
    probabilities: NDArray[np.float32]
    known_label: NDArray[np.int8]
    known: NDArray[np.float32]


def write_left_out(path: Path, files: Iterable[LeftOutFile]) -> None:
    """Write probabilities as float16 of their logarithms, which keeps them within 0.4 %; creates the folder."""
    columns: dict[str, NDArray[np.generic]] = {}
    for file in files:
        columns[f"{file.name}/rows"] = _logarithms(file.probabilities)
        columns[f"{file.name}/known"] = _logarithms(file.known)
        columns[f"{file.name}/label"] = file.known_label
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **columns)  # type: ignore[arg-type]


def read_left_out(path: Path) -> tuple[LeftOutFile, ...]:
    """Read the probabilities; each row with an answer has the sum 1.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    """
    if not path.is_file():
        raise InputNotFoundError(f"{path} is not there; python -m export left-out-files writes it")
    with np.load(path, allow_pickle=False) as columns:
        names = [key.removesuffix("/rows") for key in columns.files if key.endswith("/rows")]
        return tuple(
            LeftOutFile(
                name,
                _probabilities(columns[f"{name}/rows"]),
                columns[f"{name}/label"],
                _probabilities(columns[f"{name}/known"]),
            )
            for name in names
        )


def _logarithms(probabilities: NDArray[np.float32]) -> NDArray[np.float16]:
    return np.log(np.maximum(probabilities, np.float32(_SMALLEST))).astype(np.float16)


def _probabilities(logarithms: NDArray[np.float16]) -> NDArray[np.float32]:
    values = np.exp(logarithms.astype(np.float32))
    return np.asarray(values / values.sum(axis=1, keepdims=True), dtype=np.float32)
