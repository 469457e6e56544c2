"""A program that is missing skips a test, and fails it in CI."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import ROOT, need_program

SHELL = Path("/bin/sh")


def test_a_missing_program_skips_a_test_here_and_fails_it_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    need_program(sys.executable)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-program"):
        need_program(sys.executable, "no-such-program")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-program"):
        need_program("no-such-program")


@pytest.mark.skipif(not SHELL.exists(), reason="needs a shell")
@pytest.mark.parametrize(
    ("user", "succeeds", "ci", "code"),
    [
        (0, True, True, 0),
        (0, False, True, 1),
        (0, False, False, 0),
        (1000, True, True, 1),
        (1000, True, False, 0),
    ],
)
def test_debian_packages_are_installed_or_missed_aloud(
    user: int, succeeds: bool, ci: bool, code: int, tmp_path: Path
) -> None:
    for name, script in {
        "apt-get": f'echo "$@" >> calls; {"true" if succeeds else "false"}',
        "id": f"echo {user}",
    }.items():
        (tmp_path / name).write_text(f"#!{SHELL}\n{script}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": str(tmp_path), **({"CI": "true"} if ci else {})}
    done = subprocess.run(
        [SHELL, ROOT / ".ci" / "debian-packages"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert "openjdk-17" in done.stdout
    installed = user == 0 and succeeds
    assert ("not installed:" in done.stderr) is not installed
    calls = (tmp_path / "calls").read_text() if user == 0 else ""
    assert ("install" in calls and "chromium-driver" in calls) is installed


@pytest.fixture
def lowest() -> ModuleType:
    """The script that makes the constraints of the floors."""
    spec = importlib.util.spec_from_file_location("lowest_versions", ROOT / ".ci" / "lowest_versions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_floors_are_those_of_the_project_and_the_rest_is_pinned(lowest: ModuleType) -> None:
    project, constraints = ((ROOT / name).read_text() for name in ("pyproject.toml", "constraints.txt"))
    lines = lowest.lowest_versions(project, constraints).splitlines()
    needed = tomllib.loads(project)["project"]["dependencies"]
    assert sorted(lines[-len(needed) :]) == sorted(line.replace(">=", "==") for line in needed)
    others = lines[: -len(needed)]
    assert set(others) < set(constraints.splitlines())
    assert not {line.partition("==")[0] for line in others} & {line.partition(">=")[0] for line in needed}
    assert any(line.startswith("pytest==") for line in others)


def test_a_dependency_without_a_floor_is_refused(lowest: ModuleType) -> None:
    with pytest.raises(ValueError, match="numpy<3"):
        lowest.lowest_versions('[project]\ndependencies = ["numpy<3"]', "")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(("failing", "code"), [("none", 0), ("mypy", 1), ("engines", 1), ("build", 1), ("lowest", 1)])
def test_the_exit_status_of_ci_is_that_of_its_parts(failing: str, code: int, tmp_path: Path) -> None:
    ci = tmp_path / ".ci"
    ci.mkdir()
    shutil.copy(ROOT / ".ci" / "run", ci)
    fails = f'#!{SHELL}\ncase "$*" in *{failing}*) exit 1;; esac\n'
    for path in (ci / "debian-packages", ci / "built", tmp_path / "python"):
        path.write_text(fails)
        path.chmod(0o755)
    (tmp_path / "README.md").write_text(
        "<!-- test command -->\n```sh\nmkdir -p .venv-dev/bin && install -m 755 python .venv-dev/bin/python\n```\n"
    )
    done = subprocess.run([ci / "run"], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
