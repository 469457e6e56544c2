"""Upload of a complete file to a store: the object appears when all of it is there, or not at all."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Final

from insar_runtime._input.store_access import store_errors
from insar_runtime._input.store_path import StorePath
from insar_runtime._output.s3_uploads import OpenUploads
from insar_runtime.errors import InputOutputError

_PIECE_BYTES: Final = 8 << 20


class Upload:
    """Upload of a file in parts, which become an object by one last request.

    The stream of pyarrow makes the object when it is closed, and its destructor closes it. So the stream of an upload
    that is given up is kept from destruction, and what the store holds of it is removed as far as that is possible.

    Parameters
    ----------
    file : Path
        Complete file of this machine.
    target : StorePath
        Where its content is to appear.

    Raises
    ------
    InputOutputError
        If the store refuses, or is not reached.
    """

    def __init__(self, file: Path, target: StorePath) -> None:
        self._file = file
        self._target = target
        self._replaces = target.is_file()
        self._uploads = OpenUploads.of(target)
        self._stream = target.upload()
        self._is_done = False

    def send(self) -> None:
        """Send all parts; a signal may end this.

        Raises
        ------
        InputOutputError
            If the store fails.
        """
        with self._file.open("rb") as file, store_errors(self._target, "writing to"):
            while piece := file.read(_PIECE_BYTES):
                self._stream.write(piece)
            self._stream.flush()

    def complete(self) -> None:
        """Make the object of the parts, and check that it has the size of the file.

        Raises
        ------
        InputOutputError
            If the store fails, or the object has another size.
        """
        with store_errors(self._target, "writing to"):
            self._stream.close()
        self._is_done = True
        found, expected = self._target.stat().st_size, self._file.stat().st_size
        if found != expected:
            raise InputOutputError(f"output {self._target} holds {found} of {expected} bytes after writing; try again")

    def take_back(self) -> None:
        """Remove the object that was made, unless it has replaced another one."""
        if not self._replaces:
            self._target.unlink(missing_ok=True)

    def give_up(self) -> None:
        """Leave an upload that is not complete: no object appears."""
        if self._is_done:
            return
        self._is_done = True
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._stream))
        self._uploads.abort()
