"""The summary of a run: what was read, which model ran, and how many rows each class has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from insar_runtime._engine.class_priors import ClassPriors, priors_of_block
from insar_runtime._findings.finding import Finding

_SAME: Final = (
    "rows", "classes", "statuses", "model", "model_version", "model_sha256", "precision", "device", "provider",
    "device_reason", "parameters", "input_sha256",
)  # fmt: skip
_OF_INPUT: Final = ("layout", "producer", "unit", "unit_evidence", "sign")
"""Keys of the metadata, and of what they say of the input, that are part of a summary under the same names."""


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
        Description of the input.
    notes : tuple of str
        What a person should know about the input.
    findings : tuple of Finding
        Reasons to doubt classes, found in a sample of the rows and in the counts of the run: code, sentence, value.
    model, model_version, model_sha256, precision, device, provider, device_reason : str
        What really ran.
    priors : ClassPriors
        Mix of classes that the probabilities hold for.
    parameters : dict of str to object
        What was asked for, and what follows from it.
    input_sha256 : str or None
        Of the input file; None for a stream.
    seconds : float
        Time of the run, without start-up.
    more_outputs : tuple of str
        Files that were written beside ``output``.
    skipped : bool
        Whether nothing was done, because the outputs of such a run were there.
    diagnosis : dict of str to int, or None
        Rows with a break, with jumps, repaired and so on, as ``insar_runtime.Diagnosis.counts`` names them; None if
        they were not diagnosed.
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
    parameters: dict[str, Any]
    input_sha256: str | None
    seconds: float
    more_outputs: tuple[str, ...] = ()
    skipped: bool = False
    diagnosis: dict[str, int] | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def bad_rows(self) -> int:
        """Rows that cannot be classified as they are; abstention is an answer."""
        return self.rows - self.statuses.get("ok", 0) - self.statuses.get("abstained", 0)

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values."""
        return asdict(self)


def is_complete(block: Mapping[str, Any]) -> bool:
    """Whether the metadata of an output have all that a summary takes."""
    if not {*_SAME, "input", "notes", "findings", "priors"} <= set(block) or block["priors"] is None:
        return False
    diagnosed = "diagnosis" not in block or "counts" in (block["diagnosis"] or {})
    return diagnosed and {*_OF_INPUT, "dates"} <= set(block["input"])


def summarize(
    block: Mapping[str, Any],
    source: str,
    outputs: tuple[str, ...],
    *,
    seconds: float = 0.0,
    skipped: bool = False,
) -> Summary:
    """Return the summary of a run from the metadata that its outputs carry."""
    read = block["input"]
    return Summary(
        input=source,
        output=outputs[0],
        epochs=len(read["dates"]),
        first_date=read["dates"][0] if read["dates"] else None,
        last_date=read["dates"][-1] if read["dates"] else None,
        notes=tuple(block["notes"]),
        findings=tuple(Finding(**finding) for finding in block["findings"]),
        priors=priors_of_block(block["priors"]),
        seconds=round(seconds, 3),
        more_outputs=outputs[1:],
        skipped=skipped,
        diagnosis=block["diagnosis"]["counts"] if "diagnosis" in block else None,
        **{name: read[name] for name in _OF_INPUT},
        **{name: block[name] for name in _SAME},
    )
