"""Addresses: what is a path, what is in a store, and what is to be fetched first."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from insar_runtime._input.locations import locate
from insar_runtime._input.store_path import StorePath
from insar_runtime.errors import UsageError
from tests.runtime.run_command import refused, run
from tests.runtime.tables import series, wide, write


@pytest.mark.parametrize("address", ["https://egms.eu/a/L2b.zip?token=1", "http://h/x.csv", "ftp://h/x.csv"])
def test_an_address_of_the_web_is_to_be_fetched(address: str, tmp_path: Path) -> None:
    for command in ("classify", "inspect", "report", "convert", "show"):
        more = {"convert": ["-o", tmp_path / "b.parquet"], "show": ["--row", 0]}.get(command, [])
        refused(
            run(command, address, *more), 2, f"curl -L -o '{address.partition('?')[0].rpartition('/')[2]}' '{address}'"
        )
    source = write(wide(*series(5)), tmp_path / "a.parquet")
    refused(run("classify", source, "-o", address), 2, address, "address of the web", "s3://")
    refused(run("report", source, "-o", address), 2, address, "address of the web")
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_a_file_address_is_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    source = write(wide(*series(5)), folder / "a.parquet")
    done = run("classify", source.as_uri(), "-o", (folder / "b.parquet").as_uri(), "-q")
    assert done.returncode == 0, done.stderr
    assert (folder / "b.parquet").exists()
    assert locate("file://localhost/x") == locate("file:/x") == Path("/x")


@pytest.mark.parametrize("address", ["s3://b/a/c.parquet", "gs://b/a/c.parquet", "az://b/a/c.parquet"])
def test_the_path_of_an_object_is_named_as_a_path_is(address: str) -> None:
    path = locate(address)
    assert isinstance(path, StorePath)
    assert str(path) == address
    # As typer has made it a path.
    assert str(locate(Path(address))) == address
    assert (path.name, path.stem, path.suffix, path.bucket, path.key) == (
        "c.parquet",
        "c",
        ".parquet",
        "b",
        "b/a/c.parquet",
    )
    assert str(path.with_name("d.csv")) == address.replace("c.parquet", "d.csv")
    assert str(path.parent / "e") == address.replace("c.parquet", "e")
    assert isinstance(path.parent, StorePath)
    assert pickle.loads(pickle.dumps(path)) == path


def test_spellings_of_hadoop() -> None:
    assert locate("s3a://b/c").scheme == "s3"  # type: ignore[attr-defined]
    path = locate("abfss://container@account.dfs.core.windows.net/a")
    assert isinstance(path, StorePath)
    assert (path.scheme, path.bucket, path.key) == ("az", "container", "container/a")


def test_what_is_no_address_stays_a_path() -> None:
    for name in ("a:b", "C:/x", "a/s3:/b", "nothing://x", "x"):
        assert locate(name) == Path(name)
        assert not isinstance(locate(name), StorePath)


def test_other_commands_write_nothing_to_a_store(tmp_path: Path) -> None:
    source = write(wide(*series(5)), tmp_path / "a.parquet")
    refused(run("show", source, "--row", 0, "--png", "s3://b/a.png"), 2, "s3://b/a.png", "name a file")


def test_azure_needs_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT", raising=False)
    with pytest.raises(UsageError, match="AZURE_STORAGE_ACCOUNT"):
        locate("az://b/c").exists()
