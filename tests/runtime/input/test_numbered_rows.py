"""The rows of a sample depend on their numbers alone: not on container, row groups or batches."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, classify_file
from insar_runtime._input import numbered_rows
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.numbered_rows import numbered_series
from insar_runtime._input.random_rows import row_keys
from insar_runtime._output.run_metadata import read_block
from insar_runtime._pipeline.prepare import open_described
from tests.runtime.input.shapefiles import dbf
from tests.runtime.outputs import save
from tests.runtime.tables import as_lists, series, wide, write

COUNT, WITHIN, DRAWN = 1500, 1200, 100


def in_parquet(rows: int) -> Callable[[pa.Table, Path], Path]:
    def written(table: pa.Table, folder: Path) -> Path:
        pq.write_table(table, folder / "a.parquet", row_group_size=rows)
        return folder / "a.parquet"

    return written


def in_lists(table: pa.Table, folder: Path) -> Path:
    return in_parquet(700)(as_lists(table, "list"), folder)


def in_arrow(rows: int) -> Callable[[pa.Table, Path], Path]:
    def written(table: pa.Table, folder: Path) -> Path:
        with pa.OSFile(str(folder / "a.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=rows)
        return folder / "a.arrow"

    return written


def in_stored_stream(table: pa.Table, folder: Path) -> Path:
    return write(table, folder / "a.arrows")


def in_csv(table: pa.Table, folder: Path) -> Path:
    path = write(table, folder / "a.csv")
    # Neither blank lines nor a missing last line end count.
    lines = path.read_bytes().rstrip(b"\n").split(b"\n")
    path.write_bytes(b"\n".join([*lines[:40], b"", *lines[40:]]))
    return path


def in_zip(table: pa.Table, folder: Path) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(in_csv(table, folder), "a.csv")
    return folder / "a.zip"


def in_compressed(suffix: str, codec: str) -> Callable[[pa.Table, Path], Path]:
    def written(table: pa.Table, folder: Path) -> Path:
        text = in_csv(table, folder).read_bytes()
        with pa.CompressedOutputStream(str(folder / f"a.csv.{suffix}"), codec) as stream:
            stream.write(text)
        return folder / f"a.csv.{suffix}"

    return written


def in_geopackage(table: pa.Table, folder: Path) -> Path:
    return save(table.replace_schema_metadata({}), folder / "a.gpkg")


def in_dbf(table: pa.Table, folder: Path) -> Path:
    fields = [(name, "C" if name == "pid" else "N", 12, 0 if name == "pid" else 4) for name in table.schema.names]
    cells = [
        [(value if isinstance(value, str) else f"{value:.4f}").encode() for value in row.values()]
        for row in table.to_pylist()
    ]
    (folder / "a.dbf").write_bytes(dbf(fields, cells))
    return folder / "a.dbf"


def in_folder(table: pa.Table, folder: Path) -> Path:
    parts = folder / "a"
    parts.mkdir()
    lists = as_lists(table, "list")
    for number, start in enumerate(range(0, len(lists), 400)):
        pq.write_table(lists.slice(start, 400), parts / f"part-{number}.parquet")
    return parts


WRITERS: dict[str, Callable[[pa.Table, Path], Path]] = {
    "row groups of 97": in_parquet(97),
    "row groups of 500": in_parquet(500),
    "one row group": in_parquet(10_000),
    "lists": in_lists,
    "batches of 130": in_arrow(130),
    "one batch": in_arrow(10_000),
    "stored stream": in_stored_stream,
    "csv": in_csv,
    "zip": in_zip,
    "gzip": in_compressed("gz", "gzip"),
    "zstd": in_compressed("zst", "zstd"),
    "geopackage": in_geopackage,
    "dbf": in_dbf,
    "folder": in_folder,
}


def drawn(path: Path, rows: int = DRAWN) -> np.ndarray:
    """Return the rows that are drawn of a file, by the number that stands in their series."""
    with open_described(path, UserDeclarations(units="mm", as_table=path.is_dir())) as table:
        return numbered_series(table.source, table.description.layout, rows)


@pytest.mark.parametrize("count", [COUNT, WITHIN - 1, DRAWN // 2])
@pytest.mark.parametrize("container", WRITERS)
def test_the_rows_of_the_smallest_keys_are_drawn_in_any_container(
    container: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbered_rows, "WITHIN", WITHIN)
    displacement, dates = series(count, 40)
    displacement[:, 3] = np.arange(count) / 4
    found = drawn(WRITERS[container](wide(displacement, dates), tmp_path))
    wanted = np.sort(np.argsort(row_keys(0, min(count, WITHIN)))[:DRAWN])
    np.testing.assert_array_equal(found[:, 3] * 4, wanted)
    np.testing.assert_array_equal(found, displacement[wanted].astype(np.float32))


def test_what_is_not_read_again_gives_none(tmp_path: Path) -> None:
    table = wide(*series(COUNT, 40))
    for path in (in_compressed("bz2", "bz2")(table, tmp_path),):
        assert drawn(path).shape == (0, 40)
    with in_stored_stream(table, tmp_path).open("rb") as stream, open_described(stream) as opened:
        assert numbered_series(opened.source, opened.description.layout, DRAWN).shape == (0, 40)


def test_a_text_whose_cells_have_line_ends_gives_none(tmp_path: Path) -> None:
    table = wide(*series(COUNT, 40), pid=[f"p\n{i}" for i in range(COUNT)])
    pacsv.write_csv(table, tmp_path / "a.csv")
    assert len(drawn(tmp_path / "a.csv")) in {0, DRAWN}


def test_a_damaged_row_is_left_to_the_run(tmp_path: Path) -> None:
    """The run names it by its row."""
    path = in_csv(wide(*series(20_000, 40)), tmp_path)
    lines = path.read_bytes().split(b"\n")
    lines[1] = b"x," + lines[1]
    path.write_bytes(b"\n".join([lines[0], *lines[2:], lines[1]]))
    assert drawn(path, 20_000).shape == (0, 40)


def test_a_large_file_has_the_same_diagnosis_in_any_container(tmp_path: Path, classifier: Classifier) -> None:
    """10,240 rows, more than those by which a table is described."""
    displacement, dates = series(10_240, 60)
    displacement[::40, 30:] += 14
    table = wide(displacement, dates)
    writers = (in_parquet(1000), in_parquet(20_000), in_lists, in_arrow(3000), in_csv, in_zip)
    outputs, noises = [], []
    for number, written in enumerate(writers):
        folder = tmp_path / str(number)
        folder.mkdir()
        output = folder / "out.parquet"
        classify_file(written(table, folder), output, classifier=classifier, diagnose=True, units="mm")
        block = read_block(output)
        assert block is not None
        noises.append(block["diagnosis"]["noise"])
        outputs.append(pq.read_table(output).drop_columns(["latitude", "longitude", "geometry", "bbox"]))
    assert outputs[0]["n_jumps"].null_count < 10_240
    for noise, output in zip(noises, outputs, strict=True):
        assert noise == noises[0]
        assert output.equals(outputs[0])
