"""Every example is run as it stands, on small files."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import classify_file
from tests.chains import make_folder, sh
from tests.conftest import ROOT, need_program
from tests.runtime.engines.test_engines_job import lists, mixed
from tests.runtime.tables import series, wide

EXAMPLES = ROOT / "docs" / "examples"
SHELL = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path)


def python(script: Path, *arguments: object, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "runtime"), str(ROOT)]), **more}
    return subprocess.run(
        [sys.executable, script, *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@SHELL
def test_a_slurm_task_classifies_its_file(folder: Path) -> None:
    script = EXAMPLES / "slurm_array.sh"
    (folder / "files.txt").write_text("egms/a.zip\negms/broken.zip\n")
    done, refused = (sh(script, folder, SLURM_ARRAY_TASK_ID=task) for task in ("0", "1"))
    assert done.returncode == 0, done.stderr
    assert refused.returncode == 65
    assert refused.stderr.count("\n") == refused.stderr.count("insar-rt: error:") == 1
    output = folder / "egms" / "a.classified.parquet"
    assert list(folder.glob("egms/*.parquet")) == [output]
    written = output.stat().st_mtime_ns
    assert sh(script, folder, SLURM_ARRAY_TASK_ID="0").returncode == 0
    assert output.stat().st_mtime_ns == written


@SHELL
def test_snakemake_classifies_all_but_the_broken_file(folder: Path) -> None:
    pytest.importorskip("snakemake", reason="snakemake is not installed (group neighbours)")
    snakemake = f"{shlex.quote(sys.executable)} -m snakemake --cores 2 -s {shlex.quote(str(EXAMPLES / 'Snakefile'))}"
    done = sh(f"{snakemake} --keep-going", folder)
    assert done.returncode == 1
    assert "insar-rt: error:" in done.stderr
    assert sorted(path.name for path in folder.glob("classified/*.parquet")) == ["a.parquet", "b.parquet"]
    assert json.loads((folder / "classified" / "a.json").read_text())["files"][0]["rows"] == 50
    (folder / "egms" / "broken.zip").unlink()
    again = sh(snakemake, folder)
    assert again.returncode == 0, again.stderr
    assert "Nothing to be done" in again.stderr + again.stdout


def test_the_embedding_example_classifies(tmp_path: Path) -> None:
    pq.write_table(wide(*series(300)), tmp_path / "in.parquet")
    done = python(EXAMPLES / "embed.py", "in.parquet", "out.parquet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[1] for line in lines[:3]] == ["Stable", "Linear", "PUE"]
    assert lines[3].startswith("batches: {")
    assert lines[4].startswith("file: 300 rows")
    assert pq.read_metadata(tmp_path / "out.parquet").num_rows == 300
    missing = python(EXAMPLES / "embed.py", "in.parquet", "none/out.parquet", cwd=tmp_path)
    assert missing.returncode == 1
    assert missing.stderr.count("\n") == 1


def test_the_queries_give_what_the_tables_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed (group neighbours)")
    monkeypatch.chdir(tmp_path)
    displacement, dates = series(400)
    displacement[::7] += np.where(np.arange(len(dates)) > 30, 27.7, 0)
    velocity = np.arange(400) / 10
    for name in ("a", "b"):
        table = wide(displacement, dates, mean_velocity=velocity).set_column(
            0, "pid", pa.array([f"{name}{i:03d}" for i in range(400)])
        )
        pq.write_table(table, f"{name}.parquet")
        classify_file(f"{name}.parquet", f"{name}.classified.parquet", units="mm")
    rows = pa.concat_tables([pq.read_table(f"{name}.classified.parquet") for name in ("a", "b")]).to_pylist()
    connection = duckdb.connect()
    found = []
    for statement in connection.extract_statements((EXAMPLES / "query.sql").read_text()):
        answer = connection.execute(statement)
        names = [column[0] for column in answer.description or ()]
        found.append([dict(zip(names, row, strict=True)) for row in answer.fetchall()])
    _, cells, fastest, pue = found
    assert sum(cell["n"] for cell in cells) == 800
    moving = sum(cell["n"] * cell["moving"] for cell in cells)
    assert moving == pytest.approx(sum(row["class_id"] in {1, 2, 3, 5} for row in rows), abs=0.5)
    sure = sorted(
        (row for row in rows if row["class_id"] in {1, 2, 3, 5} and row["confidence"] > 0.9),
        key=lambda row: (-row["mean_velocity"], row["pid"]),
    )
    assert [row["pid"] for row in fastest] == [row["pid"] for row in sure[:20]]
    assert {row["pid"] for row in pue} == {row["pid"] for row in rows if (row["p_pue"] or 0) > 0.5}
    assert len(pue) > 50


@pytest.mark.engines
@pytest.mark.parametrize("engine", ["spark", "ray"])
def test_the_engine_examples_classify(engine: str, tmp_path: Path) -> None:
    pytest.importorskip({"spark": "pyspark", "ray": "ray"}[engine], reason=f"{engine} is not installed (group engines)")
    if engine == "spark":
        need_program("java")
    (tmp_path / "series").mkdir()
    pq.write_table(mixed(lists(60, 60, 1, "a"), lists(40, 41, 2, "b")), tmp_path / "series" / "part.parquet")
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "SPARK_LOCAL_IP": "127.0.0.1"}
    local = {
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": "--master local[2] --conf spark.ui.enabled=false pyspark-shell",
    }
    done = python(EXAMPLES / f"{engine}_classify.py", "series", "classified", cwd=tmp_path, **quiet, **local)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Stable" in done.stdout
    table = pq.read_table(tmp_path / "classified")
    assert sorted(table["pid"].to_pylist()) == sorted(
        [f"a{i:04d}" for i in range(60)] + [f"b{i:04d}" for i in range(40)]
    )


def test_the_image_installs_what_it_copies(tmp_path: Path) -> None:
    """Build the wheel from the files that the first stage copies, and nothing else of the checkout."""
    pytest.importorskip("hatchling")
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1:] for line in lines if line.startswith("COPY")]
    source = tmp_path / "src"
    source.mkdir()
    for *names, target in copied:
        for name in names:
            origin = ROOT / name
            if origin.is_dir():
                shutil.copytree(origin, tmp_path / target.strip("/"))
            else:
                shutil.copy(origin, tmp_path / target.strip("/"))
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "wheel", source],
        check=True,
        capture_output=True,
    )
    (wheel,) = (tmp_path / "wheel").glob("*.whl")
    assert wheel.stat().st_size > 300_000
    assert all((ROOT / name).exists() for name in ("constraints.txt", "pyproject.toml"))


_CONTAINER = """
set -e
mount --bind data data
mount -o remount,ro,bind /
cd data
umask 022
exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all,+dac_read_search \\
    --ambient-caps=-all,+dac_read_search --bounding-set=-all,+dac_read_search "$@"
"""
"""What docker does with --read-only --network none and a user without a home, in namespaces of the kernel. The user may
read everything, because the interpreter of the tests may lie in somebody's home, and write nothing but the data."""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to make namespaces")
def test_the_command_runs_as_in_the_image(tmp_path: Path) -> None:
    need_program("unshare", "setpriv")
    if subprocess.run(["unshare", "-m", "-n", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespaces here")
    (tmp_path / "data").mkdir(mode=0o777)
    (tmp_path / "data").chmod(0o777)
    pq.write_table(wide(*series(200)), tmp_path / "data" / "in.parquet")

    def contained(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["unshare", "-m", "-n", "sh", "-c", _CONTAINER, "sh", *command],
            cwd=tmp_path,
            env={"HOME": "/nonexistent", "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "runtime")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    # Proof of the setting first: nothing but the data can be written, no host can be reached.
    assert contained("touch", "written").returncode == 0
    assert "Read-only" in contained("touch", "/tmp/written", "/dev/shm/written").stderr
    assert contained("id", "-u").stdout.strip() == "65534"
    done = contained(sys.executable, "-m", "insar_runtime", "classify", "in.parquet", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 200
    assert done.stderr == "" or "warning" not in done.stderr.lower()
    assert (tmp_path / "data" / "in.classified.parquet").stat().st_uid == 65534
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        "in.classified.parquet",
        "in.parquet",
        "written",
    ]
