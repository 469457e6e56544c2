"""The plan of a table: its description, what is kept of it, and how its rows are diagnosed, fixed before the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.table import TableDescription
from insar_runtime._pipeline.diagnosis_setup import DiagnosisSetup
from insar_runtime._pipeline.output_columns import added_fields, kept_fields, refuse_taken_names, renamed_columns

if TYPE_CHECKING:
    from insar_runtime._diagnosis.noise.noise_model import FileNoise


@dataclass(frozen=True, slots=True, eq=False)
class TablePlan:
    """What is done with the rows of a table; small enough to be sent to workers.

    Attributes
    ----------
    description : TableDescription
        Of the table.
    keep_series : bool
        Whether the output keeps the series.
    diagnosis : DiagnosisSetup or None
        How the rows are diagnosed, if they are.
    neighbours : bool
        Whether the neighbours of a point that jumps are looked at.

    Raises
    ------
    DataError
        If the input has a column of the same name as one that would be added.
    """

    description: TableDescription
    keep_series: bool = False
    diagnosis: DiagnosisSetup | None = None
    neighbours: bool = False

    def __post_init__(self) -> None:
        refuse_taken_names(
            self.description, keep_series=self.keep_series, diagnosed=self.diagnosed, neighbours=self.neighbours
        )

    @property
    def diagnosed(self) -> bool:
        """Whether the rows are diagnosed."""
        return self.diagnosis is not None

    @property
    def kept(self) -> list[str]:
        """Names of the columns of the input that are kept, as the input names them."""
        return self.description.kept(keep_series=self.keep_series)

    @property
    def renamed(self) -> dict[str, str]:
        """Columns of the input that are kept under another name, with that name."""
        return renamed_columns(
            self.description, keep_series=self.keep_series, diagnosed=self.diagnosed, neighbours=self.neighbours
        )

    @property
    def added(self) -> pa.Schema:
        """Columns that are added."""
        return pa.schema(added_fields(self.description, diagnosed=self.diagnosed, neighbours=self.neighbours))

    @property
    def schema(self) -> pa.Schema:
        """Columns of the output: those that are kept, then those that are added."""
        kept = kept_fields(
            self.description, keep_series=self.keep_series, diagnosed=self.diagnosed, neighbours=self.neighbours
        )
        return pa.schema([*kept, *self.added])


def plan_table(
    description: TableDescription,
    declared: UserDeclarations,
    *,
    keep_series: bool,
    diagnose: Diagnose | None,
    noise: FileNoise | None,
    neighbours: bool = False,
) -> TablePlan:
    """Return the plan of a table.

    Parameters
    ----------
    description : TableDescription
        Of the table.
    declared : UserDeclarations
        What the user declares of the table; the wavelength only if the user names one.
    keep_series : bool
        Whether the output keeps the series.
    diagnose : Diagnose or None
        How the rows are diagnosed, if they are.
    noise : FileNoise or None
        Of the table, if its rows are diagnosed.
    neighbours : bool
        Whether the neighbours of a point that jumps are looked at.

    Raises
    ------
    DataError
        If the input has a column of the same name as one that would be added.
    ValueError
        If rows are to be diagnosed and there is no noise.
    """
    setup = None
    if diagnose is not None:
        if noise is None:
            raise ValueError("rows are to be diagnosed, and there is no noise of the table; estimate it first")
        setup = DiagnosisSetup.of(description, diagnose, noise, declared)
    return TablePlan(description, keep_series, setup, neighbours)
