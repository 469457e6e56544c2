"""What a run did, and what a person should know about its input."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from insar_runtime._inference.priors import ClassPriors
from insar_runtime._input.producers import Domain
from insar_runtime._input.understanding import Understanding


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did.

    Attributes
    ----------
    input, output : str
        Names; ``-`` for standard input and output.
    rows : int
        Rows read, which is the number of rows written.
    classes : dict of str to int
        Rows by class after abstention.
    statuses : dict of str to int
        Rows by status, those that occur.
    epochs : int
        Epochs of the file's time axis.
    first_date, last_date : str or None
        ISO dates of the axis.
    layout, producer, unit, unit_evidence, sign : str or None
        What was understood of the input.
    notes : tuple of str
        What a person should know about the input.
    model, model_version, model_sha256, precision, device, provider, device_reason : str
        What really ran.
    priors : ClassPriors
        Mix of classes that the probabilities hold for.
    seconds : float
        Time of the run, without start-up.
    """

    input: str
    output: str
    rows: int
    classes: dict[str, int]
    statuses: dict[str, int]
    epochs: int
    first_date: str | None
    last_date: str | None
    layout: str
    producer: str | None
    unit: str
    unit_evidence: str
    sign: str
    notes: tuple[str, ...]
    model: str
    model_version: str
    model_sha256: str
    precision: str
    device: str
    provider: str
    device_reason: str
    priors: ClassPriors
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Give the summary as plain values."""
        return asdict(self)


def notes_on(understanding: Understanding) -> tuple[str, ...]:
    """Give what a person should know before trusting the classes, one line each."""
    notes = list(understanding.layout.origin.notes)
    if understanding.units.note:
        notes.append(understanding.units.note)
    if understanding.units.sign == "opposite_to_velocity":
        notes.append("the series have the opposite sign of the velocity column")
    if understanding.layout.longitude and understanding.layout.latitude and understanding.position is None:
        notes.append("the columns of longitude and latitude hold no degrees; the output has no geometry")
    if understanding.layout.producer == "EGMS L3":
        notes.append(_on_projected(understanding.layout.domain))
    return tuple(notes)


def _on_projected(domain: Domain) -> str:
    what = {"vertical": "the vertical", "east": "the east-west"}.get(domain, "the vertical or east-west")
    return (
        f"EGMS L3 is projected to {what} component and mixes tracks: an unwrapping error is no multiple of half a "
        f"wavelength there, so take class PUE with care"
    )
