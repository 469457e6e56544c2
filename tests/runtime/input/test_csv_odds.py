"""CSV as people have it: separators at line ends, columns without a name, comments, commas, other encodings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.opening import open_source
from insar_runtime._input.readers.csv_dialect import read_header
from insar_runtime._pipeline.notes import notes_on
from insar_runtime._pipeline.prepare import open_described
from insar_runtime.errors import DataError, InsarRuntimeError

PLAIN = "pid,lat,vel,20200103,20200109\nA1,45.5,-1.5,1.1,-2.2\nA2,45.6,0.5,,0.25\n"

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_(content: str | bytes) -> Path:
        path = tmp_path / "a.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_


def read(path: Path) -> pa.Table:
    with open_source(path) as source:
        return pa.Table.from_batches(source.batches(), source.schema)


def lines(text: str, *, header: str = "", rows: str = "") -> str:
    first, *others = text.splitlines()
    return "\n".join([first + header, *(line + rows for line in others)]) + "\n"


@pytest.mark.parametrize(
    "content",
    [
        lines(PLAIN, header=",", rows=","),
        lines(PLAIN, header=","),
        lines(PLAIN, rows=","),
        lines(PLAIN.replace(",", ";"), header=";;", rows=";;"),
        PLAIN.replace(",", "|"),
        "#" + PLAIN,
        "# " + PLAIN,
        "# made by a script\n# of two lines, and a comma\n" + PLAIN,
        "\ufeff# made by a script\n" + PLAIN,
        "sep=,\n" + PLAIN,
        "\ufeffsep=;\r\n" + PLAIN.replace(",", ";"),
        PLAIN.replace("pid", " pid ").replace("45.5", " 45.5 "),
        PLAIN.replace("lat,", '"lat",'),
    ],
    ids=[
        "both",
        "header",
        "rows",
        "two",
        "pipe",
        "hash",
        "hash-blank",
        "comments",
        "bom",
        "sep",
        "sep-bom",
        "blanks",
        "quotes",
    ],
)
def test_dialects_mean_the_same(write: Write, content: str) -> None:
    expected = read(write(PLAIN))
    assert read(write(content)).equals(expected)


@pytest.mark.parametrize(
    ("tracks", "expected"),
    [("44,117", [44, 117]), ("44,", [44, None]), ("44.5,1", [44.5, 1.0]), ("T44,1", ["T44", "1"])],
)
def test_a_track_is_a_number_or_a_name(write: Write, tracks: str, expected: list[object]) -> None:
    first, second = tracks.split(",")
    table = read(write(f"code,track,20200103\nA1,{first},1.1\nA2,{second},2.2\n"))
    assert table["track"].to_pylist() == expected


def test_an_area_may_have_decimals_far_below(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insar_runtime._input.readers.csv_table._BLOCK", 1 << 10)
    table = read(write("CODE,EFF_AREA,D20200103\n" + "A1,0,1.1\n" * 2000 + "A2,12.5,2.2\n"))
    assert table["EFF_AREA"].to_pylist()[-2:] == [0.0, 12.5]


@pytest.mark.parametrize("text", ["NULL", "Null", "n/a", "#N/A", "<NA>", "\\N", "-nan", " NA"])
def test_words_for_a_missing_value(write: Write, text: str) -> None:
    table = read(write(f"pid,20200103,20200109\nA1,{text},1.1\nA2,2.5,{text}\n"))
    assert table["20200103"].to_pylist() == [None, 2.5]
    assert table["20200109"].to_pylist()[1] is None


def test_columns_without_a_name_are_kept_under_one(write: Write) -> None:
    table = read(write(",pid,,unnamed_3,20200103,\n0,a,x,y,1.5,7\n1,b,,z,2.5,8\n"))
    assert table.schema.names == ["unnamed_1", "pid", "unnamed_3_", "unnamed_3", "20200103", "unnamed_6"]
    assert table["unnamed_3_"].to_pylist() == ["x", ""]


def test_whole_numbers_are_numbers_where_a_role_wants_them(write: Write) -> None:
    table = read(write("name,Z,H,COHER,postcode,20200103\na,12,x,1,58,1.5\nb,13,y,0,59,2.5\n"))
    assert list(map(str, table.schema.types)) == ["string", "double", "string", "double", "string", "float"]


def test_cells_beyond_a_separator_at_the_end_are_not_lost(write: Write) -> None:
    with pytest.raises(DataError, match="as many cells as the header"):
        read(write("pid,20200103\na,1.5\nb,2.5,8\n"))


def test_thousands_of_columns(write: Write) -> None:
    days = [date.fromordinal(729000 + i).strftime("%Y%m%d") for i in range(6000)]
    values = np.arange(6000) / 8
    text = ",".join(map(str, values))
    table = read(write("\n".join([",".join(["pid", *days]), *(f"p{i},{text}" for i in range(30))])))
    assert (table.num_rows, table.num_columns) == (30, 6001)
    assert [table[day][29].as_py() for day in days[::500]] == values[::500].tolist()


def test_a_transposed_table_of_many_points_is_told(write: Write) -> None:
    points = 20_000
    names = ",".join(f"3m8ox{number:06d}" for number in range(points))
    path = write(f"Date,{names}\n2015-02-02{',1.5' * points}\n")
    with (
        pytest.raises(DataError, match=r"transposed table .'Date' and 20000 further"),
        open_described(path),
    ):
        pass


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("end", ["", "A3,5;45;0;1e1;,5\n"])
def test_decimal_commas_are_read_and_noted(write: Write, separator: str, end: str) -> None:
    text = PLAIN.replace(",", ";").replace(".", ",") + end
    with open_source(write(text.replace(";", separator))) as source:
        table = pa.Table.from_batches(source.batches(), source.schema)
    same = PLAIN + end.replace(",", ".").replace(";", ",")
    assert table["pid"].to_pylist() == ["A1", "A2", *(["A3,5"] if end else [])]
    for name in table.schema.names[1:]:
        assert table[name].equals(read(write(same))[name])
    (note,) = source.origin.notes
    assert note.startswith("decimal commas: '1,1' in column '20200103'; columns are separated by ")


def test_decimal_commas_of_a_long_table(write: Write) -> None:
    table = read(write("code;data_misura;spost_rel_mm\n1;2020-01-03;1,5\n1;2020-01-09;-,25\n"))
    assert table["spost_rel_mm"].to_pylist() == [[1.5, -0.25]]


def test_attributes_of_a_file_with_decimal_commas(write: Write) -> None:
    table = read(write("pid;note;odd;share;20200103\nA;1,2 and 3;1.5;0,25;1,5\nB;x;2;0,5;2,5\n"))
    assert table["note"].to_pylist() == ["1,2 and 3", "x"]
    assert table["odd"].to_pylist() == ["1.5", "2"]  # not one of the numbers of this file
    assert table["share"].to_pylist() == [0.25, 0.5]


@pytest.mark.parametrize("old", ["45.5", "-1.5", "-2.2", "0.25"])
def test_decimal_commas_beside_points_are_refused(write: Write, old: str) -> None:
    content = PLAIN.replace(",", ";").replace(old, old.replace(".", ","))
    with pytest.raises(DataError, match=r"has a decimal comma \('.*,\d+'\) and column .* a decimal point \('.*'\)"):
        read(write(content))


def test_decimal_commas_in_quotes_are_refused(write: Write) -> None:
    with pytest.raises(
        DataError, match=r"decimal comma \('1,1'\), and commas separate the columns: write decimal points"
    ):
        read(write(PLAIN.replace("1.1", '"1,1"')))


def test_a_decimal_comma_far_below_is_named_too(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insar_runtime._input.readers.csv_table._BLOCK", 1 << 8)
    with pytest.raises(DataError, match=r"column '20200103'.*'1,5': write decimal points"):
        read(write("pid;20200103\n" + "a;1.5\n" * 500 + "a;1,5\n"))


@pytest.mark.parametrize("content", [PLAIN.replace("A2", "Ä2"), PLAIN.replace("lat", "läge")])
def test_other_encodings_are_told_how_to_convert(write: Write, content: str) -> None:
    with pytest.raises(DataError, match=r"UTF-?8.*iconv -f WINDOWS-1252 -t UTF-8"):
        read(write(content.encode("cp1252")))


def test_columns_parted_by_blanks_are_told(write: Write) -> None:
    with pytest.raises(DataError, match=r"no , ; \| or tab: separate columns"):
        read(write("pid lat lon 20200103 20200109\na 1 2 3 4\n"))


def test_late_errors_of_a_long_table_name_the_column(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insar_runtime._input.readers.csv_table._BLOCK", 1 << 8)
    path = write(
        "pid,date,displacement_mm\n"
        "a,2020-01-03,1\n" + "".join(f"b{i},2020-01-03,1\n" for i in range(99)) + "c,2020-01-03,x\n"
    )
    with pytest.raises(DataError, match=r"column 'displacement_mm'.*'x'"):
        read(path)


VISUALIZER = (
    "export_res_ 1,export_res_ 2,export_res_ 3,export_res_ 4,export_res_10\n"
    "103.6858,32.0086,NaN,735928,735952.25\n"
    "103.6,32.1,0.5,2.5,-1.5\n103.7,32.2,-0.5,1.5,NaN\n"
)


def test_stamps_visualizer_is_read(write: Write) -> None:
    with open_described(write(VISUALIZER), UserDeclarations("mm")) as table:
        layout = table.description.layout
        batch = next(iter(table.batches))
        assert (layout.producer, layout.id, layout.longitude, layout.latitude, layout.velocity) == (
            "StaMPS",
            None,
            "lon",
            "lat",
            "vlos",
        )
        assert layout.dates.tolist() == [date(2014, 11, 25), date(2014, 12, 19)]
        assert batch.num_rows == 2
        np.testing.assert_array_equal(table.description.matrix(batch), [[2.5, -1.5], [1.5, np.nan]])
        position = table.description.position
        assert position is not None
        assert (position.x, position.y) == ("lon", "lat")
        assert any("MATLAB day numbers" in note and "103.6858" in note for note in notes_on(table.description))


def test_stamps_visualizer_without_points(write: Write) -> None:
    with open_source(write("\n".join(VISUALIZER.splitlines()[:2]) + "\n")) as source:
        assert source.rows == 0
        assert source.schema.names == ["lon", "lat", "vlos", "D20141125", "D20141219"]
        assert list(source.batches()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (VISUALIZER.splitlines()[0], "without its first row"),
        (VISUALIZER.replace("735928", "1.5"), "'1.5' in its first row is not a MATLAB day number"),
        (VISUALIZER.replace("735928", "inf"), "'inf' in its first row is not a MATLAB day number"),
        (VISUALIZER.replace("735928", "NaN"), "'NaN' in its first row is not a MATLAB day number"),
        (VISUALIZER.replace("735928", "735952"), "date 20141219 occurs twice"),
    ],
)
def test_stamps_visualizer_without_dates(write: Write, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(write(content))


def test_real_stamps_file_proves_its_unit(real: Callable[[str], Path]) -> None:
    with open_described(real("stamps_maoxian/Maoxian_PS.csv")) as table:
        units = table.description.units
        assert (units.unit, units.evidence, units.sign) == ("mm", "velocity", "as_velocity")
        assert units.ratio == pytest.approx(1, abs=0.02)
        assert sum(batch.num_rows for batch in table.batches) == 97


def refusal(action: Callable[[], None]) -> str | None:
    """Words of the refusal, None if there is none; any other error passes."""
    try:
        action()
    except InsarRuntimeError as error:
        return str(error)
    return None


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_header_is_read_or_refused_in_one_line(header: bytes, head: bytes) -> None:
    def look() -> None:
        found = read_header(header.split(b"\n")[0], head)
        assert len(set(found.names)) == len(found.names)
        assert found.names[: len(found.kept)] == found.kept

    assert "\n" not in (refusal(look) or "")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet='pid,;\t|0123456789-./ eN"#x\n\r\ufeffä', max_size=80), st.booleans())
def test_any_text_is_a_table_or_a_refusal_of_one_line(tmp_path: Path, text: str, dated: bool) -> None:
    path = tmp_path / "a.csv"
    path.write_text("pid,20200103,20200109\n" + text if dated else text, newline="")

    def look() -> None:
        with open_described(path) as table:
            rows = sum(batch.num_rows for batch in table.batches)
            assert table.source.rows in {None, rows}

    assert "\n" not in (refusal(look) or "")
