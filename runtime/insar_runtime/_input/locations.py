"""Locations of inputs and outputs: files, objects of a store, and addresses that are neither."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from insar_runtime._input.store_path import SCHEMES, StorePath
from insar_runtime.errors import UsageError

# A path has lost one of the two strokes of an address.
_ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(/+)(.*)", re.DOTALL)
_WEB: Final = frozenset({"http", "https", "ftp", "ftps", "sftp"})


def refuse_irregular(path: Path, remedy: str = "give a file") -> None:
    """Refuse a pipe, a device or a socket, of which opening or reading may never end.

    Raises
    ------
    UsageError
        If it is there, and neither a file nor a folder.
    """
    try:
        is_irregular = path.exists() and not (path.is_file() or path.is_dir())
    except OSError:  # a name too long, or a folder that may not be entered: opening it says that
        return
    if is_irregular:
        raise UsageError(f"{path} is not a regular file: {remedy}")


def locate(name: str | Path, *, output: bool = False) -> Path:
    """Return where a file is: a path, or for ``s3://``, ``gs://`` and ``az://`` the path of an object in a store.

    Parameters
    ----------
    name : str or Path
        Path or address; also ``file://``, and an address that was taken for a path before.
    output : bool
        Whether it is to be written.

    Raises
    ------
    UsageError
        If it is an address of the web.
    """
    text = str(name)
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return Path(name)
    scheme, rest = match[1].lower(), match[3]
    if scheme in SCHEMES:
        return StorePath(f"{scheme}://{rest}")
    if scheme == "file":
        return Path(unquote(f"/{rest.removeprefix('localhost/')}"))
    if scheme in _WEB:
        address = f"{scheme}://{rest}"
        if output:
            raise UsageError(f"output {address} is an address of the web; name a file, or s3://, gs:// or az://")
        file = rest.partition("?")[0].rstrip("/").rpartition("/")[2] or "FILE"
        raise UsageError(
            f"{address} is an address of the web, which is not opened: fetch it, curl -L -o '{file}' '{address}', and "
            f"give the file"
        )
    return Path(name)
