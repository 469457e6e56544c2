"""Inputs and outputs in a store: a real S3 server on loopback."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, classify_file
from insar_runtime._input import store_access
from insar_runtime._input.error_translation import translate_errors
from insar_runtime._input.readers import parquet_table
from insar_runtime._input.store_path import StorePath
from insar_runtime._output import upload
from insar_runtime.errors import InputNotFoundError, InputOutputError
from tests.runtime.run_command import refused, run
from tests.runtime.s3_server import BUCKET, client, refusing_server, s3_server, variables
from tests.runtime.tables import as_lists, as_long, series, wide, write


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as address:
        client(address).create_bucket(Bucket=BUCKET)
        yield address


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Point the environment to a server; temporary files have a folder of their own."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))

    def point(address: str) -> None:
        for name, value in variables(address).items():
            monkeypatch.setenv(name, value)
        store_access.open_filesystem.cache_clear()

    yield point
    assert not list((tmp_path / "tmp").iterdir())
    store_access.open_filesystem.cache_clear()


@pytest.fixture
def s3(server: str, use: Callable[[str], None]) -> Iterator[Any]:
    """An empty bucket, by a client of other people's making."""
    use(server)
    found = client(server)
    yield found
    for name in names(found):
        found.delete_object(Bucket=BUCKET, Key=name)
    assert not found.list_multipart_uploads(Bucket=BUCKET).get("Uploads")


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(threads=1)


def names(s3: Any) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def content(s3: Any, name: str) -> bytes:
    return bytes(s3.get_object(Bucket=BUCKET, Key=name)["Body"].read())


def parquet_bytes(table: pa.Table, rows: int = 40) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, row_group_size=rows)
    return buffer.getvalue()


def csv_bytes(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pacsv.write_csv(table, buffer)
    return buffer.getvalue()


def arrow_bytes(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    with pa.ipc.new_file(buffer, table.schema) as writer:
        writer.write_table(table, max_chunksize=30)
    return buffer.getvalue()


def zip_bytes(table: pa.Table) -> bytes:
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", csv_bytes(table))
    return buffer.getvalue()


WIDE = wide(*series(100))
TABLES = {
    "wide.parquet": parquet_bytes(WIDE),
    "list.parquet": parquet_bytes(as_lists(WIDE, "list")),
    "long.parquet": parquet_bytes(as_long(WIDE), 1000),
    "wide.csv": csv_bytes(WIDE),
    "wide.csv.gz": gzip.compress(csv_bytes(WIDE)),
    "by-date.csv": csv_bytes(as_long(WIDE).sort_by("date")),
    "wide.arrow": arrow_bytes(WIDE),
    "wide.zip": zip_bytes(WIDE),
}


@pytest.mark.parametrize("name", sorted(TABLES))
def test_an_object_is_classified_as_a_file_is(name: str, s3: Any, tmp_path: Path, classifier: Classifier) -> None:
    (tmp_path / name).write_bytes(TABLES[name])
    s3.put_object(Bucket=BUCKET, Key=f"in/{name}", Body=TABLES[name])
    here = classify_file(tmp_path / name, tmp_path / "here.parquet", classifier=classifier)
    there = classify_file(f"s3://{BUCKET}/in/{name}", tmp_path / "there.parquet", classifier=classifier)
    assert pq.read_table(tmp_path / "there.parquet").equals(pq.read_table(tmp_path / "here.parquet"))
    assert (there.rows, there.layout, there.classes) == (here.rows, here.layout, here.classes)
    assert there.input == f"s3://{BUCKET}/in/{name}"


def test_large_row_groups_are_read_a_few_columns_at_a_time(
    s3: Any, tmp_path: Path, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_table, "_STREAMED_BYTES", 0)
    (tmp_path / "a.parquet").write_bytes(TABLES["wide.parquet"])
    s3.put_object(Bucket=BUCKET, Key="a.parquet", Body=TABLES["wide.parquet"])
    classify_file(tmp_path / "a.parquet", tmp_path / "here.parquet", classifier=classifier)
    classify_file(f"s3://{BUCKET}/a.parquet", tmp_path / "there.parquet", classifier=classifier)
    assert pq.read_table(tmp_path / "there.parquet").equals(pq.read_table(tmp_path / "here.parquet"))


def test_all_outputs_of_a_run_are_those_of_a_run_here(s3: Any, tmp_path: Path) -> None:
    source = write(WIDE, tmp_path / "a.parquet")
    outputs = ["out.csv", "out.gpkg", "bad.parquet", "fixed.parquet"]

    def classify(folder: str) -> None:
        done = run(
            "classify", source, "-o", f"{folder}/out.csv", "--gpkg", f"{folder}/out.gpkg", "--qml",
            "--quarantine", f"{folder}/bad.parquet", "--corrected-out", f"{folder}/fixed.parquet", "--threads", 1, "-q",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    (tmp_path / "here").mkdir()
    classify(str(tmp_path / "here"))
    classify(f"s3://{BUCKET}/there")
    assert names(s3) == sorted(f"there/{name}" for name in [*outputs, "out.csv.json", "out.qml"])
    for name in ("out.csv", "out.csv.json", "out.qml", "bad.parquet", "fixed.parquet"):
        assert content(s3, f"there/{name}") == (tmp_path / "here" / name).read_bytes(), name
    assert content(s3, "there/out.gpkg").startswith(b"SQLite format 3")


def test_many_inputs_a_folder_and_the_report_of_the_run(s3: Any) -> None:
    for name in ("a", "b"):
        s3.put_object(Bucket=BUCKET, Key=f"in/{name}.parquet", Body=TABLES["wide.parquet"])
    s3.put_object(Bucket=BUCKET, Key="in/deeper/c.parquet", Body=TABLES["wide.parquet"])
    where = f"s3://{BUCKET}"
    run_it = ["classify", f"{where}/in", "--output-dir", f"{where}/out", "--run-report", f"{where}/run.json", "-q"]
    done = run(*run_it, "--skip-existing")
    assert done.returncode == 0, done.stderr
    found = ["in/a.parquet", "in/b.parquet", "in/deeper/c.parquet"]
    assert names(s3) == [*found, "out/a.classified.parquet", "out/b.classified.parquet", "run.json"]
    assert [file["state"] for file in json.loads(content(s3, "run.json"))["files"]] == ["done", "done"]
    done = run(*run_it, "--skip-existing")
    assert [file["state"] for file in json.loads(content(s3, "run.json"))["files"]] == ["skipped", "skipped"]


def test_inspect_report_show_and_convert(s3: Any) -> None:
    source = f"s3://{BUCKET}/in/a.parquet"
    s3.put_object(Bucket=BUCKET, Key="in/a.parquet", Body=TABLES["wide.parquet"])
    assert json.loads(run("inspect", source, "--json").stdout)["points"] == 100
    assert json.loads(run("show", source, "--row", 3, "--json").stdout)["id"] == "p0003"
    assert run("report", source, "-q").returncode == 0
    assert run("convert", source, "-o", f"s3://{BUCKET}/list.parquet", "-q").returncode == 0
    assert names(s3) == ["in/a.parquet", "in/a.report.html", "list.parquet"]
    assert content(s3, "in/a.report.html").startswith(b"<!")
    refused(run("restore", source, "-o", "x.parquet"), 2, "fetch it first")


def test_a_folder_in_a_store_is_one_table(s3: Any, tmp_path: Path, classifier: Classifier) -> None:
    for number in range(2):
        part = parquet_bytes(WIDE.slice(50 * number, 50))
        s3.put_object(Bucket=BUCKET, Key=f"table/tile={number}/part-0.parquet", Body=part)
    s3.put_object(Bucket=BUCKET, Key="table/_SUCCESS", Body=b"")
    classify_file(f"s3://{BUCKET}/table", tmp_path / "there.parquet", classifier=classifier, as_table=True)
    found = pq.read_table(tmp_path / "there.parquet")
    assert found["pid"].to_pylist() == WIDE["pid"].to_pylist()
    assert found["tile"].to_pylist() == ["0"] * 50 + ["1"] * 50


def test_an_object_that_is_there_stays(s3: Any, tmp_path: Path) -> None:
    source = write(WIDE, tmp_path / "a.parquet")
    s3.put_object(Bucket=BUCKET, Key="out.parquet", Body=b"old")
    output = f"s3://{BUCKET}/out.parquet"
    refused(run("classify", source, "-o", output), 73, output, "exists", "--overwrite")
    assert content(s3, "out.parquet") == b"old"
    assert run("classify", source, "-o", output, "--overwrite", "-q").returncode == 0
    assert pq.read_table(io.BytesIO(content(s3, "out.parquet"))).num_rows == 100


def test_an_object_that_appears_meanwhile_stays(s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(WIDE, tmp_path / "a.parquet")
    send = upload.Upload.send

    def late(self: upload.Upload) -> None:
        send(self)
        s3.put_object(Bucket=BUCKET, Key="out.parquet", Body=b"other")

    monkeypatch.setattr(upload.Upload, "send", late)
    done = run("classify", source, "-o", tmp_path / "here.csv", "--gpkg", f"s3://{BUCKET}/out.gpkg", "-q")
    assert done.returncode == 0
    refused(run("classify", source, "-o", f"s3://{BUCKET}/out.parquet", "-q"), 73, "exists")
    assert content(s3, "out.parquet") == b"other"


def test_one_output_that_fails_takes_all_back(s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(WIDE, tmp_path / "a.parquet")
    complete = upload.Upload.complete

    def failing(self: upload.Upload) -> None:
        if self._target.name == "b.csv.json":
            raise OSError("the store is gone")
        complete(self)

    monkeypatch.setattr(upload.Upload, "complete", failing)
    done = run("classify", source, "-o", f"s3://{BUCKET}/b.csv", "--gpkg", tmp_path / "here.gpkg", "-q")
    refused(done, 74, "b.csv.json", "the store is gone")
    assert names(s3) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "tmp"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_parts_are_sent_leaves_nothing(
    s3: Any, server: str, tmp_path: Path, number: signal.Signals
) -> None:
    source = write(WIDE, tmp_path / "a.parquet")
    program = (
        "import signal, sys\n"
        "from insar_runtime._output import upload\n"
        "from insar_runtime.cli import main\n"
        "def send(self):\n"
        "    self._stream.write(b'x' * (11 << 20)); self._stream.flush()\n"
        f"    signal.raise_signal({int(number)})\n"
        "upload.Upload.send = send\n"
        f"sys.argv[1:] = ['classify', {str(source)!r}, '-o', 's3://{BUCKET}/out.parquet', '-q']\n"
        "main()\n"
    )
    environment = os.environ | variables(server) | {"TMPDIR": str(tmp_path / "tmp")}
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
        # Where the tests run in the background, it is ignored from the start.
        preexec_fn=lambda: signal.signal(number, usual),
    )
    assert done.returncode == 128 + number, done.stderr
    assert done.stderr == b""
    assert names(s3) == []


def test_an_upload_that_is_given_up_is_never_completed(
    s3: Any, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without keys to remove the parts, they stay, but no object appears, not even at the end of the process."""
    program = (
        "from pathlib import Path\n"
        "from insar_runtime._input.store_path import StorePath\n"
        "from insar_runtime._output.upload import Upload\n"
        f"one = Upload(Path({str(tmp_path)!r}) / 'a', StorePath('s3://{BUCKET}/out'))\n"
        "one._uploads.others = None\n"
        "one.send(); one.give_up(); del one\n"
    )
    (tmp_path / "a").write_bytes(b"x" * (11 << 20))
    environment = os.environ | variables(server)
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert names(s3) == []
    for left in s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]:
        s3.abort_multipart_upload(Bucket=BUCKET, Key=left["Key"], UploadId=left["UploadId"])


def test_what_is_not_there(s3: Any, tmp_path: Path, classifier: Classifier) -> None:
    source = write(WIDE, tmp_path / "a.parquet")
    refused(
        run("classify", f"s3://{BUCKET}/none.parquet", "-o", tmp_path / "b.parquet"), 66, f"s3://{BUCKET}/none.parquet"
    )
    refused(run("classify", "s3://nobody/none.parquet", "-o", tmp_path / "b.parquet"), 66, "s3://nobody/none.parquet")
    refused(run("classify", source, "-o", "s3://nobody/out.parquet"), 74, "bucket nobody", "does not exist")
    refused(run("classify", source, "-o", f"s3://{BUCKET}"), 2, "is a bucket")
    refused(run("classify", "s3://", "-o", tmp_path / "b.parquet"), 2, "names no bucket")
    refused(run("classify", f"s3://{BUCKET}/*.parquet", "--output-dir", tmp_path), 2, "patterns")
    with pytest.raises(InputNotFoundError):
        classify_file(f"s3://{BUCKET}/none.parquet", tmp_path / "b.parquet", classifier=classifier)


def test_a_database_in_a_store_is_to_be_fetched(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="a.gpkg", Body=b"SQLite format 3\0" + bytes(100))
    done = run("classify", f"s3://{BUCKET}/a.gpkg", "-o", tmp_path / "b.parquet")
    refused(done, 65, f"s3://{BUCKET}/a.gpkg")


def test_damage_is_told_from_a_store_that_fails(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="a.parquet", Body=TABLES["wide.parquet"][:-100])
    refused(run("classify", f"s3://{BUCKET}/a.parquet", "-o", tmp_path / "b.parquet"), 65, "damaged or incomplete")


@pytest.mark.parametrize("where", ["in", "out"])
def test_a_store_that_refuses(where: str, use: Callable[[str], None], tmp_path: Path) -> None:
    source = write(WIDE, tmp_path / "a.parquet")
    arguments = ["s3://b/a.parquet", "-o", tmp_path / "b.parquet"] if where == "in" else [source, "-o", "s3://b/c.csv"]
    with refusing_server() as address:
        use(address)
        refused(run("classify", *arguments), 74, "s3://b/", "refuses", "credentials")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "tmp"]


@pytest.mark.parametrize("where", ["in", "out"])
def test_a_store_that_is_not_reached(where: str, use: Callable[[str], None], tmp_path: Path) -> None:
    source = write(WIDE, tmp_path / "a.parquet")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        use(f"http://127.0.0.1:{taken.getsockname()[1]}")
        arguments = ["s3://b/a.parquet", "-o", tmp_path / "b.csv"] if where == "in" else [source, "-o", "s3://b/c.csv"]
        begin = time.monotonic()
        refused(run("classify", *arguments), 74, "s3://b/", "not reached", "AWS_ENDPOINT_URL")
        assert time.monotonic() - begin < 100
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "tmp"]


def test_a_store_that_fails_while_it_is_read(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="a.csv", Body=csv_bytes(wide(*series(20_000))))
    path = StorePath(f"s3://{BUCKET}/a.csv")
    stream = path.sequential()
    assert stream.read(10)
    s3.delete_object(Bucket=BUCKET, Key="a.csv")
    with pytest.raises(InputOutputError, match=r"a\.csv"), translate_errors(str(path), is_open=True):
        deque(iter(partial(stream.read, 1 << 20), b""), maxlen=0)


def test_no_other_command_initialises_s3(tmp_path: Path) -> None:
    """A run without such an address neither makes a file system of a store nor loads what uploads to one."""
    source = write(WIDE, tmp_path / "a.parquet")
    program = (
        "import sys\nfrom pyarrow import fs\n"
        "def refuse(*_): raise AssertionError('a store was opened')\n"
        "fs.S3FileSystem = fs.ensure_s3_initialized = refuse\n"
        "from insar_runtime import classify_file\n"
        f"classify_file({str(source)!r}, {str(tmp_path / 'out.parquet')!r})\n"
        "assert 'insar_runtime._output.upload' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
