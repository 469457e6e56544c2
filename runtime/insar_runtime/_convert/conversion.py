"""What ``insar-rt convert`` did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was converted.

    Attributes
    ----------
    inputs : tuple of str
    output : str
    product : str or None
        Who makes such files, if that is known.
    rows : int
        Points written.
    left_out : dict of str to int
        Pixels that are no rows, by reason; nothing is left out of a table.
    epochs : int
    first_date, last_date : str
    source_unit, unit_evidence, sign : str
        What is known of the input's series; those of the output are in mm.
    files : dict of str to str
        Files beside the input that were used, by what for.
    notes : tuple of str
        What a person should know.
    bytes : int
        Size of the output.
    seconds : float
    """

    inputs: tuple[str, ...]
    output: str
    product: str | None
    rows: int
    left_out: dict[str, int]
    epochs: int
    first_date: str
    last_date: str
    source_unit: str
    unit_evidence: str
    sign: str
    files: dict[str, str]
    notes: tuple[str, ...]
    bytes: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values."""
        return asdict(self)
