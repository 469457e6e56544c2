"""Columns of an areas table."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from insar_runtime._areas.measures import SHARES

AREA_SCHEMA: Final = pa.schema(
    [
        pa.field("area_id", pa.int32()),
        pa.field("class_name", pa.string()),
        pa.field("quality", pa.int8()),
        pa.field("moving_points", pa.int32()),
        pa.field("points", pa.int32()),
        pa.field("moving_share", pa.float32()),
        pa.field("area_m2", pa.float64()),
        *(pa.field(f"share_{name}", pa.float32()) for name in SHARES),
        pa.field("rate_mm_yr", pa.float32()),
        pa.field("rate_spread_mm_yr", pa.float32()),
        pa.field("acceleration_mm_yr2", pa.float32()),
        pa.field("break_date", pa.date32()),
        pa.field("break_spread_days", pa.float32()),
        pa.field("displacement_mm", pa.float32()),
        pa.field("noise_in_time", pa.float32()),
        pa.field("coherence_in_space", pa.float32()),
    ]
)
"""Columns of each area, before its outline."""

SERIES_FIELDS: Final = (
    pa.field("dates", pa.list_(pa.date32())),
    pa.field("median_mm", pa.list_(pa.float32())),
    pa.field("lower_quartile_mm", pa.list_(pa.float32())),
    pa.field("upper_quartile_mm", pa.list_(pa.float32())),
)
"""Columns of the series of an area."""

AREA_ID: Final = "area_id"
GEOMETRY: Final = "geometry"


def area_schema(*, series: bool) -> pa.Schema:
    """Return the columns of an areas table before its outlines."""
    return pa.schema([*AREA_SCHEMA, *(SERIES_FIELDS if series else ())])
