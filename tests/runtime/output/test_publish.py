"""Files of a run appear together and exclusively: of several writers one gets the names, and signals wait for it."""

from __future__ import annotations

import errno
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from insar_runtime import InputOutputError, OutputExistsError, UsageError
from insar_runtime._output.atomic import OutputGroup, write_file
from insar_runtime._output.partials import PartialFile, hidden_beside
from insar_runtime._output.publish import Prepared, publish
from insar_runtime._signals import ENDING, deferred_signals, last_outputs


def prepared(target: Path, text: str) -> Prepared:
    partial = hidden_beside(target)
    partial.write_text(text)
    return Prepared(partial, target, target)


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.fixture
def without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system such as FAT."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)


def race(folder: Path, writers: int) -> list[int]:
    """Publish two files of the same names by several threads at once; return who succeeded."""
    files = [[prepared(folder / name, str(number)) for name in ("b", "a")] for number in range(writers)]
    start, done, failed = threading.Barrier(writers), [], []

    def work(number: int) -> None:
        start.wait()
        try:
            publish(files[number], overwrite=False)
            done.append(number)
        except OutputExistsError:
            failed.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) + len(failed) == writers
    return done


@pytest.mark.parametrize("turn", range(40))
def test_of_several_writers_one_gets_all_names(tmp_path: Path, turn: int) -> None:
    (winner,) = race(tmp_path, 2 + turn % 5)
    assert {name: text for name, text in texts(tmp_path).items() if name in "ab"} == dict.fromkeys("ab", str(winner))


@pytest.mark.usefixtures("without_links")
def test_without_hard_links_one_gets_all_names_as_well(tmp_path: Path) -> None:
    for turn in range(20):
        folder = tmp_path / str(turn)
        folder.mkdir()
        (winner,) = race(folder, 4)
        assert {name: text for name, text in texts(folder).items() if name in "ab"} == dict.fromkeys("ab", str(winner))


def test_a_link_that_a_network_file_system_has_made_already_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def link(source: Path, target: Path) -> None:
        """As NFS does if the answer to its first try was lost."""
        real(source, target)
        real(source, target)

    monkeypatch.setattr(os, "link", link)
    publish([prepared(tmp_path / "a", "ours")], overwrite=False)
    assert texts(tmp_path) == {"a": "ours"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_name_that_is_refused_takes_the_others_back(tmp_path: Path, overwrite: bool) -> None:
    """The last of three names belongs to a folder that was made in the meantime; one of the others was there before."""
    if overwrite:
        (tmp_path / "b").write_text("precious")
    with pytest.raises(UsageError, match=r"output .*/c is a folder"), OutputGroup(overwrite=overwrite) as group:  # noqa: PT012
        for name in "abc":
            group.add_bytes(tmp_path / name, [b"new"])
        (tmp_path / "c").mkdir()
    (tmp_path / "c").rmdir()
    assert texts(tmp_path) == ({"b": "precious"} if overwrite else {})


def test_what_another_run_has_replaced_is_not_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.link

    def link(source: Path, target: Path) -> None:
        if target.name == "b":
            # Another run, with --overwrite, comes between the two names.
            (tmp_path / "other").write_text("other")
            (tmp_path / "other").replace(tmp_path / "a")
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(source, target)

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(InputOutputError, match=r"output .*b cannot"), OutputGroup(overwrite=False) as group:  # noqa: PT012
        for name in "ab":
            group.add_bytes(tmp_path / name, [b"new"])
    assert texts(tmp_path) == {"a": "other"}


LOGS = {f"a.gpkg{end}": end for end in ("-wal", "-shm", "-journal")}


def _geopackage(folder: Path) -> dict[str, str]:
    """Write what stands for a GeoPackage that another program has open; return the texts of all files."""
    before = {"a.gpkg": "precious", **LOGS}
    for name, text in before.items():
        (folder / name).write_text(text)
    return before


def test_the_logs_of_a_geopackage_come_back_with_it(tmp_path: Path) -> None:
    before = _geopackage(tmp_path)
    with pytest.raises(UsageError, match=r"output .*/b is a folder"), OutputGroup(overwrite=True) as group:  # noqa: PT012
        for name in ("a.gpkg", "b"):
            group.add_bytes(tmp_path / name, [b"new"])
        (tmp_path / "b").mkdir()
    (tmp_path / "b").rmdir()
    assert texts(tmp_path) == before


def test_the_logs_of_a_geopackage_that_cannot_be_replaced_come_back(tmp_path: Path) -> None:
    before, target = _geopackage(tmp_path), tmp_path / "a.gpkg"
    lost = prepared(target, "new")
    lost.partial.unlink()
    with pytest.raises(InputOutputError, match=r"output .*a\.gpkg cannot"):
        publish([lost], overwrite=True)
    assert texts(tmp_path) == before


def test_the_logs_of_a_geopackage_go_with_it(tmp_path: Path) -> None:
    _geopackage(tmp_path)
    write_file(tmp_path / "a.gpkg", [b"new"], overwrite=True)
    assert texts(tmp_path) == {"a.gpkg": "new"}


class Interrupted(BaseException):
    """What the handler of a test raises."""


def _interrupt(number: int, frame: object) -> None:
    raise Interrupted(number)


@pytest.fixture
def handlers() -> object:
    """Handlers as a program may have them; those of pytest come back."""
    before = {number: signal.signal(number, _interrupt) for number in ENDING}
    yield before
    for number, handler in before.items():
        signal.signal(number, handler)


def _signal_between_names(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    real = os.link

    def link(source: Path, target: Path) -> None:
        real(source, target)
        signal.raise_signal(number)

    monkeypatch.setattr(os, "link", link)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", ENDING)
def test_a_signal_between_two_names_waits_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    _signal_between_names(monkeypatch, number)
    with pytest.raises(Interrupted), OutputGroup(overwrite=False) as group:  # noqa: PT012
        for name in "abc":
            group.add_bytes(tmp_path / name, [b"new"])
    assert texts(tmp_path) == dict.fromkeys("abc", "new")
    assert all(signal.getsignal(number) is _interrupt for number in ENDING)


@pytest.mark.usefixtures("handlers")
def test_a_signal_in_the_last_publishing_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _signal_between_names(monkeypatch, signal.SIGTERM)
    with last_outputs():
        with last_outputs(False), pytest.raises(Interrupted):
            write_file(tmp_path / "first", [b"new"], overwrite=False)
        write_file(tmp_path / "last", [b"new"], overwrite=False)
    signal.raise_signal(signal.SIGINT)
    assert texts(tmp_path) == {"first": "new", "last": "new"}


@pytest.mark.usefixtures("handlers")
def test_a_signal_before_the_names_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Interrupted), OutputGroup(overwrite=False) as group:  # noqa: PT012
        group.add_bytes(tmp_path / "a", [b"new"])
        signal.raise_signal(signal.SIGTERM)
    assert texts(tmp_path) == {}


@pytest.mark.usefixtures("handlers")
def test_a_signal_in_the_removal_after_an_error_waits_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = PartialFile.release

    def release(partial: PartialFile) -> None:
        real(partial)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(PartialFile, "release", release)
    with pytest.raises(Interrupted), OutputGroup(overwrite=False) as group:  # noqa: PT012
        for name in "abc":
            group.add_bytes(tmp_path / name, [b"new"])
        raise ValueError
    assert texts(tmp_path) == {}


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("times", [1, 9])
def test_a_signal_while_handlers_are_put_back_loses_none(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """The first handler that is back is called before the others are, once or at each try."""
    arrived: list[int] = []

    def handle(number: int, _: object) -> None:
        arrived.append(number)
        raise Interrupted(number)

    for number in ENDING:
        signal.signal(number, handle)
    real, left = signal.signal, times

    def install(number: int, handler: Any) -> Any:
        nonlocal left
        result = real(number, handler)
        if handler is handle and number == ENDING[0] and left:
            left -= 1
            signal.raise_signal(number)
        return result

    with pytest.raises(Interrupted), monkeypatch.context() as patch, deferred_signals():  # noqa: PT012
        patch.setattr(signal, "signal", install)
        signal.raise_signal(ENDING[1])
    assert set(arrived) == set(ENDING[:2])
    if times == 1:
        assert [signal.getsignal(number) for number in ENDING] == [handle] * len(ENDING)
    for number in ENDING:
        with pytest.raises(Interrupted):
            signal.raise_signal(number)


@pytest.mark.usefixtures("handlers")
def test_another_thread_publishes_as_well(tmp_path: Path) -> None:
    """Handlers run in the main thread alone; nothing is to be deferred, and nothing can be."""
    thread = threading.Thread(target=write_file, args=(tmp_path / "a", [b"new"]), kwargs={"overwrite": False})
    thread.start()
    thread.join()
    assert texts(tmp_path) == {"a": "new"}
