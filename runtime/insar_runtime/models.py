"""Models: what is shipped, what a model file promises, and the check that it is the released one."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, Literal, get_args

from insar_runtime._engine.class_priors import ClassPriors
from insar_runtime._engine.priors import make_priors
from insar_runtime.classes import CLASS_NAMES, SEED_CLASS_NAMES
from insar_runtime.errors import ModelIntegrityError, UnavailableError

Precision = Literal["fp32", "int8"]

DEFAULT_MODEL: Final = "trend-net"
_MODEL_FILE: Final = "model.json"
_SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model was made for; rows outside get a status instead of a class.

    Attributes
    ----------
    min_epochs, max_epochs : int
        Valid epochs of a row, and epochs of a file.
    max_gap_days : int
        Longest time between two neighbouring valid epochs.
    max_range_mm : int
        Largest difference between two displacements of a row.
    """

    min_epochs: int
    max_epochs: int
    max_gap_days: int
    max_range_mm: int


@dataclass(frozen=True, slots=True)
class FasterOnCpu:
    """Which precision is the faster on a processor, as ``model.json`` says; int8 where it says nothing.

    Attributes
    ----------
    int8_dot_product : {"fp32", "int8"}
        On a processor with instructions for dot products of int8.
    plain : {"fp32", "int8"}
        On any other.
    """

    int8_dot_product: Precision = "int8"
    plain: Precision = "int8"

    def __post_init__(self) -> None:
        for precision in (self.int8_dot_product, self.plain):
            if precision not in get_args(Precision):
                raise ValueError(f"{precision!r} is no precision")


@dataclass(frozen=True, slots=True)
class Model:
    """A model on disk, as its ``model.json`` describes it.

    Attributes
    ----------
    name, version : str
        Of the model; independent of the package's version.
    classes : tuple of str
        Names of the model's outputs in their order: ``CLASS_NAMES``, or the first five of them.
    stable_rate_mm_yr : float or None
        Rate in mm/yr that divides Stable from Linear in the training; None where no single rate does.
    limits : Limits
        What the model was made for.
    abstain_below : float
        Confidence below which a row gets no class.
    unsure_below : float
        Confidence under the mix of the training below which a row gets no class, whatever priors say: the network was
        taught to be unsure of what no class describes. 0 for a network that was not.
    half_wavelength_mm : float
        Half wavelength of the radar that the model was trained for.
    training_priors : ClassPriors
        Mix of classes in the training, for which the probabilities hold as the network gives them.
    faster_on_cpu : FasterOnCpu
        Which precision to take on a CPU.
    card : Mapping
        The whole of ``model.json``.
    folder : Traversable
        Where the files are.
    """

    name: str
    version: str
    classes: tuple[str, ...]
    stable_rate_mm_yr: float | None
    limits: Limits
    abstain_below: float
    unsure_below: float
    half_wavelength_mm: float
    training_priors: ClassPriors
    faster_on_cpu: FasterOnCpu
    card: Mapping[str, Any]
    folder: Traversable

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """Precisions in which the model is shipped."""
        return tuple(self.card["files"])

    def sha256(self, precision: Precision) -> str:
        """Return the SHA-256 of the released file, in hexadecimal."""
        return str(self.card["files"][precision]["sha256"])

    def read(self, precision: Precision) -> bytes:
        """Read an ONNX file and check that it is the released one.

        Raises
        ------
        UnavailableError
            If the model is not shipped in this precision or the file is missing.
        ModelIntegrityError
            If the bytes differ from the released ones. onnxruntime itself loads a file with a flipped bit
            without complaint.
        """
        if precision not in self.precisions:
            offered = ", ".join(self.precisions)
            raise UnavailableError(f"model {self.name} has no {precision} file; it has {offered}")
        name = self.card["files"][precision]["file"]
        try:
            data: bytes = (self.folder / name).read_bytes()
        except OSError as error:
            raise UnavailableError(f"model file {name} cannot be read ({error}); install again") from error
        found = hashlib.sha256(data).hexdigest()
        if found != self.sha256(precision):
            raise ModelIntegrityError(
                f"model file {name} has SHA-256 {found[:12]}..., released was "
                f"{self.sha256(precision)[:12]}...; install the package again"
            )
        return data


def list_models() -> tuple[str, ...]:
    """Return the names of the shipped models, the default one first."""
    shipped = _shipped()
    folders = shipped.iterdir() if shipped.is_dir() else ()
    names = sorted(entry.name for entry in folders if (entry / _MODEL_FILE).is_file())
    return tuple(sorted(names, key=lambda name: name != DEFAULT_MODEL))


def load_model(model: str | Path | None = None) -> Model:
    """Find a model by its name, or by the path of a folder that ``python -m export`` has made.

    Parameters
    ----------
    model : str or Path, optional
        Name of a shipped model, or a folder with a ``model.json``; the default model if not given.

    Raises
    ------
    UnavailableError
        If there is no such model.
    ModelIntegrityError
        If its ``model.json`` is damaged or was written for another version of this package.
    """
    name = DEFAULT_MODEL if model is None else str(model)
    # Shipped names first: a folder that happens to lie where one works must not take a model's place.
    folder: Traversable = _shipped() / name if name in list_models() else Path(name)
    if not name or not (folder / _MODEL_FILE).is_file():
        shipped = ", ".join(list_models()) or "none"
        raise UnavailableError(
            f"there is no model {name!r}; shipped are {shipped}, and a folder with a {_MODEL_FILE} is taken too"
        )
    try:
        card = json.loads((folder / _MODEL_FILE).read_bytes())
        if not all(set(file) >= {"file", "sha256", "bytes"} for file in card["files"].values()) or not card["metrics"]:
            raise ModelIntegrityError(f"{_MODEL_FILE} of {name} does not describe its files; install it again")
        classes = tuple(card["classes"])
        if card["schema"] != _SCHEMA or classes not in {CLASS_NAMES, SEED_CLASS_NAMES}:
            raise ModelIntegrityError(
                f"{_MODEL_FILE} of {name} has schema {card['schema']} and classes {card['classes']}; "
                f"this package knows schema {_SCHEMA} and {list(CLASS_NAMES)}, with or without the last"
            )
        return Model(
            name=card["name"],
            version=card["version"],
            classes=classes,
            stable_rate_mm_yr=_positive(card.get("stable_rate_mm_yr")),
            limits=Limits(**{key: int(value) for key, value in card["limits"].items()}),
            abstain_below=float(card["thresholds"]["abstain_below"]),
            unsure_below=float(card["thresholds"].get("unsure_below", 0)),
            half_wavelength_mm=float(card["half_wavelength_mm"]),
            training_priors=_training_priors(card, classes),
            faster_on_cpu=FasterOnCpu(**card.get("faster_on_cpu", {})),
            card=card,
            folder=folder,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelIntegrityError(f"{_MODEL_FILE} of {name} is damaged ({error!r}); install it again") from error


def _training_priors(card: Mapping[str, Any], classes: tuple[str, ...]) -> ClassPriors:
    priors = make_priors(card.get("training_priors", [1.0] * len(classes)), "training")
    if len(priors.shares) != len(classes):
        raise ValueError(f"{len(priors.shares)} training priors for {len(classes)} classes")
    return priors


def _positive(value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and value > 0):
        raise ValueError(f"{value!r} is no rate above 0")
    return None if value is None else float(value)


def _shipped() -> Traversable:
    return files("insar_runtime") / "models"
