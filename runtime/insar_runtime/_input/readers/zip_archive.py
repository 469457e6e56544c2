"""A zip as a ground motion service delivers it: one CSV with an XML that says what product it is, or a shapefile."""

from __future__ import annotations

import zipfile
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NoReturn

from insar_runtime._input.readers.refused import SAVE_AS_CSV
from insar_runtime._input.store_path import StorePath
from insar_runtime.errors import DataError

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

_MOST_XML_BYTES: Final = 16 << 20
"""The XML of an EGMS burst lists some hundred product names; anything larger is something else."""
_MOST_CHARACTERS: Final = 200
_TABLES: Final = (".csv", ".shp", ".dbf")
"""Extensions of tables, the first that there is counts."""
_RESERVED: Final = frozenset({"member", "geo"})


@dataclass(frozen=True, slots=True)
class Archive:
    """An open zip with one table.

    Attributes
    ----------
    file : ZipFile
    member : str
        Name of the CSV, of the .shp, or of a .dbf alone.
    facts : dict of str to str
        What the XML states once: names of its elements, in small letters, and their texts.
    notes : tuple of str
        What a person should know about the reading.
    """

    file: zipfile.ZipFile
    member: str
    facts: dict[str, str]
    notes: tuple[str, ...]


def open_archive(path: Path, closing: ExitStack) -> Archive:
    """Open a zip and find its table, and the XML of a CSV.

    Raises
    ------
    DataError
        It holds no table or several, or is encrypted.
    """
    archive = closing.enter_context(zipfile.ZipFile(path.open("rb") if isinstance(path, StorePath) else path))
    if any(not info.filename for info in archive.infolist()):
        raise DataError(f"{path}: a member has no name: it is damaged or incomplete: fetch or write it again")
    before = min((info.header_offset for info in archive.infolist()), default=0)
    if before > 0:
        raise DataError(
            f"{path}: {before} bytes stand before the first member that it lists, as where archives were joined: "
            "write one archive to a file"
        )
    members = [info for info in archive.infolist() if not info.is_dir() and not _is_hidden(info.filename)]
    tables = next(filter(None, (_with_suffix(members, suffix) for suffix in _TABLES)), [])
    if not tables:
        _refuse_without_table(path, [info.filename for info in members])
    if len(tables) != 1:
        found = ", ".join(f"'{info.filename}'" for info in tables[:3])
        what = {".csv": "CSV", ".shp": "shapefile"}.get(tables[0].filename[-4:].lower(), "table")
        raise DataError(f"{path} must hold one {what}, it holds {len(tables)} ({found}): unpack it and give one file")
    if tables[0].flag_bits & 1:
        raise DataError(f"{path} is encrypted: unpack it and give the table in it")
    name = tables[0].filename
    if not name.lower().endswith(".csv"):
        return Archive(archive, name, {}, ())
    texts = [info for info in members if info.filename.lower().endswith(".xml")]
    # The one beside the table, should there be several.
    beside = [info for info in texts if info.filename[:-4] == name[:-4]] or texts
    if len(beside) != 1:
        return Archive(archive, name, {}, ())
    facts = _read_facts(archive, beside[0])
    notes = () if facts is not None else (f"'{beside[0].filename}' in the zip is not XML and is ignored",)
    return Archive(archive, name, facts or {}, notes)


def _with_suffix(members: list[zipfile.ZipInfo], suffix: str) -> list[zipfile.ZipInfo]:
    return [info for info in members if info.filename.lower().endswith(suffix)]


def _refuse_without_table(path: Path, names: list[str]) -> NoReturn:
    """Say what is there in place of a CSV."""
    if any(name.startswith("xl/") for name in names):
        raise DataError(f"{path} is an Excel workbook: {SAVE_AS_CSV}")
    if "mimetype" in names and "content.xml" in names:
        raise DataError(f"{path} is a LibreOffice document: {SAVE_AS_CSV}")
    found = ", ".join(f"'{name}'" for name in names[:3]) + (", ..." if len(names) > 3 else "")
    raise DataError(
        f"{path} must hold one CSV or shapefile, it holds {found or 'nothing'}: unpack it, and give a file that "
        "insar-rt reads"
    )


def _is_hidden(name: str) -> bool:
    return "__MACOSX" in name or PurePosixPath(name).name.startswith(".")


def _read_facts(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> dict[str, str] | None:
    """Return elements that occur once and hold a short text; None if it is not XML that may be read."""
    if info.file_size > _MOST_XML_BYTES or info.flag_bits & 1:
        return None
    from xml.etree import ElementTree as ET  # noqa: PLC0415 - only where there is XML to read

    text = archive.read(info)
    try:
        if _has_document_type(text):
            return None  # entities may grow without bounds, and no ground motion service uses them
        root = ET.fromstring(text)
    except (ET.ParseError, ValueError, LookupError):  # also an encoding that is not known
        return None
    leaves = [(_local_name(element), (element.text or "").strip()) for element in root.iter() if not len(element)]
    counts = Counter(name for name, _ in leaves)
    return {
        name: value
        for name, value in leaves
        if counts[name] == 1 and 0 < len(value) <= _MOST_CHARACTERS and name not in _RESERVED
    }


def _has_document_type(text: bytes) -> bool:
    """Whether an XML declares a type, where its entities stand, in any encoding; what is behind it is not parsed."""
    from xml.parsers import expat  # noqa: PLC0415 - as above

    found = list[str]()

    def stop(name: str, *_: object) -> None:
        found.append(name)
        raise ValueError

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = stop
    # The parser of the tree says what is wrong.
    with suppress(expat.ExpatError, ValueError, LookupError):
        parser.Parse(text, True)
    return bool(found)


def _local_name(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2].lower()
