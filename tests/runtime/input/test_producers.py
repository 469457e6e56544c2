"""One real header for every producer whose tables the field has, through the CSV that they write."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.layout import Layout
from insar_runtime._input.producers import PRODUCERS, guess_producer
from insar_runtime._input.units.series_units import Unit
from insar_runtime._pipeline.notes import notes_on
from insar_runtime._pipeline.prepare import open_described
from insar_runtime.errors import DataError

DAYS = [date.fromordinal(date(2016, 10, 2).toordinal() + 12 * i) for i in range(40)]
EGMS_2015 = (
    "pid,mp_type,latitude,longitude,easting,northing,height,height_wgs84,line,pixel,rmse,temporal_coherence,"
    "amplitude_dispersion,incidence_angle,track_angle,los_east,los_north,los_up,mean_velocity,mean_velocity_std,"
    "acceleration,acceleration_std,seasonality,seasonality_std"
)
EGMS_2020 = EGMS_2015.replace("height,height_wgs84", "height_ortho,height_ellipse").replace("rmse", "rmse_ts")
L3_2015 = (
    "pid,easting,northing,height,rmse,mean_velocity,mean_velocity_std,acceleration,acceleration_std,seasonality,"
    "seasonality_std"
)
L3_2020 = L3_2015.replace("height", "height_ortho").replace("rmse", "rmse_ts") + (
    ",gnss_velocity_n,gnss_velocity_e,gnss_velocity_u"
)
SQUEESAR = (
    "CODE,HEIGHT,H_STDEV,VEL,V_STDEV,ACC,A_STDEV,COHERENCE,EFF_AREA,SEASON_AMP,S_AMP_STD,SEASON_PHS,S_PHS_STD,"
    "INCIDENCE_ANGLE,TRACK,LOS"
)
NORWAY = EGMS_2015.replace("pid", "Point ID") + ",vertical_velocity,Track,Mode,Burst"
SARPROZ = (
    "ID,X,Y,LAT,LON,HEIGHT,HEIGHT WRT DEM,SIGMA HEIGHT,VEL,SIGMA VEL,SEASONAL,CUMUL.DISP.,COHER,SVET,LVET,IN,FIN,STDEV"
)


@dataclass(frozen=True)
class Case:
    """A header, the spelling of its dates, and what is to be understood of it."""

    header: str
    dates: str
    producer: str
    roles: str
    """Identifier, longitude, latitude, velocity, coherence, height."""
    domain: str = "line_of_sight"
    separator: str = ","


CASES = {
    "EGMS L2 2015-2021": Case(
        EGMS_2015,
        "%Y%m%d",
        "EGMS L2",
        "pid longitude latitude mean_velocity temporal_coherence height",
    ),
    "EGMS L2a 2015-2021": Case(
        EGMS_2015.replace("pid,", "pid,cluster_label,"),
        "%Y%m%d",
        "EGMS L2a",
        "pid longitude latitude mean_velocity temporal_coherence height",
    ),
    "EGMS L2b 2020-2024": Case(
        EGMS_2020 + ",gnss_velocity",
        "%Y%m%d",
        "EGMS L2b",
        "pid longitude latitude mean_velocity temporal_coherence height_ortho",
    ),
    "EGMS L3 2015-2021": Case(L3_2015, "%Y%m%d", "EGMS L3", "pid - - mean_velocity - height", "unknown"),
    "EGMS L3 2020-2024": Case(L3_2020, "%Y%m%d", "EGMS L3", "pid - - mean_velocity - height_ortho", "unknown"),
    "EGMStoolkit, merged": Case(
        EGMS_2020,
        "%Y%m%d",
        "EGMS L2",
        "pid longitude latitude mean_velocity temporal_coherence height_ortho",
        separator=";",
    ),
    "SqueeSAR": Case(SQUEESAR, "D%Y%m%d", "SqueeSAR", "CODE - - VEL COHERENCE HEIGHT"),
    "SqueeSAR, PostGIS": Case(SQUEESAR.lower(), "d%Y%m%d", "SqueeSAR", "code - - vel coherence height"),
    "PST-A": Case("CODE_TARGET,HEIGHT,VEL,COHERENCE", "D%Y%m%d", "PST-A", "CODE_TARGET - - VEL COHERENCE HEIGHT"),
    "InSAR Norway": Case(
        NORWAY, "%Y%m%d", "InSAR Norway", "Point|ID longitude latitude mean_velocity temporal_coherence height"
    ),
    "SARPROZ": Case(SARPROZ, "%y/%m/%d", "SARPROZ", "ID LON LAT VEL COHER HEIGHT"),
    "SARPROZ, dashes": Case(SARPROZ, "%y-%m-%d", "SARPROZ", "ID LON LAT VEL COHER HEIGHT"),
    "SARPROZ through R": Case(SARPROZ.replace(" ", "."), "X%y.%m.%d", "SARPROZ", "ID LON LAT VEL COHER HEIGHT"),
    "SARPROZ through R, compact": Case(SARPROZ.replace(" ", "."), "X%Y%m%d", "SARPROZ", "ID LON LAT VEL COHER HEIGHT"),
    "SARscape": Case(
        "Velocity,Coherence,MuSigma,H_Precisio,V_Precisio,Range,Azimuth,Lon,Lat,X,Y,Z,Z_Geoid,LOS_Az,LOS_In,H_correcti",
        "D_%Y%m%d",
        "SARscape",
        "- Lon Lat Velocity Coherence Z",
    ),
    "StaMPS, ps_export_gis": Case(
        "CODE,LON,LAT,HEIGHT,COHERENCE,VLOS", "D%Y%m%d", "StaMPS", "CODE LON LAT VLOS COHERENCE HEIGHT"
    ),
    "SARvey": Case(
        "point_id,velocity,coherence,omega,st_consist,dem_error,dem",
        "D%Y%m%d",
        "SARvey",
        "point_id - - velocity coherence -",
    ),
    "MintPy save_qgis": Case(
        "CODE,HEIGHT,H_STDEV,VEL,V_STDEV,COHERENCE,EFF_AREA",
        "D%Y%m%d",
        "MintPy save_qgis",
        "CODE - - VEL COHERENCE HEIGHT",
    ),
    "stmtools": Case(
        ",pnt_id,pnt_flags,pnt_lat,pnt_lon,pnt_line,pnt_pixel,pnt_height,pnt_enscoh,pnt_ampconsist",
        "d_%Y%m%d",
        "stmtools",
        "pnt_id pnt_lon pnt_lat - pnt_enscoh pnt_height",
    ),
    "only the dates of SqueeSAR": Case("CODE,VEL", "D%Y%m%d", "SqueeSAR-like (D)", "CODE - - VEL - -"),
    "only the dates of SARscape": Case("name,vel", "D_%Y%m%d", "SARscape-like (D_)", "- - - vel - -"),
    "nobody's": Case("name,vel", "%Y/%m/%d", "-", "- - - vel - -", "unknown"),
}


def write_csv(case: Case, path: Path, *, scale: float = 1.0, rows: int = 60) -> Path:
    """Rows as the producer writes them: series with one decimal, velocities of the series with two."""
    rng = np.random.default_rng(0)
    names = case.header.split(",")
    years = np.array([(day - DAYS[0]).days for day in DAYS]) / 365.25
    lines = [case.separator.join([*names, *(day.strftime(case.dates) for day in DAYS)])]
    for number in range(rows):
        velocity = rng.normal(0, 8)
        cells = []
        for name in names:
            lower = name.lower()
            if lower in {"mean_velocity", "vel", "velocity", "vlos"}:
                cells.append(f"{velocity:.2f}")
            elif lower in {"pid", "code", "code_target", "point id", "pnt_id"}:
                cells.append(f"PS_{number}")
            else:
                cells.append(f"{rng.uniform(1, 60):.3f}" if lower not in {"id", "point_id", ""} else str(number))
        series = scale * (velocity * years + rng.normal(0, 1, len(DAYS)))
        lines.append(case.separator.join([*cells, *(f"{value:.5g}" for value in series)]))
    path.write_text("\n".join(lines) + "\n")
    return path


def roles_of(layout: Layout) -> str:
    found = (layout.id, layout.longitude, layout.latitude, layout.velocity, layout.coherence, layout.height)
    return " ".join((name or "-").replace(" ", "|") for name in found)


@pytest.mark.parametrize("name", CASES)
def test_every_producer_is_read(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    declared: Unit | None = "mm" if case.producer == "stmtools" else None
    with open_described(write_csv(case, tmp_path / "a.csv"), UserDeclarations(declared)) as table:
        layout, units = table.description.layout, table.description.units
        assert layout.dates.tolist() == DAYS
        assert roles_of(layout) == case.roles
        assert (layout.producer or "-", layout.domain) == (case.producer, case.domain)
        assert units.unit == "mm"
        assert units.evidence == ("declared" if declared else "velocity")
        assert sum(batch.num_rows for batch in table.batches) == 60


def test_sarvey_in_radian_is_told_by_its_velocities(tmp_path: Path) -> None:
    path = write_csv(CASES["SARvey"], tmp_path / "a.csv", scale=-4 * np.pi / 55.466)
    with open_described(path) as table:
        units = table.description.units
        assert (units.unit, units.sign) == ("rad", "opposite_to_velocity")
        assert "the series have the opposite sign of the velocity column" in notes_on(table.description)


def test_amplitude_twin_of_squeesar_is_refused(tmp_path: Path) -> None:
    """Same names of dates; only the values differ."""
    rng = np.random.default_rng(0)
    names = ["CODE", *(f"D{day:%Y%m%d}" for day in DAYS)]
    rows = [",".join([f"A{i}", *(f"{value:.1f}" for value in rng.rayleigh(40, len(DAYS)) + 60)]) for i in range(50)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([",".join(names), *rows]))
    with pytest.raises(DataError, match="looks like amplitude"), open_described(path):
        pass


@pytest.mark.parametrize(
    ("file_name", "case", "producer", "domain"),
    [
        ("EGMS_L2a_044_0221_IW2_VV_2020_2024_1.csv", "EGMS L2 2015-2021", "EGMS L2a", "line_of_sight"),
        ("EGMS_L2b_088_0282_IW2_VV.csv", "EGMS L2 2015-2021", "EGMS L2b", "line_of_sight"),
        ("egms_l2b_088_0282.csv", "EGMStoolkit, merged", "EGMS L2b", "line_of_sight"),
        ("EGMS_L3_E45N17_100km_U_2020_2024_1.csv", "EGMS L3 2020-2024", "EGMS L3", "vertical"),
        ("EGMS_L3_E45N17_100km_E.csv", "EGMS L3 2015-2021", "EGMS L3", "east"),
        # A name that the columns contradict says nothing.
        ("EGMS_L3_E45N17_100km_U.csv", "EGMS L2 2015-2021", "EGMS L2", "line_of_sight"),
        ("EGMS_L2b_088_0282_IW2_VV.csv", "EGMS L3 2015-2021", "EGMS L3", "unknown"),
        ("EGMS_L2b_088_0282_IW2_VV.csv", "SqueeSAR", "SqueeSAR", "line_of_sight"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_the_file_name_tells_the_level(
    tmp_path: Path, file_name: str, case: str, producer: str, domain: str, zipped: bool
) -> None:
    path = write_csv(CASES[case], tmp_path / file_name)
    if zipped:
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.write(path, f"folder/{file_name}")
        path = tmp_path / "a.zip"
    with open_described(path) as table:
        layout = table.description.layout
        assert (layout.producer, layout.domain) == (producer, domain)
        notes = " ".join(notes_on(table.description))
    assert ("class PUE with care" in notes) == (producer == "EGMS L3")
    if domain in {"vertical", "east"}:
        assert {"vertical": "to the vertical component", "east": "to the east-west component"}[domain] in notes


@pytest.mark.parametrize(
    ("level", "expected"), [("L2a", "EGMS L2a"), ("L2B", "EGMS L2b"), ("L3", "EGMS L2"), ("?", "EGMS L2")]
)
def test_the_xml_tells_the_level(tmp_path: Path, level: str, expected: str) -> None:
    path = write_csv(CASES["EGMS L2 2015-2021"], tmp_path / "a.csv")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "a.csv")
        archive.writestr("a.xml", f"<h xmlns='egms'><product_level>{level}</product_level><track>22</track></h>")
    with open_described(tmp_path / "a.zip") as table:
        assert table.description.layout.producer == expected
        assert table.source.metadata == {"member": "a.csv", "product_level": level, "track": "22"}


def test_common_names_in_lists_prove_no_producer() -> None:
    assert guess_producer(None, ["pid", "latitude", "longitude"]) is None
    found = guess_producer(None, ["pid", "latitude", "mp_type", "los_up"])
    assert found is not None
    assert found.name == "EGMS L2"


def test_the_table_of_producers_is_in_order() -> None:
    """Names are in small letters, and no entry is hidden by one before it."""
    for number, producer in enumerate(PRODUCERS):
        for names in (producer.all_of, producer.some_of, producer.none_of):
            assert all(name == name.lower() for name in names)
        least = producer.all_of | frozenset(sorted(producer.some_of)[: producer.at_least])
        for family in producer.families:
            before = [other.name for other in PRODUCERS[:number] if other.matches(family, least)]
            assert not before, (producer.name, family, before)
