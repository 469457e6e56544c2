"""Detection of the product of an input by its content."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from insar_runtime._convert.companions import CompanionFiles
from insar_runtime._convert.cube import Cube
from insar_runtime._convert.disp_s1 import is_disp_s1, open_disp_s1
from insar_runtime._convert.disp_stack import is_disp_stack, open_disp_stack
from insar_runtime._convert.hdf5 import is_hdf5, open_hdf5, translate_hdf5_errors
from insar_runtime._convert.licsbas import is_licsbas, open_licsbas
from insar_runtime._convert.mintpy import is_mintpy, open_mintpy
from insar_runtime.errors import DataError, UsageError

_KNOWN = "MintPy timeseries.h5 or .he5, LiCSBAS cum.h5, OPERA DISP-S1 NetCDF"


def find_stack(paths: Sequence[Path], named: CompanionFiles) -> AbstractContextManager[Cube] | None:
    """Return a context that opens the stack of maps in some files; None for a table.

    Parameters
    ----------
    paths : sequence of Path
        One file, or a folder or several files of OPERA DISP-S1.
    named : CompanionFiles
        Declarations of the user about the stack.

    Raises
    ------
    UsageError
        Several files that are no DISP-S1, or a folder without NetCDF files.
    DataError
        An HDF5 file of no known product.
    UnavailableError
        h5py is not installed.
    """
    files = list(_files(paths))
    if not is_hdf5(files[0]):
        if len(files) > 1:
            raise UsageError(f"{len(files)} inputs, and {files[0]} is not a NetCDF file: give one table at a time")
        return None
    with open_hdf5(files[0]) as file, translate_hdf5_errors(files[0]):
        if is_disp_s1(file):
            return open_disp_s1(files, named)
        openers: list[tuple[Callable[..., bool], Callable[[Path, CompanionFiles], AbstractContextManager[Cube]]]] = [
            (is_disp_stack, open_disp_stack),
            (is_mintpy, open_mintpy),
            (is_licsbas, open_licsbas),
        ]
        opener = next((opener for matches, opener in openers if matches(file)), None)
        if opener is None:
            found = ", ".join(f"'{name}'" for name in list(file)[:6]) or "nothing"
            raise DataError(f"{files[0]} holds {found}: no stack of displacements that is known ({_KNOWN})")
    if len(files) > 1:
        raise UsageError(f"{len(files)} inputs, and {files[0]} is a stack by itself: give one at a time")
    return opener(files[0], named)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            found = sorted(path.glob("*.nc"))
            if not found:
                raise UsageError(f"{path} is a folder without NetCDF files (*.nc): give a file")
            yield from found
        else:
            yield path
