"""The page that classifies in the browser, in a real one: classes of the command, no network, troubles in words."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from insar_runtime import CLASS_NAMES, Classifier, classify_file, load_model
from insar_runtime._output.run_metadata import read_block
from insar_runtime._report.offline.write import write_page
from insar_runtime.errors import DataError, InputNotFoundError, OutputExistsError, UsageError
from tests.npm_packages import npm_folder
from tests.runtime.report.browsing import Browser, complaints, requests, text_of, wait_for
from tests.runtime.report.pages import page_of, read_page
from tests.runtime.run_command import run

pytestmark = [pytest.mark.browser, pytest.mark.languages]

SECONDS = 120
REFUSED = """(document.getElementById('trouble-text').textContent ||
  document.getElementById('wait')?.textContent.match(/This browser cannot.*/)?.[0] || '')"""
"""What the page says if it does not show the report."""
DIFFERENCE = 0.02
"""Of a probability in int8, as its golden vectors allow: WebAssembly adds numbers in another order."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("page") / "classify.html"
    write_page(output, load_model(), npm_folder("onnxruntime-web"))
    return output


@pytest.fixture(scope="module")
def demo() -> Path:
    (archive,) = (entry for entry in (files("insar_runtime") / "demo").iterdir() if entry.name.endswith(".zip"))
    return Path(str(archive))


def drop(browser: Browser, page: Path, file: Path, unit: str = "") -> str:
    """Open the page and give it a file; returns what it says if it refuses, else nothing."""
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(page.as_uri())
    return drop_again(browser, file, unit)


def drop_again(browser: Browser, file: Path, unit: str = "") -> str:
    browser.execute_script(
        "document.getElementById('unit').value = arguments[0]; window.report = undefined;"
        "document.getElementById('trouble-text').textContent = ''",
        unit,
    )
    browser.find_element("id", "file").send_keys(str(file))
    wait_for(browser, f"return !!window.report || {REFUSED}", SECONDS)
    return str(browser.execute_script(f"return {REFUSED}"))


def saved_table(browser: Browser) -> list[dict[str, str]]:
    """The rows of the table for download, caught where the browser would save it."""
    text = browser.execute_async_script(
        """const [done] = arguments, make = URL.createObjectURL;
        URL.createObjectURL = (blob) => { blob.text().then(done); return make.call(URL, blob); };
        document.addEventListener("click", (event) => event.target.download && event.preventDefault(), true);
        document.getElementById("save").click();
        URL.createObjectURL = make;"""
    )
    return list(csv.DictReader(io.StringIO(text)))


def by_command(source: Path, folder: Path) -> list[dict[str, Any]]:
    output = folder / "classified.parquet"
    classify_file(source, output, classifier=Classifier(device="cpu", precision="int8"))
    return list(pq.read_table(output).to_pylist())


def compare(found: list[dict[str, str]], expected: list[dict[str, Any]]) -> None:
    assert [row["pid"] for row in found] == [row["pid"] for row in expected]
    names = [f"p_{name.lower()}" for name in CLASS_NAMES]
    for row, other in zip(found, expected, strict=True):
        assert (row["n_epochs"], row["max_gap_days"]) == (str(other["n_epochs"]), str(other["max_gap_days"]))
        if other["p_stable"] is None:
            assert (row["status"], row["class_name"], row["p_stable"]) == (other["status"], "", "")
            continue
        ours, theirs = (np.array([float(one[name]) for name in names]) for one in (other, row))
        assert np.abs(ours - theirs).max() < DIFFERENCE
        high, second = np.sort(ours)[[-1, -2]]
        limits = np.abs(np.array([[high], [ours[:2].sum()]]) - [0.6, 0.35]).min()
        if min(high - second, limits) > 2 * DIFFERENCE:
            assert (row["class_name"] or None, row["status"]) == (other["class_name"], other["status"])


def test_the_demo_gets_the_classes_of_the_command(browser: Browser, page: Path, demo: Path, tmp_path: Path) -> None:
    assert drop(browser, page, demo) == ""
    expected = by_command(demo, tmp_path)
    compare(saved_table(browser), expected)
    counts = browser.execute_script("return report.facts.counts")
    assert counts["rows"] == len(expected)
    assert len(browser.find_elements("css selector", "#confidence rect")) > 3
    assert text_of(browser, "h1#title") == demo.name
    assert "Copernicus" in text_of(browser, "#about")
    assert "proven by column mean_velocity" in text_of(browser, "#about")
    block = read_block(tmp_path / "classified.parquet")
    assert block is not None
    page_of(tmp_path / "classified.parquet", tmp_path / "report.html")
    # What the report shows, the page must know.
    needed = read_page(tmp_path / "report.html").facts.keys() - {"types"}
    assert needed <= set(browser.execute_script("return Object.keys(report.facts)"))
    mix = browser.execute_script("return report.facts.mix")
    np.testing.assert_allclose(mix, list(block["priors"]["shares"].values()), atol=1e-3)
    assert complaints(browser) == []
    assert [url for url in requests(browser) if not url.startswith(("blob:", "data:", "chrome:"))] == [page.as_uri()]


def test_a_point_shows_its_series(browser: Browser, page: Path, demo: Path) -> None:
    assert drop(browser, page, demo) == ""
    browser.execute_script(
        "document.getElementById('find-id').value = 'demo000000';"
        "document.getElementById('find').dispatchEvent(new Event('submit', {cancelable: true}))"
    )
    assert "demo000000" in text_of(browser, "#point-id")
    with zipfile.ZipFile(demo) as opened:
        (name,) = (name for name in opened.namelist() if name.endswith(".csv"))
        first = next(csv.DictReader(io.StringIO(opened.read(name).decode())))
    values = [value for name, value in first.items() if re.fullmatch(r"\d{8}", name)]
    assert len(browser.find_elements("css selector", "#point .epoch")) == sum(value != "" for value in values)
    series = browser.execute_script("return report.points.seriesOf(report.points.find('demo000000'))")
    np.testing.assert_allclose([np.nan if v is None else v for v in series], [float(v or "nan") for v in values])


def test_rows_that_no_class_fits_keep_their_status(browser: Browser, page: Path, demo: Path, tmp_path: Path) -> None:
    """A CSV with semicolons, quotes, missing values, an infinite one, and ids that are formulas or none at all."""
    with zipfile.ZipFile(demo) as opened:
        (name,) = (name for name in opened.namelist() if name.endswith(".csv"))
        header, *table = list(csv.reader(io.StringIO(opened.read(name).decode())))
    first = header.index("20200103")
    table = table[:60]
    table[0][first:] = ["NA"] * len(table[0][first:])
    table[1][first + 40 : first + 100] = [""] * 60
    table[2][first + 5] = "inf"
    table[3][first + 5 : first + 7] = ["9e2", "-900"]
    table[4][0] = "=1+1"
    table[5][0] = 'a "name";\nof two lines'
    source = tmp_path / "EGMS_rows.csv"
    with source.open("w", newline="", encoding="utf-8") as file:
        file.write("\ufeff")
        writer = csv.writer(file, delimiter=";")
        writer.writerow([*header[:first], *(f"D{name}" for name in header[first:])])
        writer.writerows(table)
    assert drop(browser, page, source) == ""
    found, expected = saved_table(browser), by_command(source, tmp_path)
    assert found[4]["pid"] == "'=1+1"
    found[4]["pid"] = "=1+1"
    compare(found, expected)
    assert {row["status"] for row in found} >= {"too_few_epochs", "gap_too_long", "non_finite", "out_of_domain", "ok"}


def test_a_second_file_takes_the_place_of_the_first(browser: Browser, page: Path, demo: Path, tmp_path: Path) -> None:
    assert drop(browser, page, demo) == ""
    with zipfile.ZipFile(demo) as opened:
        (name,) = (name for name in opened.namelist() if name.endswith(".csv"))
        lines = opened.read(name).decode().splitlines()
    (tmp_path / "few.csv").write_text("\n".join(lines[:41]))
    assert drop_again(browser, tmp_path / "few.csv") == ""
    assert browser.execute_script("return report.facts.counts.rows") == 40
    assert text_of(browser, "h1#title") == "few.csv"
    assert len(browser.find_elements("css selector", "#map")) == 1
    assert complaints(browser) == []


def test_a_run_can_be_cancelled(browser: Browser, page: Path, demo: Path) -> None:
    browser.get(page.as_uri())
    browser.execute_script(
        """const at = (id) => document.getElementById(id);
        at("file").addEventListener("change", () => {
          window.began = !at("progress").hidden;
          at("cancel").click();
        }, { once: true });"""
    )
    browser.find_element("id", "file").send_keys(str(demo))
    hidden = "return ['progress', 'drop', 'trouble'].map((id) => document.getElementById(id).hidden)"
    assert wait_for(browser, "return window.began")
    assert browser.execute_script(hidden) == [True, False, True]
    assert drop_again(browser, demo) == ""
    assert browser.execute_script("return report.facts.counts.rows") == 500


def table(dates: list[str], rows: int = 20, scale: float = 1.0, velocity: bool = False) -> str:
    rng = np.random.default_rng(0)
    days = np.arange(len(dates)) * 6
    lines = [",".join(["pid", *(["mean_velocity"] if velocity else []), *dates])]
    for i in range(rows):
        rate = 10.0 + i
        values = (rate * days / 365.25 + rng.normal(0, 1, len(dates))) * scale
        lines.append(",".join([f"p{i}", *([str(rate)] if velocity else []), *(f"{value:.5f}" for value in values)]))
    return "\n".join(lines) + "\n"


DATES = [str(np.datetime64("2020-01-03") + 6 * k).replace("-", "") for k in range(60)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("nothing.csv", b"", "nothing.csv is empty"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n\0\0", "is no table"),
        ("notes.txt", b"hello world\n", "no columns with dates"),
        ("classes.parquet", b"PAR1....PAR1", "a Parquet file"),
        ("short.csv", table(DATES[:20]).encode(), "has 20 dates, and 30 to 512 are needed"),
        ("header.csv", table(DATES, 0).encode(), "a header and no rows"),
        ("twice.csv", table([*DATES, DATES[0]]).encode(), "2020-01-03 occurs in two columns"),
        ("unreal.csv", table([*DATES, "20201399"]).encode(), "20201399 of unreal.csv is no date"),
        ("mixed.csv", table([*DATES, "D20210101"]).encode(), "spelled in 2 ways"),
        ("words.csv", table(DATES).replace("p3,", "p3,abc", 1).encode(), "is no number"),
        ("cut.csv", (table(DATES)[:-1] + "\np99,1,2").encode(), "Row 21 has 3 cells, the header 61"),
        ("commas.csv", table(DATES).replace("p3,", 'p3,"1,5",', 1).encode(), "“1,5” is no number"),
        ("metres.csv", table(DATES, scale=0.001).encode(), "Nothing proves the unit"),
        ("tenths.csv", table(DATES, scale=10, velocity=True).encode(), "fits no unit"),
        ("cut.zip", "half a zip", "end is missing"),
        ("damaged.zip", "damaged", "cannot be read to its end"),
        ("two.zip", "two tables", "holds 2 CSV files"),
        ("none.zip", "no table", "holds no CSV, but readme.md"),
        ("book.xlsx", "workbook", "is an Excel workbook"),
    ],
)
def test_a_file_that_is_none_is_refused_in_plain_words(
    browser: Browser, page: Path, tmp_path: Path, name: str, content: bytes | str, said: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else archive_of(content))
    if browser.current_url != page.as_uri():
        browser.get(page.as_uri())
    text = drop_again(browser, file)
    assert said in text
    assert not re.search(r"undefined|NaN|null|\bError\b|TypeError", text)
    assert browser.execute_script("return !document.getElementById('drop').hidden")


def archive_of(kind: str) -> bytes:
    """A zip, as it may come: cut off, damaged, with two tables, with none."""
    members = {
        "two tables": {"a.csv": table(DATES), "b.csv": table(DATES)},
        "no table": {"readme.md": "hello"},
        "workbook": {"[Content_Types].xml": "<x/>", "xl/workbook.xml": "<x/>"},
    }.get(kind, {"a.csv": table(DATES, 400)})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, text in members.items():
            opened.writestr(name, text)
    data = bytearray(buffer.getvalue())
    if kind == "half a zip":
        del data[len(data) // 2 :]
    elif kind == "damaged":
        data[5000:5400] = bytes(400)
    return bytes(data)


def test_units_are_proven_by_velocities_or_chosen(browser: Browser, page: Path, tmp_path: Path) -> None:
    file = tmp_path / "centimetres.csv"
    file.write_text(table(DATES, scale=0.1, velocity=True))
    assert drop(browser, page, file) == ""
    assert "cm (proven by column mean_velocity)" in text_of(browser, "#about")
    proven = [row["class_name"] for row in saved_table(browser)]
    assert drop_again(browser, file, "cm") == ""
    assert "cm (chosen on this page)" in text_of(browser, "#about")
    assert [row["class_name"] for row in saved_table(browser)] == proven == ["Linear"] * 20


def test_decimal_commas_are_read_where_others_separate(browser: Browser, page: Path, tmp_path: Path) -> None:
    file = tmp_path / "commas.csv"
    found = []
    for text in (table(DATES, velocity=True), table(DATES, velocity=True).replace(",", ";").replace(".", ",")):
        file.write_text(text)
        assert drop(browser, page, file) == ""
        found.append(saved_table(browser))
    assert found[0] == found[1]
    assert "proven by column mean_velocity" in text_of(browser, "#about")


def test_the_policy_lets_nothing_out(browser: Browser, page: Path) -> None:
    browser.get(page.as_uri())
    blocked = browser.execute_async_script(
        """const [done] = arguments, seen = [];
        document.addEventListener("securitypolicyviolation", (e) => seen.push(e.effectiveDirective));
        const image = new Image();
        image.src = "https://example.invalid/pixel.png";
        const worker = new Worker(URL.createObjectURL(new Blob([
          "fetch('https://example.invalid/').then(() => postMessage('sent'), () => postMessage('stopped'))"])));
        worker.onmessage = ({ data }) => fetch("https://example.invalid/").catch(() => setTimeout(
          () => done([[...new Set(seen)].sort(), data]), 200));"""
    )
    assert blocked == [["connect-src", "img-src"], "stopped"]
    assert not [url for url in requests(browser) if url.startswith("http")]


def test_a_browser_without_webassembly_is_told(browser: Browser, page: Path, demo: Path) -> None:
    hook = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": "delete globalThis.WebAssembly"})
    try:
        browser.get(page.as_uri())
        assert "does not run WebAssembly" in text_of(browser, "#trouble-text")
        assert "does not run WebAssembly" in drop_again(browser, demo)
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", hook)


@pytest.mark.parametrize("asset", ["wasm", "int8", "worker"])
def test_a_page_whose_model_does_not_load_says_so(
    browser: Browser, page: Path, demo: Path, tmp_path: Path, asset: str
) -> None:
    text = page.read_text("utf-8")
    begin = text.index(f'id="asset-{asset}">') + len(f'id="asset-{asset}">')
    damaged = tmp_path / "damaged.html"
    damaged.write_text(f"{text[:begin]}{text[begin : begin + 1000]}{text[begin + 2000 :]}", "utf-8")
    said = drop(browser, damaged, demo)
    assert said.startswith(("The classifier in this page", "The classifier of this page"))
    assert "make it anew with insar-rt page" in said


def test_int8_that_computes_wrongly_gives_way_to_fp32(browser: Browser, page: Path, demo: Path, tmp_path: Path) -> None:
    text = page.read_text("utf-8")
    strict = tmp_path / "strict.html"
    strict.write_text(text.replace('"tolerance": 0.02', '"tolerance": -1'), "utf-8")
    assert drop(browser, strict, demo) == ""
    assert "fp32 runs in place of int8" in text_of(browser, "#notes")
    assert "fp32" in text_of(browser, "#about")


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    output = tmp_path / "classify.html"
    done = run("page", "-o", output, "--runtime", npm_folder("onnxruntime-web"), "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts == {"output": str(output), "bytes": output.stat().st_size}
    assert facts["bytes"] < 8e6
    assert (
        run("page", "-o", output, "--runtime", npm_folder("onnxruntime-web")).returncode == OutputExistsError.exit_code
    )


def test_a_folder_without_onnxruntime_web_is_refused(tmp_path: Path) -> None:
    output, model = tmp_path / "page.html", load_model()
    with pytest.raises(InputNotFoundError, match="npm install onnxruntime-web"):
        write_page(output, model, tmp_path)
    for text in ("export{a as Tensor};", "const nothing = 1;"):
        (tmp_path / "ort.wasm.bundle.min.mjs").write_text(text)
        with pytest.raises(DataError, match="is not the script"):
            write_page(output, model, tmp_path)
    (tmp_path / "ort.wasm.bundle.min.mjs").write_text("export{a as Tensor,b as env,c as InferenceSession};\n//# s=1\n")
    (tmp_path / "ort-wasm-simd-threaded.wasm").write_bytes(b"none")
    with pytest.raises(DataError, match="is no WebAssembly"):
        write_page(output, model, tmp_path)
    (tmp_path / "ort-wasm-simd-threaded.wasm").write_bytes(b"\0asm")
    with pytest.raises(UsageError, match="six classes"):
        write_page(output, load_model("paper-cnn"), tmp_path)
    assert not output.exists()
