"""Models: what is shipped, what a model file promises, and the check that it is the released one."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, Literal, get_args

from insar_runtime._engine import card_fields
from insar_runtime._engine.card_fields import MOST_EPOCHS, Fields, check_files, parse_card
from insar_runtime._engine.class_priors import ClassPriors
from insar_runtime._engine.model_folder import read_file, shown, unreadable
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
                raise ValueError(f"{precision!r} is not a precision")


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
    shipped : bool
        Whether it is part of the installed package. A folder of anyone else is checked more closely.
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
    shipped: bool = False

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
        return self._read_released(self.card["files"][precision])

    def read_golden(self, precision: Precision) -> bytes | None:
        """Read the golden vectors of a precision and check that they are the released ones; None without any.

        Raises
        ------
        UnavailableError
            If the file is missing.
        ModelIntegrityError
            If the bytes differ from the released ones.
        """
        entry = self.card.get("golden", {}).get(precision)
        return None if entry is None else self._read_released(entry)

    def _read_released(self, entry: Mapping[str, Any]) -> bytes:
        name, released = entry["file"], entry["sha256"]
        data = read_file(self.folder, name)
        found = hashlib.sha256(data).hexdigest()
        if found != released:
            raise ModelIntegrityError(
                f"model file {name} has SHA-256 {found[:12]}..., released was "
                f"{released[:12]}...; install the package again"
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
    InputOutputError
        If its folder or its ``model.json`` cannot be read.
    ModelIntegrityError
        If its ``model.json`` is damaged or was written for another version of this package.
    """
    name = DEFAULT_MODEL if model is None else str(model)
    # Shipped names first: a folder that happens to lie where one works must not take a model's place.
    shipped = name in list_models()
    folder: Traversable = _shipped() / name if shipped else Path(name)
    if not name or not _is_there(folder):
        offered = ", ".join(list_models()) or "none"
        raise UnavailableError(
            f"there is no model {shown(name, 200)}; shipped are {offered}, "
            f"and a folder with a {_MODEL_FILE} is accepted too"
        )
    data = read_file(folder, _MODEL_FILE, card_fields.MOST_BYTES)
    try:
        return _describe(parse_card(data), folder, shipped=shipped)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelIntegrityError(
            f"{_MODEL_FILE} of {shown(name, 200)} is damaged ({str(error)[:200]}); install it again"
        ) from error


def _is_there(folder: Traversable) -> bool:
    if not isinstance(folder, Path):
        return (folder / _MODEL_FILE).is_file()
    # Whether is_file raises where permission is denied depends on the version of Python.
    try:
        return stat.S_ISREG(os.stat(folder / _MODEL_FILE).st_mode)  # noqa: PTH116
    except PermissionError as error:
        raise unreadable(f"model folder {shown(str(folder), 200)}", error) from error
    except (OSError, ValueError):  # a name that is too long, or no name of a file
        return False


def _describe(card: dict[str, Any], folder: Traversable, *, shipped: bool) -> Model:
    """Check every field of a ``model.json`` that something reads, and describe the model."""
    fields = Fields(card)
    schema = fields.whole("schema", 0, 1000)
    classes = tuple(card["classes"]) if isinstance(card.get("classes"), list) else ()
    if schema != _SCHEMA or classes not in (CLASS_NAMES, SEED_CLASS_NAMES):
        raise ValueError(
            f"it has schema {schema} and classes {shown(card.get('classes'))}; this package knows "
            f"schema {_SCHEMA} and {', '.join(CLASS_NAMES)}, with or without the last"
        )
    if not fields.part("metrics").values:
        raise ValueError("metrics is empty")
    for name in ("inputs", "output", "definitions", "training", "quantization", "operators", "keras"):
        fields.part(name, {})
    check_files(fields, get_args(Precision))
    limits, thresholds = fields.part("limits"), fields.part("thresholds")
    fewest = limits.whole("min_epochs", 1, MOST_EPOCHS)
    faster = fields.part("faster_on_cpu", {}).values
    return Model(
        name=fields.text("name"),
        version=fields.text("version"),
        classes=classes,
        stable_rate_mm_yr=_rate(fields),
        limits=Limits(
            min_epochs=fewest,
            max_epochs=limits.whole("max_epochs", fewest, MOST_EPOCHS),
            max_gap_days=limits.whole("max_gap_days", 1, 1_000_000),
            max_range_mm=limits.whole("max_range_mm", 1, 1_000_000),
        ),
        abstain_below=thresholds.number("abstain_below", 0, 1),
        unsure_below=thresholds.number("unsure_below", 0, 1, 0.0),
        half_wavelength_mm=fields.number("half_wavelength_mm", 1, 1000),
        training_priors=_training_priors(fields, classes),
        faster_on_cpu=FasterOnCpu(**faster),
        card=card,
        folder=folder,
        shipped=shipped,
    )


def _training_priors(fields: Fields, classes: tuple[str, ...]) -> ClassPriors:
    priors = make_priors(fields.numbers("training_priors", [1.0] * len(classes)), "training")
    if len(priors.shares) != len(classes):
        raise ValueError(f"{len(priors.shares)} training priors for {len(classes)} classes")
    return priors


def _rate(fields: Fields) -> float | None:
    known = fields.values.get("stable_rate_mm_yr") is not None
    return fields.number("stable_rate_mm_yr", 1e-3, 1e4) if known else None


def _shipped() -> Traversable:
    return files("insar_runtime") / "models"
