"""What the classifier says about a set of series, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._engine.class_priors import ClassPriors
from insar_runtime._engine.row_checks import RowChecks
from insar_runtime._engine.row_labels import RowLabels
from insar_runtime.classes import CLASS_NAMES, NO_CLASS, STATUS_NAMES, RowStatus, TrendClass

_LABEL: Final = pa.dictionary(pa.int8(), pa.string())

RESULT_SCHEMA: Final = pa.schema(
    [
        pa.field("class_id", pa.int8()),
        pa.field("class_name", _LABEL),
        pa.field("class_top", pa.int8()),
        pa.field("confidence", pa.float32()),
        *(pa.field(f"p_{name.lower()}", pa.float32()) for name in CLASS_NAMES),
        pa.field("status", _LABEL),
        pa.field("n_epochs", pa.int16()),
        pa.field("max_gap_days", pa.int16()),
    ]
)
"""Columns that classification adds to a table."""

NO_CLASS_NAME: Final = "no class"
"""Name under which rows without a class are counted."""


@dataclass(frozen=True, slots=True)
class Result:
    """Classes of N series, one value per series in every column.

    Attributes
    ----------
    class_id : ndarray of int8, shape [N]
        Class after abstention; -1 where there is none.
    class_top : ndarray of int8, shape [N]
        Most probable class, also where the classifier abstains; -1 where the status forbids a class.
    confidence : ndarray of float32, shape [N]
        Calibrated probability of ``class_top``; NaN where there is none.
    probabilities : ndarray of float32, shape [N, 6]
        Calibrated probabilities in the order of ``CLASS_NAMES``, sum 1; NaN where the status forbids them. A model of
        five classes leaves NaN in the last column.
    status : ndarray of int8, shape [N]
        ``RowStatus``.
    n_epochs, max_gap_days : ndarray of int16, shape [N]
        Epochs with a value, and the longest time in days between two neighbouring ones.
    priors : ClassPriors or None
        Mix of classes that the probabilities hold for; None of a result that ``Classifier.classify`` has not given.

    Examples
    --------
    >>> result = classifier.classify(displacement, dates)
    >>> result.counts()
    {'Stable': 812, 'Linear': 120, 'Quadratic': 9, 'Bilinear': 14, 'PUE': 21, 'Other': 4, 'no class': 20}
    >>> result.to_pandas().query("class_name == 'Linear' and confidence > 0.9")
    """

    class_id: NDArray[np.int8]
    class_top: NDArray[np.int8]
    confidence: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    status: NDArray[np.int8]
    n_epochs: NDArray[np.int16]
    max_gap_days: NDArray[np.int16]
    priors: ClassPriors | None = None
    _labels: RowLabels = field(default_factory=RowLabels, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.class_id)

    @property
    def class_name(self) -> list[str | None]:
        """Names of the classes; None where there is none."""
        return [CLASS_NAMES[i] if i >= 0 else None for i in self.class_id.tolist()]

    @property
    def status_name(self) -> list[str]:
        """Names of the states, one of ``STATUS_NAMES`` a series."""
        return [STATUS_NAMES[i] for i in self.status.tolist()]

    def __repr__(self) -> str:
        shares = (f"{name} {count / len(self):.1%}" for name, count in self.counts().items() if count)
        return f"Result({len(self)} series: {', '.join(shares) or 'no rows'})"

    def _repr_html_(self) -> str:
        """Return the counts as a table, which notebooks show."""
        rows = "".join(
            f"<tr><td>{name}</td><td>{count}</td><td>{count / max(len(self), 1):.1%}</td></tr>"
            for name, count in self.counts().items()
        )
        return f"<table><tr><th>class</th><th>series</th><th>share</th></tr>{rows}</table>"

    def counts(self) -> dict[str, int]:
        """Return the number of series of each class after abstention, and of those with ``"no class"``."""
        numbers = np.bincount(self.class_id.astype(np.intp) - NO_CLASS, minlength=len(CLASS_NAMES) - NO_CLASS).tolist()
        return dict(zip((*CLASS_NAMES, NO_CLASS_NAME), (*numbers[1:], numbers[0]), strict=True))

    def to_pandas(self) -> Any:
        """Return the columns of ``to_arrow`` as a ``pandas.DataFrame``; names of classes and states are categories.

        Its index is that of the data frame that was classified. The rows of a raster have its coordinates as index,
        other rows their numbers.

        Raises
        ------
        UnavailableError
            If pandas is not installed.
        """
        return self._labels.to_frame(self.to_arrow())

    def to_xarray(self) -> Any:
        """Return the result as an ``xarray.Dataset`` of the shape of the DataArray that was classified, without time.

        Its coordinates are kept. The variables are the arrays of this object, ``probabilities`` with a further
        dimension ``class``; ``class_id``, ``class_top`` and ``status`` have ``flag_values`` and ``flag_meanings`` by
        the CF conventions. Series that came as another object have one dimension, ``row``.

        Raises
        ------
        UnavailableError
            If xarray is not installed.
        """
        classes = _flags((NO_CLASS_NAME, *CLASS_NAMES), first=NO_CLASS)
        columns: dict[str, tuple[NDArray[Any], tuple[str, ...], dict[str, Any]]] = {
            "class_id": (self.class_id, (), classes),
            "class_top": (self.class_top, (), classes),
            "confidence": (self.confidence, (), {"long_name": "probability of class_top"}),
            "probabilities": (self.probabilities, ("class",), {}),
            "status": (self.status, (), _flags(STATUS_NAMES)),
            "n_epochs": (self.n_epochs, (), {}),
            "max_gap_days": (self.max_gap_days, (), {}),
        }
        return self._labels.to_dataset(columns).assign_coords({"class": list(CLASS_NAMES)})

    def to_arrow(self) -> pa.RecordBatch:
        """Return the columns that ``insar-rt classify`` adds to a table; null where there is no class.

        ``p_other`` is null in all rows of a model of five classes.
        """
        answered = (self.status == RowStatus.OK) | (self.status == RowStatus.ABSTAINED)
        nothing = ~answered
        columns = [
            pa.array(self.class_id),
            _named(self.class_id, CLASS_NAMES, self.class_id == NO_CLASS),
            pa.array(self.class_top),
            pa.array(self.confidence, mask=nothing),
            *(pa.array(shares, mask=nothing | np.isnan(shares)) for shares in self.probabilities.T),
            _named(self.status, STATUS_NAMES, None),
            pa.array(self.n_epochs),
            pa.array(self.max_gap_days),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=RESULT_SCHEMA)


def join_parts(parts: Iterable[tuple[slice | NDArray[np.intp], Result]], count: int) -> Result:
    """Return the result of all rows from those of parts of them.

    Parameters
    ----------
    parts : iterable of (rows, Result)
        Which rows each is of; all together have each row once.
    count : int
        Number of rows.
    """
    names = [field.name for field in fields(Result) if field.name not in {"priors", "_labels"}]
    columns: dict[str, NDArray[Any]] = {}
    for rows, part in parts:
        for name in names:
            values = getattr(part, name)
            columns.setdefault(name, np.empty((count, *values.shape[1:]), values.dtype))[rows] = values
    return Result(**columns)  # type: ignore[arg-type]


def decide(
    probabilities: NDArray[np.float32],
    answered: NDArray[np.bool_],
    checks: RowChecks,
    abstain_below: float,
    unsure: NDArray[np.bool_],
    *,
    limit_is_stated: bool = False,
) -> Result:
    """Turn probabilities into classes.

    Parameters
    ----------
    probabilities : ndarray of float32, shape [number of True in ``answered``, number of classes of the model]
        For the rows that were given to the network; the first five classes, or all six.
    answered : ndarray of bool, shape [N]
        Which rows these are.
    checks : RowChecks
        Of all N rows.
    abstain_below : float
        Confidence below which a row gets no class.
    unsure : ndarray of bool, shape [number of True in ``answered``]
        Rows that get no class however confident the probabilities are.
    limit_is_stated : bool
        See ``sureness``.
    """
    rows = len(answered)
    everything = np.full((rows, len(CLASS_NAMES)), np.nan, dtype=np.float32)
    everything[answered, : probabilities.shape[1]] = probabilities
    top = np.full(rows, NO_CLASS, dtype=np.int8)
    top[answered] = probabilities.argmax(axis=1)
    confidence = np.full(rows, np.nan, dtype=np.float32)
    confidence[answered] = probabilities.max(axis=1)
    abstained = np.zeros(rows, dtype=np.bool_)
    abstained[answered] = unsure | ~(sureness(probabilities, limit_is_stated=limit_is_stated) >= abstain_below)
    status = np.where(abstained, np.int8(RowStatus.ABSTAINED), checks.status)
    return Result(
        class_id=np.where(abstained, np.int8(NO_CLASS), top),
        class_top=top,
        confidence=confidence,
        probabilities=everything,
        status=status,
        n_epochs=checks.n_epochs,
        max_gap_days=checks.max_gap_days,
    )


def sureness(probabilities: NDArray[np.float32], *, limit_is_stated: bool) -> NDArray[np.float32]:
    """Return the probability that decides whether a row gets a class.

    Stable and Linear differ by the rate alone. Where the limit between them is a stated number, a steady series whose
    rate lies near it is no unclear case: the two count together, and the more probable one is its class.

    Parameters
    ----------
    probabilities : ndarray of float32, shape [N, number of classes of the model]
        Of rows with an answer.
    limit_is_stated : bool
        Whether the model states the rate between Stable and Linear.

    Returns
    -------
    ndarray of float32, shape [N]
        Probability of the most probable class, or of Stable and Linear together where it is one of them.
    """
    sure = probabilities.max(axis=1, initial=0)
    if not limit_is_stated or not len(probabilities):
        return np.asarray(sure)
    steady = probabilities.argmax(axis=1) <= TrendClass.LINEAR
    both = probabilities[:, TrendClass.STABLE] + probabilities[:, TrendClass.LINEAR]
    return np.where(steady, both, sure)


def _flags(names: Sequence[str], first: int = 0) -> dict[str, Any]:
    """Return the attributes of a variable of codes by the CF conventions, 3.5; their words have no blanks."""
    values = np.arange(first, first + len(names), dtype=np.int8)
    return {"flag_values": values, "flag_meanings": " ".join(name.replace(" ", "_") for name in names)}


def _named(ids: NDArray[np.int8], names: tuple[str, ...], null: Any) -> pa.DictionaryArray:
    indices = pa.array(ids, mask=null)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))
