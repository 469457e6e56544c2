"""Model folders of strangers: forged descriptions, damaged networks, files that are no files."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

import numpy as np

from hostile.chance import case_generator, happens, pick
from hostile.ended import Ended
from hostile.files.byte_damage import damage_bytes
from hostile.forged_networks import network_of_wrong_answers
from hostile.fork_server import ForkServer
from hostile.json_damage import forge
from hostile.judge import Verdict, judge_files, judge_process
from hostile.results import CaseResult
from hostile.sample_tables import write_sample

_POINTS: Final = 40
_ALLOWED: Final = frozenset({0, 69, 71, 74, 77})
_CALLS: Final = (
    ("classify", "in.parquet", "-o", "out.csv", "--threads", "1", "--model", "model"),
    ("classify", "in.parquet", "-o", "out.csv", "--threads", "1", "--model", "model", "--precision", "int8"),
    ("classify", "in.parquet", "-o", "out.csv", "--threads", "1", "--model", "model", "--precision", "fp32"),
    ("show", "in.parquet", "--row", "3", "--model", "model"),
)


def offer_models(numbers: Sequence[int], seed: int, work: Path, *, keep: bool = False) -> Iterator[CaseResult]:
    """Try cases, and yield their results in order.

    For the parameters see ``hostile.attacks.Attack``.
    """
    source = write_sample(work / "in.parquet", _POINTS)
    with ForkServer() as server, as_file(files("insar_runtime") / "models" / "trend-net") as shipped:
        for number in numbers:
            rng = case_generator(seed, "models", number)
            folder = work / f"case-{number}"
            folder.mkdir()
            shutil.copy(source, folder)
            model = folder / "model"
            shutil.copytree(shipped, model)
            kind = pick(rng, tuple(_FORGERIES))
            tried = _FORGERIES[kind](rng, model)
            call = pick(rng, _CALLS)
            before = _snapshot_outside(folder)
            ended = server.run(call, folder)
            outcome, detail = _judge(ended, before, folder)
            if kind == "answers" and outcome == "ok" and call[0] == "classify":
                outcome, detail = "wrong result", "answers that are no probabilities of the series were taken"
            yield CaseResult("models", number, kind, tried, " ".join(call), outcome, ended.code, detail)
            if not keep:
                shutil.rmtree(folder)


def _snapshot_outside(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of the files beside the model, which may hold what must not be opened."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


def _judge(ended: Ended, before: dict[str, str], folder: Path) -> Verdict:
    verdict = judge_process(ended, _ALLOWED, most_mb=1500)
    if verdict[0] not in {"ok", "refused"}:
        return verdict
    outputs = {"out.csv", "out.csv.json"}
    wrong = judge_files(ended, before, _snapshot_outside(folder), outputs, must_write=False)
    if wrong is not None or not (folder / "out.csv").is_file():
        return wrong or verdict
    return _judge_probabilities(folder / "out.csv") or verdict


def _judge_probabilities(path: Path) -> Verdict | None:
    """Whatever a network gives: what is written are probabilities of all rows."""
    header, *lines = path.read_text("utf-8").splitlines()
    names = header.replace('"', "").split(",")
    shares = [place for place, name in enumerate(names) if name.startswith("p_")]
    if len(lines) != _POINTS:
        return "lost rows", f"{len(lines)} of {_POINTS} rows"
    for row, line in enumerate(lines):
        cells = [line.split(",")[place] for place in shares]
        values = [float(cell) for cell in cells if cell]
        if values and not (all(0 <= value <= 1 for value in values) and math.isclose(sum(values), 1, abs_tol=0.01)):
            return "wrong result", f"row {row} has the probabilities {', '.join(cells)}"
    return None


def _describe(model: Path, name: str, data: bytes) -> None:
    """Write a file of the model, and its true size and SHA-256 into the description."""
    (model / name).write_bytes(data)
    card = json.loads((model / "model.json").read_text("utf-8"))
    for entry in card["files"].values():
        if entry["file"] == name:
            entry["sha256"], entry["bytes"] = hashlib.sha256(data).hexdigest(), len(data)
    (model / "model.json").write_text(json.dumps(card), "utf-8")


def _networks(model: Path) -> list[str]:
    return sorted(path.name for path in model.glob("*.onnx"))


def _forged_card(rng: np.random.Generator, model: Path) -> str:
    card = json.loads((model / "model.json").read_text("utf-8"))
    text, done = forge(rng, card)
    (model / "model.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    return done


def _damaged_network(rng: np.random.Generator, model: Path) -> str:
    """Damage a network, and have the description agree with it."""
    name = pick(rng, _networks(model))
    data = (model / name).read_bytes()
    done = []
    for _ in range(pick(rng, (1, 1, 3))):
        data, how = damage_bytes(rng, data, data[::-1])
        done.append(how)
    _describe(model, name, data)
    return f"{name}: {', '.join(done)}, SHA-256 as described"


def _changed_network(rng: np.random.Generator, model: Path) -> str:
    """Damage a network that the description does not agree with any more."""
    name = pick(rng, _networks(model))
    data, how = damage_bytes(rng, (model / name).read_bytes(), b"")
    (model / name).write_bytes(data)
    return f"{name}: {how}"


def _wrong_answers(rng: np.random.Generator, model: Path) -> str:
    """Put a network in the place of the others whose later answers are no probabilities of the series."""
    data, how = network_of_wrong_answers(rng)
    card = json.loads((model / "model.json").read_text("utf-8"))
    for entry in card["files"].values():
        entry["file"] = "forged.onnx"
    del card["golden"]
    (model / "model.json").write_text(json.dumps(card), "utf-8")
    _describe(model, "forged.onnx", data)
    return how


def _renamed_weights(rng: np.random.Generator, model: Path) -> str:
    """Exchange texts of the network of the same length: names, operators, paths of external data."""
    name = pick(rng, _networks(model))
    data = (model / name).read_bytes()
    old, new = pick(
        rng,
        (
            (b"Conv", b"Loop"),
            (b"Relu", b"Tanh"),
            (b"displacement", b"displacemenz"),
            (b"Add", b"Sub"),
            (b"Mul", b"Pow"),
            (b"Softmax", b"Hardmax"),
            (b"Exp", b"Log"),
        ),
    )
    _describe(model, name, data.replace(old, new))
    return f"{name}: {old.decode()} is {new.decode()}"


def _no_file(rng: np.random.Generator, model: Path) -> str:
    """Put something else in the place of a file."""
    name = pick(rng, (*_networks(model), "model.json"))
    path = model / name
    path.unlink()
    how = pick(
        rng, ("missing", "a folder", "a FIFO", "a link to /dev/zero", "a link to itself", "a large file", "empty")
    )
    if how == "a folder":
        path.mkdir()
    elif how == "a FIFO":
        os.mkfifo(path)
    elif how == "a link to /dev/zero":
        path.symlink_to("/dev/zero")
    elif how == "a link to itself":
        path.symlink_to(path.name)
    elif how == "a large file":
        with path.open("wb") as file:
            file.truncate(3 << 30)
    elif how == "empty":
        path.write_bytes(b"")
    return f"{name} is {how}"


def _other_path(rng: np.random.Generator, model: Path) -> str:
    """Have the description name a file elsewhere."""
    name = pick(rng, _networks(model))
    target = pick(
        rng,
        (
            "../outside.onnx",
            "/etc/passwd",
            "sub/../../outside.onnx",
            "",
            ".",
            "..",
            "link.onnx",
            "a" * 300,
            "model.json",
            "/dev/stdin",
            "\x1b[31m",
            "a\nb",
        ),
    )
    data = (model / name).read_bytes()
    (model.parent / "outside.onnx").write_bytes(data)
    (model / "link.onnx").symlink_to(model.parent / "outside.onnx")
    card = json.loads((model / "model.json").read_text("utf-8"))
    precisions = [key for key, entry in card["files"].items() if entry["file"] == name]
    for entry in card["files"].values():
        if entry["file"] == name:
            entry["file"] = target
            if happens(rng, 0.3) and target.startswith("/etc"):
                entry["sha256"] = hashlib.sha256(Path(target).read_bytes()).hexdigest()
    (model / "model.json").write_text(json.dumps(card), "utf-8")
    return f"{', '.join(precisions)} at {target[:40]!a}"


_FORGERIES: Final[dict[str, Callable[[np.random.Generator, Path], str]]] = {
    "description": _forged_card,
    "description again": _forged_card,
    "network": _damaged_network,
    "network again": _damaged_network,
    "network without its SHA-256": _changed_network,
    "answers": _wrong_answers,
    "operators": _renamed_weights,
    "no file": _no_file,
    "path": _other_path,
}
