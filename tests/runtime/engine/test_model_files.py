"""The folder of a model may come from anyone: its files stay inside it, are regular and small, and are whole models."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from insar_runtime import Classifier, InputOutputError, ModelIntegrityError, UnavailableError, load_model
from insar_runtime._engine.model_folder import read_file
from insar_runtime._engine.onnx_scan import scan_onnx
from tests.runtime.forged_models import SHIPPED, check_refused, folder_with, released
from tests.runtime.run_command import refused, run
from tests.runtime.tables import series, wide, write


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
    check_refused(folder, what)


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="needs a POSIX file system")
def test_a_file_that_becomes_a_link_meanwhile_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    folder = folder_with(tmp_path / "model", released())
    (folder / "b.onnx").symlink_to("a.onnx")
    assert read_file(folder, "b.onnx") == released()
    opened = os.open

    def swap(path: Path, flags: int) -> int:
        _link_out(folder / "a.onnx")
        return opened(path, flags)

    monkeypatch.setattr(os, "open", swap)
    with pytest.raises(InputOutputError, match=r"'a\.onnx' cannot be read"):
        read_file(folder, "a.onnx")


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
    check_refused(folder_with(tmp_path, data), what)


def test_released_files_pass() -> None:
    for path in SHIPPED.parent.rglob("*.onnx"):
        scan_onnx(path.read_bytes())


def test_a_file_cut_anywhere_is_refused() -> None:
    data = released()
    for end in np.random.default_rng(1).integers(1, len(data), 20):
        with pytest.raises(ValueError, match=r"cut off|no ONNX file"):
            scan_onnx(data[:end])


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
