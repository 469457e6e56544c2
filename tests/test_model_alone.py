"""The model files without our Python: the examples in JavaScript and C++ give the classes of the command."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pyarrow.parquet as pq
import pytest

from insar_runtime import CLASS_NAMES, Classifier, classify_file, load_model
from tests.conftest import ROOT, need_program
from tests.npm_packages import node, npm_folder

pytestmark = pytest.mark.languages

MODEL = ROOT / "runtime" / "insar_runtime" / "models" / "trend-net"
EXAMPLES = ROOT / "docs" / "examples"
RULES = ROOT / "runtime" / "insar_runtime" / "_report" / "offline" / "rules.mjs"
PRIORS = (0.94, 0.02, 0.01, 0.01, 0.01, 0.01)
DIFFERENCE = {"fp32": 1e-4, "int8": 0.02}
"""Of a probability: other builds of onnxruntime add numbers in another order, and int8 may round to a neighbour; as
much as its golden vectors allow."""


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of the demo as a CSV, some of them changed so that every status occurs."""
    (archive,) = (entry for entry in (files("insar_runtime") / "demo").iterdir() if entry.name.endswith(".zip"))
    with zipfile.ZipFile(io.BytesIO(archive.read_bytes())) as opened:
        (name,) = (name for name in opened.namelist() if name.endswith(".csv"))
        header, *table = list(csv.reader(io.StringIO(opened.read(name).decode())))
    first = next(k for k, column in enumerate(header) if re.fullmatch(r"\d{8}", column))
    table[0][first:] = [""] * len(table[0][first:])  # too few epochs
    table[1][first + 40 : first + 100] = [""] * 60  # a long gap
    table[2][first + 5] = "inf"
    table[3][first + 5 : first + 7] = ["900", "-900"]
    path = tmp_path_factory.mktemp("alone") / "rows.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *table])
    return path


def by_command(rows: Path, precision: str, mix: str) -> list[dict[str, Any]]:
    """Rows of the command for a mix of classes: auto, trained, or shares."""
    output = rows.with_name("classified.parquet")
    classifier = Classifier(device="cpu", precision=precision)  # type: ignore[arg-type]
    priors: Any = {"auto": None, "trained": "trained"}.get(mix, PRIORS)
    classify_file(rows, output, classifier=classifier, priors=priors, overwrite=True)
    return list(pq.read_table(output).to_pylist())


def by_example(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def compare(found: list[dict[str, str]], expected: list[dict[str, Any]], precision: str) -> None:
    assert [row["id"] for row in found] == [row["pid"] for row in expected]
    assert {row["status"] for row in expected} == {
        "ok",
        "abstained",
        "too_few_epochs",
        "gap_too_long",
        "non_finite",
        "out_of_domain",
    }
    ours = np.array([[row[f"p_{name.lower()}"] for name in CLASS_NAMES] for row in expected], dtype=float)
    theirs = np.array([[float(row[name]) for name in CLASS_NAMES] for row in found])
    np.testing.assert_allclose(theirs, ours, atol=DIFFERENCE[precision], rtol=0)
    for row, other, shares in zip(found, expected, ours, strict=True):
        if not np.isnan(shares).any() and _is_close_call(shares, DIFFERENCE[precision]):
            continue
        assert (row["class"] or None, row["status"]) == (other["class_name"], other["status"])


def _is_close_call(shares: np.ndarray, difference: float) -> bool:
    """Whether probabilities within the allowed difference decide otherwise."""
    high, second = np.sort(shares)[[-1, -2]]
    thresholds = (0.6, 0.35)
    near = min(abs(value - limit) for value in (high, shares[:2].sum()) for limit in thresholds)
    return bool(high - second < 2 * difference or near < 2 * difference)


@pytest.fixture(scope="module")
def node_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("node")
    shutil.copy(EXAMPLES / "javascript" / "classify.mjs", folder)
    shutil.copy(RULES, folder)
    (folder / "node_modules").symlink_to(npm_folder("onnxruntime-node") / "node_modules", target_is_directory=True)
    return folder


@pytest.mark.parametrize(
    ("precision", "mix"),
    [("fp32", "auto"), ("int8", "auto"), ("fp32", "trained"), ("fp32", ",".join(map(str, PRIORS)))],
)
def test_node_gives_the_classes_of_the_command(node_project: Path, rows: Path, precision: str, mix: str) -> None:
    given = [] if mix == "auto" else [mix]
    done = node(node_project / "classify.mjs", MODEL, rows, precision, *given, cwd=node_project)
    assert done.returncode == 0, done.stderr
    assert ("golden vectors: " in done.stderr) == (precision == "int8")
    compare(by_example(done.stdout), by_command(rows, precision, mix), precision)


def test_node_refuses_a_changed_model(node_project: Path, rows: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(MODEL, tmp_path / "model")
    file = changed / "trend-net.int8.onnx"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    done = node(node_project / "classify.mjs", changed, rows, cwd=node_project)
    assert done.returncode != 0
    assert "is not the released file" in done.stderr


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example in C++, compiled, beside the library that it needs."""
    if sys.platform != "linux":
        pytest.skip("onnxruntime's wheel has a library for programs on Linux only")
    need_program("g++")
    folder = tmp_path_factory.mktemp("cpp")
    (library,) = (Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.*")
    (folder / "libonnxruntime.so.1").symlink_to(library)
    command = ["g++", "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-isystem", str(_headers())]
    source = EXAMPLES / "cpp" / "classify.cpp"
    output = folder / "classify"
    linked = [str(folder / "libonnxruntime.so.1"), f"-Wl,-rpath,{folder}"]
    done = subprocess.run(
        [*command, str(source), *linked, "-o", str(output)], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return output


def _headers() -> Path:
    installed = Path("/usr/include/onnxruntime")
    cached = ROOT / ".cache" / "onnxruntime-headers"
    for folder in (installed, cached):
        if (folder / "onnxruntime_cxx_api.h").is_file():
            return folder
    need_program("apt-get", "dpkg-deb")
    script = [ROOT / ".ci" / "onnxruntime-headers", cached]
    done = subprocess.run(script, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        pytest.skip(f"no headers of onnxruntime here: {done.stderr.strip()[-200:]}")
    return cached


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_program_in_c_gives_the_classes_of_the_command(program: Path, rows: Path, precision: str) -> None:
    done = subprocess.run([program, MODEL, rows, precision], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert ("golden vectors: " in done.stderr) == (precision == "int8")
    compare(by_example(done.stdout), by_command(rows, precision, "auto"), precision)


def test_the_program_in_c_says_what_is_wrong(program: Path, tmp_path: Path) -> None:
    done = subprocess.run([program, MODEL, tmp_path / "none.csv"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot be read" in done.stderr


def test_numbers_in_the_program_are_those_of_the_model() -> None:
    text = (EXAMPLES / "cpp" / "classify.cpp").read_text("utf-8")
    numbers = {name: float(value) for name, value in re.findall(r"(k\w+) = ([\d.]+)F?[,;]", text)}
    model = load_model()
    golden = model.card["golden"]["int8"]
    assert (
        numbers.items()
        >= {
            "kClasses": len(model.classes),
            "kMinEpochs": model.limits.min_epochs,
            "kMaxEpochs": model.limits.max_epochs,
            "kMaxGapDays": model.limits.max_gap_days,
            "kMaxRangeMm": model.limits.max_range_mm,
            "kAbstainBelow": model.abstain_below,
            "kUnsureBelow": model.unsure_below,
            "kStableRate": model.stable_rate_mm_yr,
            "kGoldenRows": golden["rows"],
            "kGoldenEpochs": golden["epochs"],
            "kGoldenTolerance": golden["tolerance"],
        }.items()
    )
    assert [float(share) for share in re.findall(r"kTraining = \{(.*)\}", text)[0].split(",")] == model.card[
        "training_priors"
    ]
    assert re.findall(r"kNames\[\] = \{(.*)\}", text)[0] == ", ".join(f'"{name}"' for name in model.classes)


def section(name: str, part: str) -> str:
    """The lines of an example between a line ``// [part]`` and ``// [end]``."""
    text = (ROOT / name).read_text("utf-8")
    return text.partition(f"// [{part}]\n")[2].partition("// [end]")[0]


def test_code_on_the_page_is_that_of_the_examples() -> None:
    page = (ROOT / "docs" / "model-alone.md").read_text("utf-8")
    shown = re.findall(r"<!-- (docs/examples/\S+) \[(\w+)\] -->\n```\w+\n(.*?)```\n", page, re.DOTALL)
    assert [(Path(name).suffix, part) for name, part, _ in shown] == [
        (".mjs", "model"),
        (".mjs", "golden"),
        (".mjs", "classify"),
        (".cpp", "session"),
        (".cpp", "golden"),
    ]
    for name, part, code in shown:
        assert code == section(name, part) != ""


def test_numbers_on_the_page_are_those_of_the_model() -> None:
    page = (ROOT / "docs" / "model-alone.md").read_text("utf-8")
    model = load_model()
    golden = model.card["golden"]["int8"]
    for text in (
        f"fewer than {model.limits.min_epochs} values (`min_epochs`)",
        f"more than {model.limits.max_gap_days} days apart (`max_gap_days`)",
        f"more than {model.limits.max_range_mm} mm (`max_range_mm`)",
        f"has {model.limits.min_epochs} to {model.limits.max_epochs} epochs (`max_epochs`)",
        f"below {model.unsure_below:g} (`unsure_below`",
        f"if that is {model.abstain_below:g} or more (`abstain_below`)",
        f"`stable_rate_mm_yr` ({model.stable_rate_mm_yr:g} mm/yr)",
        f"`golden.int8.tolerance` ({golden['tolerance']:g})",
        f"`rows` ({golden['rows']}) and `epochs` ({golden['epochs']})",
        f"{', '.join(model.classes)} |",
    ):
        assert text in page
    for precision in model.precisions:
        session = onnxruntime.InferenceSession(model.read(precision), providers=["CPUExecutionProvider"])
        assert [(one.name, one.type, one.shape) for one in (*session.get_inputs(), *session.get_outputs())] == [
            ("displacement", "tensor(float)", ["batch", "epochs"]),
            ("days", "tensor(float)", ["batch_or_1", "epochs"]),
            ("probabilities", "tensor(float)", ["batch", 6]),
        ]


def test_opset_on_the_page_is_that_of_the_files() -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (group export)")
    page = (ROOT / "docs" / "model-alone.md").read_text("utf-8")
    for precision in load_model().precisions:
        file = onnx.load(MODEL / f"trend-net.{precision}.onnx")
        ((domain, version),) = ((one.domain, one.version) for one in file.opset_import)
        assert domain == ""
        assert f"opset {version}, IR version {file.ir_version};" in page
