"""Joins of releases that the metadata of a run state of a CSV or a GeoPackage, which have no metadata of their own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Final

from insar_runtime._input.join_steps import JOINS_KEY
from insar_runtime._input.source import Source
from insar_runtime._output.run_metadata import read_block

_KINDS: Final = frozenset({"csv", "gpkg"})
"""Containers whose columns carry no metadata; ours keep those of a run in a table, or in a file beside them."""


def with_stated_joins(source: Source) -> Source:
    """Return an open table with the joins that its run metadata state, as Parquet and Arrow hold them.

    Parameters
    ----------
    source : Source
        An open table; one of another container is returned unchanged.
    """
    if source.kind not in _KINDS:
        return source
    block = read_block(Path(source.name)) or {}
    joins = block.get("input", {}).get("joins")
    if not joins:
        return source
    stated = {**(source.schema.metadata or {}), JOINS_KEY.encode(): json.dumps(joins).encode()}
    return replace(source, schema=source.schema.with_metadata(stated))
