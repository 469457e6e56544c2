"""Columns and run metadata of a classified table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from insar_runtime._output.block_shape import parse_block
from insar_runtime._output.run_metadata import METADATA_KEY, read_block
from insar_runtime.result import RESULT_SCHEMA

_SIXTH: Final = "p_other"
"""Column that is missing in older tables of models of five classes."""


def has_classes(schema: pa.Schema) -> bool:
    """Return whether a table has the columns that ``classify`` adds."""
    return set(RESULT_SCHEMA.names) - {_SIXTH} <= set(schema.names)


def stored_run_metadata(name: str, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return the run metadata of a table, stored in it or in a file beside it; empty if there are none."""
    try:
        return parse_block(metadata[METADATA_KEY])
    except (KeyError, ValueError):
        return read_block(Path(name)) or {}
