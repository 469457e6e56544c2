"""A process that the kernel would end at its first network socket classifies."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.tables import series, wide, write

# A filter of system calls (seccomp) that ends the process when it makes an AF_INET or AF_INET6 socket.
# Below Python, so that no library gets round it: onnxruntime's uploader is C++.
GUARD = """
import ctypes, platform, struct, sys
NR_SOCKET = {'x86_64': 41, 'aarch64': 198}[platform.machine()]
def op(code, jt, jf, k): return struct.pack('HBBI', code, jt, jf, k)
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
KILL, ALLOW = 0x80000000, 0x7FFF0000
program = b''.join([
    op(LOAD, 0, 0, 0), op(EQUAL, 0, 4, NR_SOCKET),
    op(LOAD, 0, 0, 16), op(EQUAL, 1, 0, 2), op(EQUAL, 0, 1, 10),
    op(RETURN, 0, 0, KILL), op(RETURN, 0, 0, ALLOW),
])
buffer = ctypes.create_string_buffer(program)
filter_ = struct.pack('HxxxxxxP', len(program) // 8, ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.c_char_p(filter_), 0, 0) == 0, 'no seccomp here'
"""

pytestmark = pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() not in {"x86_64", "aarch64"}, reason="seccomp is Linux's"
)


def _guarded(code: str, home: Path, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    return subprocess.run(
        [sys.executable, "-c", GUARD + code, *map(str, arguments)],
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_the_guard_ends_a_process_that_opens_a_network_socket(tmp_path: Path) -> None:
    done = _guarded("import socket; socket.socket(socket.AF_INET)", tmp_path)
    if b"no seccomp here" in done.stderr:
        pytest.skip("seccomp filters are not allowed here")
    assert done.returncode < 0


def test_classify_opens_no_network_socket_and_writes_nothing_at_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    source = write(wide(*series(100)), tmp_path / "in.parquet")
    code = "import sys; sys.argv[0] = 'insar-rt'; from insar_runtime.cli import main; main()"
    done = _guarded(code, home, "classify", source, "-o", tmp_path / "out.parquet")
    if b"no seccomp here" in done.stderr:
        pytest.skip("seccomp filters are not allowed here")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.parquet").exists()
    # onnxruntime's telemetry would have left its device id here.
    assert list(home.rglob("*")) == []
