"""Whether a table has the columns that ``classify`` adds, and what ``classify`` wrote of itself into it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from insar_runtime._output.run_metadata import METADATA_KEY, read_block
from insar_runtime.result import RESULT_SCHEMA

_SINCE_SIX: Final = "p_other"
"""Column that tables of models of five classes lacked before there was a sixth."""


def has_classes(schema: pa.Schema) -> bool:
    """Whether a table has the columns that ``classify`` adds."""
    return set(RESULT_SCHEMA.names) - {_SINCE_SIX} <= set(schema.names)


def stored_run_metadata(name: str, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return our block of a file's metadata, or of the file beside it; empty if there is none that can be read."""
    try:
        block = json.loads(metadata[METADATA_KEY])
    except (KeyError, ValueError):
        block = read_block(Path(name))
    return block if isinstance(block, dict) else {}
