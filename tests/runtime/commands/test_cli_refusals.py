"""Wrong input gets one line on standard error (what, value, remedy), an exit code, and no partial output."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import load_model
from tests.runtime.run_command import COMMAND, refused, run, run_process
from tests.runtime.tables import as_lists, series, wide, write


def test_a_missing_input_is_refused(tmp_path: Path) -> None:
    refused(run("classify", tmp_path / "none.parquet"), 66, "none.parquet")


def test_text_named_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.parquet").write_text("hello")
    refused(run("classify", tmp_path / "in.parquet"), 65, "in.parquet", "Parquet".lower())


def test_truncated_parquet_is_refused(source: Path) -> None:
    source.write_bytes(source.read_bytes()[:-200])
    refused(run("classify", source), 65, "in.parquet")


def test_a_truncated_stream_is_refused_and_leaves_no_output(source: Path, tmp_path: Path) -> None:
    stream = write(pq.read_table(source), tmp_path / "in.arrows").read_bytes()
    refused(run("classify", "-", "-o", tmp_path / "o.parquet", input=stream[: len(stream) // 2 + 5]), 65)
    assert not (tmp_path / "o.parquet").exists()


def _rename(old: str, new: str) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.rename_columns([new if name == old else name for name in table.schema.names])


FIRST_DATE = wide(*series(1)).schema.names[3]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.select(["pid", "latitude"]), ["date"]),
        (lambda t: t.append_column("D20300101", t[FIRST_DATE]).append_column("D20300113", t[FIRST_DATE]), ["D2030"]),
        (lambda t: t.append_column(FIRST_DATE, t[FIRST_DATE]), [FIRST_DATE, "twice"]),
        (
            lambda t: t.set_column(3, FIRST_DATE, pa.array(["x"] * len(t))),
            [FIRST_DATE, "string"],
        ),
        (lambda t: t.select([*t.schema.names[:3], *t.schema.names[3:20]]), ["17 epochs", "30"]),
        (lambda t: t.append_column("class_id", t["pid"]), ["class_id"]),
    ],
    ids=["no dates", "two families", "duplicate", "strings", "too short", "classified before"],
)
def test_tables_that_cannot_be_classified_are_refused(
    source: Path, tmp_path: Path, change: Callable[[pa.Table], pa.Table], words: list[str]
) -> None:
    path = write(change(pq.read_table(source)), tmp_path / "bad.parquet")
    refused(run("classify", path), 65, *words)
    assert not (tmp_path / "bad.classified.parquet").exists()


def test_duplicate_dates_in_lists(source: Path, tmp_path: Path) -> None:
    table = as_lists(pq.read_table(source), "list")
    axis = table["dates"][0].as_py()
    axis[4] = axis[3]
    broken = table.set_column(
        table.schema.names.index("dates"), "dates", pa.array([axis] * len(table), pa.list_(pa.date32()))
    )
    refused(run("classify", write(broken, tmp_path / "bad.parquet")), 65, str(axis[3]))


def test_strings_in_a_csv_date_column(source: Path, tmp_path: Path) -> None:
    path = write(pq.read_table(source), tmp_path / "bad.csv")
    text = path.read_text().splitlines()
    cells = text[7].split(",")
    cells[5] = "cloudy"
    text[7] = ",".join(cells)
    path.write_text("\n".join(text))
    refused(run("classify", path), 65, "cloudy", text[0].split(",")[5].strip('"'))


def test_infinite_and_empty_rows_are_results(source: Path, tmp_path: Path) -> None:
    table = pq.read_table(source)
    column = table[FIRST_DATE].to_pylist()
    column[3] = float("inf")
    table = table.set_column(3, FIRST_DATE, pa.array(column))
    for name in table.schema.names[3:]:
        values = table[name].to_pylist()
        values[8] = None
        table = table.set_column(table.schema.names.index(name), name, pa.array(values, pa.float64()))
    path = write(table, tmp_path / "odd.parquet")
    assert run("classify", path, "-o", tmp_path / "o.parquet").returncode == 0
    status = pq.read_table(tmp_path / "o.parquet")["status"].to_pylist()
    assert (status[3], status[8]) == ("non_finite", "too_few_epochs")
    assert len(status) == 200


def test_an_output_that_is_the_input_is_refused(source: Path) -> None:
    refused(run("classify", source, "-o", source, "--overwrite"), 2, "is the input")


def test_an_output_that_exists_is_refused(source: Path, tmp_path: Path) -> None:
    (tmp_path / "o.parquet").write_text("x")
    refused(run("classify", source, "-o", tmp_path / "o.parquet"), 73, "--overwrite")


def test_an_output_in_a_missing_folder_is_refused(source: Path, tmp_path: Path) -> None:
    refused(run("classify", source, "-o", tmp_path / "no" / "o.parquet"), 74, "does not exist")


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="no /sys: nothing that even root may not write to")
def test_an_output_in_an_unwritable_folder_is_refused(source: Path) -> None:
    refused(run("classify", source, "-o", "/sys/o.parquet"), 74, "may write")


def test_an_output_beyond_the_size_limit_leaves_nothing(source: Path, tmp_path: Path) -> None:
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # noqa: E731
    refused(run_process("classify", source, "-o", tmp_path / "o.parquet", preexec_fn=limit), 74, "cannot be written")
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


def test_a_full_disk_is_reported(source: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    small = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=8k tmpfs {disk}"
    if shutil.which("unshare") is None or subprocess.run([*small, mount], capture_output=True, check=False).returncode:
        pytest.skip("no disk of 8 kB can be mounted here")
    command = " ".join([*COMMAND, "classify", str(source), "-o", str(disk / "o.parquet")])
    done = subprocess.run(
        [*small, f"{mount} && {command}; code=$?; ls -A {disk}; exit $code"], capture_output=True, check=False
    )
    refused(done, 74, "No space left", "free some space")


@pytest.mark.parametrize("flag", ["--device=cuda", "--model=no-such-model"])
def test_a_device_or_model_that_is_not_available_is_refused(source: Path, flag: str) -> None:
    refused(run("classify", source, flag), 69)


def test_a_model_with_a_flipped_byte_is_refused(source: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(Path(str(files("insar_runtime"))) / "models" / load_model().name, tmp_path / "model"))
    victim = next(copy.glob("*int8.onnx"))
    data = bytearray(victim.read_bytes())
    data[5000] ^= 1
    victim.write_bytes(data)
    refused(run("classify", source, "--model", copy, "--precision", "int8"), 77, "SHA-256")


@pytest.mark.parametrize("text", ["", ".5,.5", "1,1,1,1,0", "stable=1,linear=1", "often"])
def test_text_that_is_no_mix_of_classes_is_refused(source: Path, text: str) -> None:
    refused(
        run("classify", source, "--priors", text), 2, "priors", "give six shares such as", "or auto, local or trained"
    )
    assert [path.name for path in source.parent.iterdir()] == ["in.parquet"]


@pytest.mark.parametrize("name", ["", "."])
@pytest.mark.parametrize("command", [["inspect"], ["report"], ["show", "--row", "0"]])
def test_a_folder_is_refused_where_one_file_is_needed(tmp_path: Path, command: list[str], name: str) -> None:
    refused(run(*command, name, cwd=tmp_path), 74, "a folder", "give")


def test_names_that_are_no_input_are_refused(tmp_path: Path) -> None:
    refused(run("classify", "", cwd=tmp_path), 2, "an input has no name")
    refused(run("classify", ".", cwd=tmp_path), 66, "no tables in folder", ".parquet")
    refused(run("classify", "*.zip", cwd=tmp_path), 66, "no file fits *.zip")
    refused(run("classify", "there.is.none", cwd=tmp_path), 66, "no such input")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", [["classify", "SOURCE", "-o", "-"], ["models", "--json"]])
def test_full_disk_behind_standard_output(source: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [*COMMAND, *(str(source) if word == "SOURCE" else word for word in arguments)]
        # What a buffer holds is flushed once more at the end.
        buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        done = subprocess.run(command, env=buffered, stdout=full, stderr=subprocess.PIPE, timeout=120, check=False)
    assert done.returncode == 74, done.stderr
    assert len(done.stderr.decode().strip().splitlines()) == 1


@pytest.mark.parametrize("side", ["input", "output"])
def test_a_name_that_is_too_long_is_refused(source: Path, tmp_path: Path, side: str) -> None:
    long = tmp_path / ("x" * 300 + ".parquet")
    arguments = [long] if side == "input" else [source, "-o", long]
    refused(run("classify", *arguments), 74, "name too long")


@pytest.mark.parametrize("option", [["--model", ""], ["-o", ""]])
def test_an_empty_option_is_refused(source: Path, option: list[str]) -> None:
    """As an unset variable of a shell script gives it."""
    assert run("classify", source, *option).returncode in {2, 69}
    assert [path.name for path in source.parent.iterdir()] == ["in.parquet"]


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_standard_streams_do_not_stop_a_run(source: Path, tmp_path: Path, closed: str) -> None:
    """Under some daemons; the file is written all the same."""
    command = " ".join([*COMMAND, "classify", str(source), "-o", str(tmp_path / "o.parquet"), closed])
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert pq.read_metadata(tmp_path / "o.parquet").num_rows == 200


def test_named_pipes_are_refused(source: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    refused(run("classify", pipe), 2, "not a regular file")
    refused(run("classify", source, "-o", pipe, "--overwrite"), 2, "not a regular file")
    assert pipe.is_fifo()


def test_an_output_link_is_followed_and_stays_a_link(source: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link, target = tmp_path / "o.parquet", tmp_path / "elsewhere" / "real.parquet"
    link.symlink_to(target)
    refused(run("classify", source, "-o", link), 73)
    assert run("classify", source, "-o", link, "--overwrite").returncode == 0
    assert link.is_symlink()
    assert pq.read_metadata(target).num_rows == 200


def test_a_table_with_two_series_is_refused(source: Path, tmp_path: Path) -> None:
    table = pq.read_table(source)
    both = as_lists(table, "list")
    for name in table.schema.names[3:]:
        both = both.append_column(name, table[name])
    refused(run("classify", write(both, tmp_path / "both.parquet")), 65, "displacements", "drop one")


def test_codes_stay_text_in_csv(source: Path, tmp_path: Path) -> None:
    """Whatever comes late in the file: a leading zero, more digits than a double holds, a letter."""
    table = pq.read_table(source)
    table = pa.concat_tables([table] * 60)
    codes = [str(10_000 + i) for i in range(len(table))]
    codes[-3:] = ["01067", "12345678901234567890", "A12"]
    path = write(table.append_column("zone", pa.array(codes)), tmp_path / "long.csv")
    assert path.stat().st_size > 3 << 20
    assert run("classify", path, "-o", tmp_path / "o.parquet").returncode == 0
    out = pq.read_table(tmp_path / "o.parquet")
    assert out["zone"].to_pylist() == codes


def test_nothing_is_written_over_the_input(source: Path, tmp_path: Path) -> None:
    before = source.read_bytes()
    link = tmp_path / "link.png"
    link.symlink_to(source)
    refused(run("show", source, "--row", "0", "--png", link, "--overwrite"), 2, "is the input", "another file")
    refused(run("report", source, "-o", source, "--overwrite"), 2, "is the input", "another file")
    refused(run("convert", source, "-o", source, "--overwrite"), 2, "is the input", "another file")
    assert source.read_bytes() == before


def test_a_report_of_a_missing_file_keeps_the_old_page(tmp_path: Path) -> None:
    (tmp_path / "o.html").write_text("old")
    refused(run("report", tmp_path / "none.parquet", "-o", tmp_path / "o.html", "--overwrite"), 66, "none.parquet")
    assert (tmp_path / "o.html").read_text() == "old"
