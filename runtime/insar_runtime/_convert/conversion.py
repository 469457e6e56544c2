"""Summary of a conversion."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Conversion:
    """Summary of one call of ``convert``.

    Attributes
    ----------
    inputs : tuple of str
    output : str
    product : str or None
        Producer of the input, if known.
    rows : int
        Points written.
    left_out : dict of str to int
        Number of pixels that were left out, by reason; no row of a table is left out.
    epochs : int
    first_date, last_date : str
    source_unit, unit_evidence, sign : str
        Of the input; the series of the output are in mm.
    files : dict of str to str
        Files beside the input that were used, by their role.
    notes : tuple of str
        Remarks for people.
    bytes : int
        Size of the output.
    seconds : float
        Time of the conversion.
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
