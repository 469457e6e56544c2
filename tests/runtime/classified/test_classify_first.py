"""A table that a command classifies first, into a temporary file."""

from __future__ import annotations

import resource
from pathlib import Path

from tests.runtime.run_command import refused, run_process
from tests.runtime.tables import series, wide, write


def test_a_full_folder_for_temporary_files_is_named_and_not_the_file(tmp_path: Path) -> None:
    source = write(wide(*series(3000, 40)), tmp_path / "in.parquet")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # noqa: E731
    done = run_process("report", source, "-o", tmp_path / "out.html", preexec_fn=limit)
    refused(done, 74, "folder for temporary files", "TMPDIR")
    assert b"insar-rt-" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]
