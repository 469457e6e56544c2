"""The folder of a model may come from anyone: its files stay inside it, are regular and small, and are whole models."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from insar_runtime import Classifier, InputOutputError, ModelIntegrityError, UnavailableError, load_model
from insar_runtime._engine import first_call
from insar_runtime._engine.onnx_scan import scan_onnx
from insar_runtime.models import DEFAULT_MODEL
from tests.runtime.run_command import refused, run
from tests.runtime.tables import series, wide, write

SHIPPED = Path(str(files("insar_runtime"))) / "models" / DEFAULT_MODEL
CARD: dict[str, Any] = json.loads((SHIPPED / "model.json").read_text())


def folder_with(folder: Path, data: bytes) -> Path:
    """Write a model folder whose only file holds these bytes, with the right SHA-256."""
    entry = {"file": "a.onnx", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    card = {key: value for key, value in CARD.items() if key != "golden"}
    (folder / "model.json").write_text(json.dumps({**card, "files": {"fp32": entry}}))
    (folder / "a.onnx").write_bytes(data)
    return folder


def released() -> bytes:
    return (SHIPPED / str(CARD["files"]["fp32"]["file"])).read_bytes()


def _link_out(path: Path) -> None:
    path.rename(path.parent.parent / "outside.onnx")
    path.symlink_to(path.parent.parent / "outside.onnx")


def _link_up(path: Path) -> None:
    path.rename(path.parent.parent / "outside.onnx")
    path.symlink_to("../outside.onnx")


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _socket(path: Path) -> None:
    path.unlink()
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket has at most 108 characters
    try:
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(path.name)
    finally:
        os.chdir(here)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _huge(path: Path) -> None:
    os.truncate(path, 64_000_001)  # of which nothing is on the disk


def _device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a POSIX file system")
@pytest.mark.parametrize(
    ("forge", "what"),
    [
        (_link_out, "link out of"),
        (_link_up, "link out of"),
        (_device, "link out of"),
        (_pipe, "not a regular file"),
        (_folder, "not a regular file"),
        (_socket, "cannot be read"),
        (_loop, "cannot be read"),
        (_huge, "more than 64000000 bytes"),
        (Path.unlink, "is missing"),
    ],
)
def test_files_are_regular_small_and_inside(tmp_path: Path, forge: Callable[[Path], None], what: str) -> None:
    (tmp_path / "model").mkdir()
    folder = folder_with(tmp_path / "model", released())
    forge(folder / "a.onnx")
    _is_refused(folder, what)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a POSIX file system")
@pytest.mark.parametrize("forge", [_link_out, _device])
def test_a_description_outside_is_refused(tmp_path: Path, forge: Callable[[Path], None]) -> None:
    (tmp_path / "model").mkdir()
    folder = folder_with(tmp_path / "model", released())
    forge(folder / "model.json")
    with pytest.raises((ModelIntegrityError, UnavailableError)):
        Classifier(folder, device="cpu")


def field(number: int, content: bytes | int) -> bytes:
    """Return a field of a protocol buffer: a whole number, or bytes."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    parts = []
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


OUTSIDE = field(13, field(1, b"location") + field(2, b"/etc/passwd"))
"""What a tensor says of a file with its values."""


def nest(levels: int) -> bytes:
    """Return a graph in an attribute of a node of a graph, and so on."""
    graph = b""
    for _ in range(levels):
        graph = field(1, field(5, field(6, graph)))
    return field(7, graph)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (field(7, field(5, OUTSIDE)), "other files"),
        (field(7, field(5, field(14, 1))), "other files"),
        (field(7, field(5, field(14, (1 << 32) + 1))), "other files"),
        (field(7, field(5, field(14, b"\1"))), "other files"),
        (field(7, b"") + field(7, field(5, OUTSIDE)), "other files"),
        (field(7, field(1, field(5, field(5, OUTSIDE)))), "other files"),
        (field(7, field(1, field(5, field(10, OUTSIDE)))), "other files"),
        (field(7, field(1, field(5, field(6, field(5, OUTSIDE))))), "other files"),
        (field(7, field(1, field(5, field(11, field(5, OUTSIDE))))), "other files"),
        (field(7, field(15, field(1, OUTSIDE))), "other files"),
        (field(7, field(1, field(5, field(22, field(2, OUTSIDE))))), "other files"),
        (field(7, b"") + field(25, field(7, field(5, field(5, OUTSIDE)))), "other files"),
        (field(7, b"") + field(20, field(1, field(5, OUTSIDE))), "other files"),
        (field(7, field(1, field(7, b"evil"))), "domain 'evil'"),
        (field(7, field(1, field(7, b"com.microsoft"))), "domain 'com.microsoft'"),
        (field(8, field(1, b"\x1b[31m")) + field(7, b""), "domain"),
        (field(7, b"") + field(25, field(10, b"mine")), "domain 'mine'"),
        (nest(100), "too deep"),
        (b"", "no graph"),
        (field(1, 8), "no graph"),
        (b"\x08", "cut off"),
        (field(7, b"abc")[:-1], "cut off"),
        (b"\xff" * 20, "not an ONNX file"),
        (b"PK\x03\x04" + b"\0" * 50, "not an ONNX file"),
        (b"\x18\0\0\0ORTM" + b"\0" * 50, "not an ONNX file"),
        (bytes([7 << 3 | 3]), "not an ONNX file"),
    ],
)
def test_a_file_that_is_no_whole_model_is_refused_before_it_is_loaded(tmp_path: Path, data: bytes, what: str) -> None:
    _is_refused(folder_with(tmp_path, data), what)


def test_released_files_pass() -> None:
    for path in SHIPPED.parent.rglob("*.onnx"):
        scan_onnx(path.read_bytes())


def test_a_file_cut_anywhere_is_refused() -> None:
    data = released()
    for end in np.random.default_rng(1).integers(1, len(data), 20):
        with pytest.raises(ValueError, match=r"cut off|no ONNX file"):
            scan_onnx(data[:end])


Line = tuple[str, list[str], str, dict[str, Any]]
"""Operator, inputs, output and attributes of a node."""


def graph_of(*lines: Line, output: str = "probabilities", **kinds: Any) -> bytes:
    """Return an ONNX file of nodes, with constants ``zeros`` [1, 6], ``last``, and a shape that is left open."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (group export)")
    helper, real = onnx.helper, onnx.TensorProto.FLOAT
    names = kinds.get("inputs", ("displacement", "days"))
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, [to], **attributes) for kind, inputs, to, attributes in lines],
        "forged",
        [helper.make_tensor_value_info(name, real, [None, None]) for name in names],
        [helper.make_tensor_value_info(output, kinds.get("output_type", real), kinds.get("shape"))],
        [
            onnx.numpy_helper.from_array(np.zeros((1, 6), np.float32), "zeros"),
            onnx.numpy_helper.from_array(np.array([1], np.int64), "last"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


MEAN: Line = ("ReduceMean", ["displacement", "last"], "mean", {})
SCORES: Line = ("MatMul", ["mean", "zeros"], "scores", {})
PROBABILITIES: Line = ("Softmax", ["scores"], "probabilities", {})


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ([MEAN, ("MatMul", ["mean", "zeros"], "probabilities", {})], "sums such as 0"),
        ([MEAN, SCORES, ("Exp", ["scores"], "probabilities", {})], "sums such as 6"),
        ([MEAN, SCORES, ("Log", ["scores"], "probabilities", {})], "not between 0 and 1"),
        ([MEAN, SCORES, ("Div", ["scores", "scores"], "probabilities", {})], "not between 0 and 1"),
        ([MEAN, SCORES, ("Softmax", ["scores"], "p", {}), ("Unsqueeze", ["p", "last"], "probabilities", {})], "shape"),
        ([MEAN, SCORES, ("Softmax", ["scores"], "p", {}), ("Cast", ["p"], "probabilities", {"to": 11})], "float64"),
        ([("Softmax", ["zeros"], "probabilities", {})], "shape"),
        ([("Softmax", ["displacement"], "probabilities", {})], "gives 30 probabilities"),
        ([("ReduceSum", ["zeros"], "probabilities", {"keepdims": 0})], "gives 0 probabilities"),
    ],
)
def test_answers_are_checked_on_opening(tmp_path: Path, lines: list[Any], what: str) -> None:
    kind = 11 if what == "float64" else 1
    _is_refused(folder_with(tmp_path, graph_of(*lines, output_type=kind)), what)


def test_a_plain_model_of_a_stranger_is_taken(tmp_path: Path) -> None:
    classifier = Classifier(folder_with(tmp_path, graph_of(MEAN, SCORES, PROBABILITIES)), device="cpu")
    assert classifier.notes == ()
    assert classifier.classify_matrix(np.zeros((3, 40), np.float32), np.arange(40, dtype=np.float32) * 12).class_id.size


def test_other_inputs_are_unavailable(tmp_path: Path) -> None:
    data = graph_of(("ReduceMean", ["rows", "last"], "mean", {}), SCORES, PROBABILITIES, inputs=("rows", "days"))
    _is_refused(folder_with(tmp_path, data), "cannot run model")


def test_a_model_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (group export)")
    helper, flag, whole = onnx.helper, onnx.TensorProto.BOOL, onnx.TensorProto.INT64
    body = helper.make_graph(
        [helper.make_node("Identity", ["going"], ["goes"]), helper.make_node("Add", ["value", "value"], ["more"])],
        "body",
        [
            helper.make_tensor_value_info("i", whole, []),
            helper.make_tensor_value_info("going", flag, []),
            helper.make_tensor_value_info("value", onnx.TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("goes", flag, []),
            helper.make_tensor_value_info("more", onnx.TensorProto.FLOAT, None),
        ],
    )
    data = graph_of(
        MEAN,
        SCORES,
        ("Loop", ["", "", "scores"], "endless", {"body": body}),
        ("Softmax", ["endless"], "probabilities", {}),
    )
    monkeypatch.setattr(first_call, "LIMIT_S", 0.5)
    _is_refused(folder_with(tmp_path, data), "no answer within 0.5 s")


def test_the_command_says_it_in_one_line(tmp_path: Path) -> None:
    source = write(wide(*series(5)), tmp_path / "in.parquet")
    for name, data, code in (("outside", field(7, field(5, OUTSIDE)), 77), ("gone", b"", 69)):
        (tmp_path / name).mkdir()
        folder = folder_with(tmp_path / name, data)
        if code == 69:
            (folder / "a.onnx").unlink()
        refused(run("classify", source, "--model", folder), code, "model")


@contextmanager
def without_rights() -> Iterator[None]:
    """Run as a user who may not read files of this one; root may read all."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
@pytest.mark.parametrize("name", ["", "model.json", "a.onnx"])
def test_what_may_not_be_read_is_an_error_of_reading(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    model = load_model(folder_with(folder, released()))
    (folder / name).chmod(0)
    try:
        with without_rights(), pytest.raises(InputOutputError, match=r"cannot be read \(Permission denied\)") as caught:
            model.read("fp32") if name == "a.onnx" else load_model(folder)
    finally:
        (folder / name).chmod(0o700)
    assert caught.value.exit_code == 74


def _is_refused(folder: Path, what: str) -> None:
    with pytest.raises((ModelIntegrityError, UnavailableError, InputOutputError)) as caught:
        Classifier(folder, device="cpu")
    message = str(caught.value)
    assert what in message
    assert message.isprintable()
    assert len(message) < 500
