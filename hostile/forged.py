"""Metadata of our own keys and columns of our own names, forged, into every command that reads them back."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from hostile.chance import case_generator, happens, pick
from hostile.ended import Ended, snapshot
from hostile.forged_columns import forge_columns
from hostile.fork_server import ForkServer
from hostile.json_damage import SCRIPT, forge
from hostile.judge import DATA, Verdict, judge_files, judge_process
from hostile.results import CaseResult
from hostile.sample_tables import count_rows, write_sample

_POINTS: Final = 40
_MADE: Final = {
    "plain": ("classify", "in.parquet", "-o", "{}"),
    "series": ("classify", "in.parquet", "-o", "{}", "--keep-series"),
    "diagnosed": ("classify", "in.parquet", "-o", "{}", "--keep-series", "--diagnose", "--jumps", "all"),
    "corrected": ("classify", "in.parquet", "-o", "out.parquet", "--jumps", "all", "--corrected-out", "{}"),
    "lists": ("convert", "in.parquet", "-o", "{}"),
    "joined": ("join", "earlier.parquet", "in.parquet", "-o", "{}"),
}
"""Commands that make the files whose metadata are forged."""
_FILES: Final = (
    ("plain", "table.parquet"),
    ("series", "table.parquet"),
    ("diagnosed", "table.parquet"),
    ("diagnosed", "table.csv"),
    ("diagnosed", "table.arrow"),
    ("series", "table.gpkg"),
    ("corrected", "table.parquet"),
    ("corrected", "table.csv"),
    ("corrected", "table.arrow"),
    ("lists", "table.parquet"),
    ("joined", "table.parquet"),
    ("joined", "table.arrow"),
)
_COMMANDS: Final[tuple[tuple[str, ...], ...]] = (
    ("report", "{}", "-o", "page.html"),
    ("report", "{}", "-o", "page.html"),
    ("show", "{}", "--row", "3"),
    ("show", "{}", "--row", "3", "--json"),
    ("inspect", "{}"),
    ("inspect", "{}", "--json"),
    ("classify", "{}", "-o", "again.parquet"),
    ("classify", "in.parquet", "-o", "{}", "--skip-existing"),
    ("convert", "{}", "-o", "again.parquet"),
    ("compare", "{}", "whole-{}", "-o", "again.parquet", "--threads", "1"),
    ("compare", "whole-{}", "{}", "--json", "--threads", "1"),
    ("areas", "{}", "-o", "areas.geojson", "--points", "again.parquet", "--threads", "1"),
    ("join", "earlier.parquet", "{}", "-o", "again.parquet"),
    ("join", "{}", "in.parquet", "-o", "again.parquet"),
)
_RESTORE: Final = ("restore", "{}", "-o", "back.parquet")


def forge_metadata(numbers: Sequence[int], seed: int, work: Path, *, keep: bool = False) -> Iterator[CaseResult]:
    """Try cases, and yield their results in order.

    For the parameters see ``hostile.attacks.Attack``.
    """
    source = write_sample(work / "in.parquet", _POINTS)
    table = pq.read_table(source)
    pq.write_table(table.select(table.schema.names[:-5]), work / "earlier.parquet")
    with ForkServer() as server:
        made = {entry: _make(server, entry, source, work / f"made-{k}") for k, entry in enumerate(_FILES)}
        for number in numbers:
            rng = case_generator(seed, "forged", number)
            folder = work / f"case-{number}"
            entry = pick(rng, _FILES)
            shutil.copytree(made[entry], folder)
            yield _forged(rng, number, folder, entry, server)
            if not keep:
                shutil.rmtree(folder)


def _make(server: ForkServer, entry: tuple[str, str], source: Path, folder: Path) -> Path:
    kind, name = entry
    folder.mkdir()
    shutil.copy(source, folder)
    shutil.copy(source.with_name("earlier.parquet"), folder)
    done = server.run([part.format(name) for part in _MADE[kind]], folder)
    if done.code != 0:
        raise RuntimeError(f"a file to forge cannot be made: {done.error_text}")
    for path in list(folder.glob("table.*")):
        shutil.copy(path, folder / f"whole-{path.name}")
    return folder


def _forged(
    rng: np.random.Generator, number: int, folder: Path, entry: tuple[str, str], server: ForkServer
) -> CaseResult:
    kind, name = entry
    made_rows = count_rows(folder / f"whole-{name}")
    tried = _FORGERS[Path(name).suffix](rng, folder / name)
    corrected = kind == "corrected" and rng.random() < 0.7
    command = _RESTORE if corrected else pick(rng, _COMMANDS)
    call = [part.format(name) for part in command]
    before = snapshot(folder)
    ended = server.run(call, folder)
    outcome, detail = _judge(ended, before, folder, call, made_rows)
    kind = f"{kind} {Path(name).suffix[1:]}"
    return CaseResult("forged", number, kind, tried, " ".join(call), outcome, ended.code, detail)


def _judge(ended: Ended, before: dict[str, str], folder: Path, call: list[str], made_rows: int) -> Verdict:
    verdict = judge_process(ended, DATA)
    if verdict[0] not in {"ok", "refused"}:
        return verdict
    outputs = {call[call.index(name) + 1] for name in ("-o", "--points") if name in call}
    outputs |= {f"{name}.json" for name in outputs if name.endswith((".csv", ".arrow"))}
    files = judge_files(ended, before, snapshot(folder), outputs, must_write=False)
    if files is not None:
        return files
    if ended.code == 0 and call[0] not in {"report", "show", "inspect"} and "-o" in call:
        output = folder / call[call.index("--points" if "--points" in call else "-o") + 1]
        try:
            rows = count_rows(output)
        except Exception as error:  # readers refuse in many ways
            return "wrong result", f"{output.name} cannot be read: {type(error).__name__}"
        # Points of two releases that are no pairs are rows of their own, also in a table to forge.
        wanted = _POINTS if call[1] in {"in.parquet", "earlier.parquet"} else made_rows
        if rows < wanted or (rows != wanted and call[0] not in {"join", "compare"} and "--skip-existing" not in call):
            return "lost rows", f"{rows} of {wanted} rows"
    if (folder / "page.html").is_file() and SCRIPT in (folder / "page.html").read_text("utf-8"):
        return "wrong result", "a script of the metadata stands in the page"
    if "show" in call and b"\x1b" in ended.stdout:
        return "wrong message", "a control character of the metadata on standard output"
    return verdict


def _forge_value(rng: np.random.Generator, key: str, text: str) -> tuple[str, str]:
    """Return a forged text of a metadata value, and what was done."""
    try:
        value: Any = json.loads(text)
    except ValueError:
        value = text
    forged, done = forge(rng, value)
    return forged, f"{key}: {done}"


def _forge_parquet(rng: np.random.Generator, path: Path) -> str:
    table = pq.read_table(path)
    if happens(rng, 0.4):
        table, done = forge_columns(rng, table)
        pq.write_table(table, path)
        return done
    metadata = dict(table.schema.metadata or {})
    keys = [key for key in metadata if key != b"ARROW:schema"]
    key = pick(rng, keys)
    text, done = _forge_value(rng, key.decode(), metadata[key].decode())
    metadata[key] = text.encode("utf-8", "surrogatepass")
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return done


def _forge_arrow(rng: np.random.Generator, path: Path) -> str:
    beside = path.with_name(f"{path.name}.json")
    if beside.is_file() and rng.random() < 0.5:
        return _forge_beside(rng, path)
    with pa.ipc.open_file(path.read_bytes()) as reader:
        table = reader.read_all()
    metadata = dict(table.schema.metadata or {})
    if happens(rng, 0.4):
        table, done = forge_columns(rng, table)
    else:
        key = pick(rng, list(metadata))
        text, done = _forge_value(rng, key.decode(), metadata[key].decode())
        metadata[key] = text.encode("utf-8", "surrogatepass")
    schema = table.schema.with_metadata(metadata)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        writer.write_table(table.replace_schema_metadata(metadata))
    beside.unlink(missing_ok=True)
    return done


def _forge_beside(rng: np.random.Generator, path: Path) -> str:
    """Forge the JSON beside a file, which says for how many bytes it was written."""
    beside = path.with_name(f"{path.name}.json")
    content = json.loads(beside.read_text("utf-8"))
    if rng.random() < 0.5 and "insar_runtime" in content:
        text, done = forge(rng, content["insar_runtime"])
        try:
            text = json.dumps({**content, "insar_runtime": json.loads(text)})
        except (ValueError, RecursionError):
            text = f'{{"bytes": {content["bytes"]}, "insar_runtime": {text}}}'
    else:
        text, done = forge(rng, content)
    beside.write_bytes(text.encode("utf-8", "surrogatepass"))
    return f"JSON beside: {done}"


def _forge_geopackage(rng: np.random.Generator, path: Path) -> str:
    with closing(sqlite3.connect(path)) as database, database:
        (text,) = database.execute("SELECT metadata FROM gpkg_metadata").fetchone()
        forged, done = _forge_value(rng, "gpkg_metadata", text)
        database.execute("UPDATE gpkg_metadata SET metadata = ?", (forged.encode("utf-8", "replace").decode(),))
    return done


_FORGERS: Final[dict[str, Callable[[np.random.Generator, Path], str]]] = {
    ".parquet": _forge_parquet,
    ".arrow": _forge_arrow,
    ".csv": _forge_beside,
    ".gpkg": _forge_geopackage,
}
