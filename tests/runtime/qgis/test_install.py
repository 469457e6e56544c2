"""The scripts for QGIS: where they go, that they stand alone, and that nothing of others is touched."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest

from insar_runtime._qgis.install import SCRIPTS, make_script
from insar_runtime._qgis.profiles import script_folders
from insar_runtime.errors import InputNotFoundError
from tests.runtime.run_command import refused, run

HOME = {
    "linux": ".local/share/QGIS",
    "darwin": "Library/Application Support/QGIS",
    "win32": "AppData/Roaming/QGIS",
}


@pytest.mark.parametrize("platform", HOME)
def test_all_profiles_of_both_versions_are_found(platform: str, tmp_path: Path) -> None:
    wanted = []
    for profile in ("QGIS3/profiles/default", "QGIS3/profiles/field work", "QGIS4/profiles/default"):
        (tmp_path / HOME[platform] / profile).mkdir(parents=True)
        wanted.append(tmp_path / HOME[platform] / profile / "processing" / "scripts")
    (tmp_path / HOME[platform] / "QGIS3" / "profiles" / "profiles.ini").touch()
    assert script_folders(None, {}, tmp_path, platform) == wanted
    assert script_folders("field work", {}, tmp_path, platform) == [wanted[1]]
    with pytest.raises(InputNotFoundError, match="no profile other; it has default, field work"):
        script_folders("other", {}, tmp_path, platform)


def test_the_environment_says_where_profiles_are(tmp_path: Path) -> None:
    for name in ("own/profiles/a", "data/QGIS/QGIS3/profiles/b", ".var/app/org.qgis.qgis/data/QGIS/QGIS3/profiles/c"):
        (tmp_path / name).mkdir(parents=True)
    own, data = {"QGIS_CUSTOM_CONFIG_PATH": str(tmp_path / "own")}, {"XDG_DATA_HOME": str(tmp_path / "data")}
    found = {name: script_folders(None, {**data, **more}, tmp_path, "linux") for name, more in (("own", own), ("", {}))}
    assert [path.parents[1].name for path in found["own"]] == ["a"]
    assert [path.parents[1].name for path in found[""]] == ["b", "c"]


@pytest.mark.parametrize("algorithm", SCRIPTS.values())
def test_a_script_stands_alone_in_any_python_of_qgis(algorithm: str) -> None:
    program = "C:\\Python\\pythön.exe"
    tree = ast.parse(make_script(algorithm, program), feature_version=(3, 9))
    compile(tree, "script", "exec")
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert {str(name).partition(".")[0] for name in modules} <= {"qgis", *sys.stdlib_module_names}
    settings = [
        node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PROGRAM"
    ]
    assert [ast.literal_eval(node.value) for node in settings] == [program]
    assert ast.unparse(tree.body[-1]) == f"Algorithm = {algorithm}"


def test_install_and_uninstall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QGIS_CUSTOM_CONFIG_PATH", str(tmp_path))
    refused(run("qgis", "install"), 66, f"no profile of QGIS in {tmp_path / 'profiles'}", "start QGIS once", "--folder")
    (tmp_path / "profiles" / "default").mkdir(parents=True)
    folder = tmp_path / "profiles" / "default" / "processing" / "scripts"
    for _ in range(2):
        done = run("qgis", "install", "--json")
        assert json.loads(done.stdout) == {"program": sys.executable, "files": [str(folder / name) for name in SCRIPTS]}
        assert str(folder / "insar_rt_classify.py") in done.stderr.decode()
    (folder / "other.py").write_text("precious")
    assert run("qgis", "uninstall").returncode == 0
    assert [path.name for path in folder.iterdir()] == ["other.py"]
    assert "no algorithms of insar-rt to remove" in run("qgis", "uninstall").stderr.decode()


def test_files_of_others_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "insar_rt_report.py").write_text("precious")
    for action in ("install", "uninstall"):
        refused(run("qgis", action, "--folder", tmp_path), 73, "insar_rt_report.py was not written by insar-rt")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"insar_rt_report.py": "precious"}


def test_wrong_usage(tmp_path: Path) -> None:
    refused(run("qgis", "remove"), 2, "install", "uninstall")
    refused(run("qgis", "install", "--folder", tmp_path, "--profile", "a"), 2, "--folder and --profile")
