"""What the object of a caller says of its rows: the index of a data frame, or the axes of a raster.

pandas and xarray are imported when a result is to be one of theirs.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime.errors import UnavailableError

Labelled = TypeVar("Labelled")

_ROW: Final = "row"
"""Name of the only dimension of series that came without one."""
_OF_INPUT: Final = "_input"
"""Added to the name of a coordinate that is also that of a variable of the result."""


@dataclass(frozen=True, slots=True, eq=False)
class RowLabels:
    """Labels of N rows; without any, rows have their numbers.

    Attributes
    ----------
    index : pandas.Index, optional
        Index of the data frame that the rows were.
    axes : xarray.Dataset, optional
        Coordinates of a raster that do not depend on time, without variables.
    dims : tuple of str
        Dimensions of the raster without time, in the order in which its rows are counted, the last one fastest.
    shape : tuple of int
        Their lengths; the product is N.
    """

    index: Any = None
    axes: Any = None
    dims: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()

    def to_frame(self, batch: pa.RecordBatch) -> Any:
        """Return columns as a pandas.DataFrame; dates are datetime64, dictionaries are categories.

        Raises
        ------
        UnavailableError
            If pandas is not installed.
        """
        pandas = import_optional("pandas", "a data frame")
        frame = batch.to_pandas(date_as_object=False)
        if self.index is not None:
            frame.index = self.index
        elif self.dims:
            # A dimension without coordinates counts from 0.
            levels = [
                self.axes[name].to_index() if name in self.axes.coords else pandas.RangeIndex(count, name=name)
                for name, count in zip(self.dims, self.shape, strict=True)
            ]
            frame.index = levels[0] if len(levels) == 1 else pandas.MultiIndex.from_product(levels, names=self.dims)
        return frame

    def to_dataset(self, columns: Mapping[str, tuple[NDArray[Any], tuple[str, ...], dict[str, Any]]]) -> Any:
        """Return columns as an xarray.Dataset with the dimensions and coordinates of the raster.

        Parameters
        ----------
        columns : mapping of str to (ndarray, tuple of str, dict)
            Values [N, ...] of each variable, the names of its further dimensions, and its attributes.

        Raises
        ------
        UnavailableError
            If xarray is not installed.
        """
        xarray = import_optional("xarray", "a dataset")
        rows = len(next(values for values, _, _ in columns.values()))
        axes, dims, shape = self.axes, self.dims, self.shape
        if axes is None:
            name = str(getattr(self.index, "name", None) or _ROW)
            name = _ROW if name in columns else name
            simple = self.index is not None and getattr(self.index, "nlevels", 1) == 1
            axes = xarray.Dataset(coords={name: (name, self.index)} if simple else {})
            dims, shape = (name,), (rows,)
        taken = {name: f"{name}{_OF_INPUT}" for name in axes.coords if name in columns}
        return axes.rename(taken).assign(
            {
                name: ((*dims, *further), values.reshape(shape + values.shape[1:]), attributes)
                for name, (values, further, attributes) in columns.items()
            }
        )


def with_labels(result: Labelled, labels: RowLabels) -> Labelled:
    """Return a copy of a result whose field ``_labels`` is this one."""
    copied = copy.copy(result)
    object.__setattr__(copied, "_labels", labels)
    return copied


def import_optional(package: str, what: str) -> Any:
    """Import a package that is no dependency of ours.

    Raises
    ------
    UnavailableError
        If it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        raise UnavailableError(f"{what} needs {package}, which is not installed: pip install {package}") from None
