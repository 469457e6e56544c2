"""Producers of displacement series: how their tables are recognised, and what they document; data, no code.

Sources: the producers' documents and the public code that writes or reads their files, gathered in the project's
research on the ecosystem. Names are compared without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

Domain = Literal["line_of_sight", "vertical", "east", "unknown"]
"""What the series are a displacement along; east means east-west, positive to the east."""
SignConvention = Literal["towards_positive", "up_or_east_positive", "unknown"]


@dataclass(frozen=True, slots=True)
class Producer:
    """A kind of table.

    Attributes
    ----------
    name : str
        For people.
    families : frozenset of (str or None)
        Spellings of its date columns; None stands for list columns. Empty: any.
    all_of : frozenset of str
        Columns that it has.
    some_of : frozenset of str
        Columns of which it has at least `at_least`.
    none_of : frozenset of str
        Columns that it does not have.
    at_least : int
    unit : str or None
        That the producer documents for the series.
    domain : {"line_of_sight", "vertical", "east", "unknown"}
    sign : {"towards_positive", "up_or_east_positive", "unknown"}
        As documented.
    level : {"L2a", "L2b", "L3"} or None
        Level of an EGMS product.
    """

    name: str
    families: frozenset[str | None] = frozenset()
    all_of: frozenset[str] = frozenset()
    some_of: frozenset[str] = frozenset()
    none_of: frozenset[str] = frozenset()
    at_least: int = 1
    unit: Literal["mm"] | None = "mm"
    domain: Domain = "line_of_sight"
    sign: SignConvention = "unknown"
    level: Literal["L2a", "L2b", "L3"] | None = None

    def matches(self, family: str | None, names: frozenset[str]) -> bool:
        """Whether a table of such date columns and (lower-case) attributes may be one of these."""
        return (
            (not self.families or family in self.families)
            and self.all_of <= names
            and not self.none_of & names
            and (not self.some_of or len(self.some_of & names) >= self.at_least)
        )


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EGMS_COLUMNS: Final = _names(
    "mp_type track_angle los_up mean_velocity mean_velocity_std gnss_velocity gnss_velocity_u rmse_ts rmse "
    "acceleration_std seasonality_std amplitude_dispersion"
)
"""Attributes of EGMS products, several of which no other table has."""
_PLACED: Final = _names("latitude incidence_angle")
_D: Final = frozenset({"DYYYYMMDD", "dYYYYMMDD"})
_SARPROZ_DATES: Final = frozenset(
    {"YYYYMMDD", "XYYYYMMDD"} | {f"{x}YY{sign}MM{sign}DD" for x in ("", "X") for sign in "/.-_"}
)

# The first that matches is taken, so the more telling ones come first. Towards the satellite is positive in the
# documents of InSAR Norway, BBD and the public exporters; EGMS follows them without spelling it out.
_EGMS_DATES: Final = frozenset({"YYYYMMDD"})
_EGMS: Final = (
    Producer("EGMS L2a", _EGMS_DATES, _names("pid cluster_label"), sign="towards_positive", level="L2a"),
    Producer("EGMS L2b", _EGMS_DATES, _names("pid latitude gnss_velocity"), sign="towards_positive", level="L2b"),
    Producer("EGMS L2", _EGMS_DATES, _names("pid latitude"), sign="towards_positive"),
    Producer("EGMS L2", _EGMS_DATES, _names("pid incidence_angle"), sign="towards_positive"),
    Producer(
        "EGMS L3",
        _EGMS_DATES,
        _names("pid easting northing"),
        domain="unknown",
        sign="up_or_east_positive",
        level="L3",
    ),
    Producer("EGMS", _EGMS_DATES, _names("pid"), domain="unknown"),
)
PRODUCERS: Final = (
    *_EGMS,
    # No producer delivers lists or long tables: there, names as common as pid and latitude prove no producer.
    *(replace(known, families=frozenset({None}), some_of=_EGMS_COLUMNS, at_least=2) for known in _EGMS),
    Producer("InSAR Norway", frozenset({"YYYYMMDD"}), frozenset({"point id"}), sign="towards_positive"),
    Producer("stmtools", frozenset({"d_YYYYMMDD", "D_YYYYMMDD"}), some_of=_names("pnt_id pnt_lat pnt_lon"), unit=None),
    Producer(
        "SARPROZ",
        _SARPROZ_DATES,
        some_of=frozenset(
            {"svet", "lvet", "cumul.disp.", "coher", "sigma vel", "sigma.vel", "height wrt dem", "height.wrt.dem"}
        ),
        at_least=2,
    ),
    Producer("StaMPS", _D, _names("code vlos lon lat"), sign="towards_positive"),
    Producer("StaMPS", _D, _names("lon lat vlos"), none_of=_names("code"), sign="towards_positive"),
    Producer(
        "SARvey", _D, _names("point_id"), _names("omega st_consist st_consistency dem_error"), sign="towards_positive"
    ),
    # save_qgis of MintPy writes these six and no more; SqueeSAR has them too.
    Producer(
        "MintPy save_qgis",
        frozenset({"DYYYYMMDD"}),
        _names("code height h_stdev vel v_stdev coherence eff_area"),
        none_of=_names("acc a_stdev std_def season_amp track los incidence_angle"),
        sign="towards_positive",
    ),
    Producer(
        "SqueeSAR",
        _D,
        _names("code vel"),
        _names("acc a_stdev std_def eff_area season_amp s_amp_std incidence_angle los"),
        sign="towards_positive",
    ),
    Producer("PST-A", _D, _names("code_target")),
    Producer(
        "SARscape",
        frozenset({"D_YYYYMMDD"}),
        some_of=_names("musigma h_precisio v_precisio los_az los_in h_correcti z_geoid"),
    ),
    # Only the format of the dates is characteristic.
    Producer("SqueeSAR-like (D)", _D),
    Producer("SARscape-like (D_)", frozenset({"D_YYYYMMDD"})),
)

_EGMS_FILE: Final = re.compile(r"EGMS_(L2a|L2b|L3)_(?:[^/\\]*?_(U|E)(?=[_.]))?", re.IGNORECASE)
_LEVELS: Final[Mapping[str, Literal["L2a", "L2b", "L3"]]] = {
    "l2a": "L2a",
    "basic": "L2a",
    "l2b": "L2b",
    "calibrated": "L2b",
    "l3": "L3",
    "ortho": "L3",
}
_COMPONENTS: Final[Mapping[str, Domain]] = {"u": "vertical", "e": "east"}
_EGMS_ATTRIBUTION: Final = (
    "Generated using European Union's Copernicus Land Monitoring Service information "
    "(European Ground Motion Service); modified"
)


def guess_producer(
    family: str | None, attributes: Iterable[str], file_names: Iterable[str] = (), product_level: str | None = None
) -> Producer | None:
    """Return the producer by the names of columns; of EGMS the level also from file name and XML.

    Parameters
    ----------
    family : str or None
        Spelling of the date columns; None for lists.
    attributes : iterable of str
        Names of the other columns.
    file_names : iterable of str
        Names of the file and, in a zip, of its member.
    product_level : str, optional
        As the XML beside an EGMS table states it.
    """
    names = frozenset(name.lower() for name in attributes)
    found = next((producer for producer in PRODUCERS if producer.matches(family, names)), None)
    if found is None or not found.name.startswith("EGMS"):
        return found
    matches = [match for name in file_names if (match := _EGMS_FILE.search(name))]
    level = _LEVELS.get((product_level or "").strip().lower())
    if level is None and matches:
        level = _LEVELS[matches[0][1].lower()]
    if level is None or (bool(_PLACED & names) if level == "L3" else found.level == "L3"):
        return found  # nothing is said, or what the columns contradict
    if level == "L3":
        component = next((match[2].lower() for match in matches if match[2]), "")
        return replace(found, name="EGMS L3", level=level, domain=_COMPONENTS.get(component, "unknown"))
    return replace(found, name=f"EGMS {level}", level=level, domain="line_of_sight")


def attribution_of(producer: str | None) -> str | None:
    """Return the words that a producer asks for in what is made of its tables; None if it asks for none."""
    return _EGMS_ATTRIBUTION if (producer or "").startswith("EGMS") else None
