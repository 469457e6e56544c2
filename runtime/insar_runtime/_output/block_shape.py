"""The shape of our metadata block, which anybody may have written: what is not of it is not ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from insar_runtime.classes import CLASS_NAMES

MOST_BYTES: Final = 64 << 20
"""Of a block; one that holds the schema of a corrected table has the metadata of the input in it."""
_LARGEST: Final = 1e300

Check = Callable[[Any], bool]


def parse_block(text: str | bytes) -> dict[str, Any]:
    """Read a block of metadata.

    Parameters
    ----------
    text : str or bytes
        JSON.

    Returns
    -------
    dict
        Known keys have the types that ``classify`` and ``convert`` write; none of them need be there.

    Raises
    ------
    ValueError
        If it is not a JSON object, too deep or too large, or if a known key holds something else.
    """
    if len(text) > MOST_BYTES:
        raise ValueError("the block is too large")
    try:
        block = json.loads(text)
    except RecursionError as error:
        raise ValueError("the block is too deep") from error
    if not _BLOCK(block):
        raise ValueError("the block is unknown")
    return block  # type: ignore[no-any-return]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    # Neither NaN nor infinite, and no whole number that is no float.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(-_LARGEST < value < _LARGEST)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_date(value: Any) -> bool:
    try:
        return bool(str(date.fromisoformat(value)) == value)
    except (TypeError, ValueError):
        return False


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _one_of(*values: str) -> Check:
    return lambda value: isinstance(value, str) and value in values


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _mapping_of(check: Check, *, names: tuple[str, ...] | None = None) -> Check:
    def fits(value: Any) -> bool:
        if not isinstance(value, dict) or not all(map(check, value.values())):
            return False
        return names is None or set(value) <= set(names)

    return fits


def _object(checks: Mapping[str, Check], *, needs: tuple[str, ...] = (), closed: bool = False) -> Check:
    """Check an object: known keys by their values, that some are there, and (closed) that there are no others."""

    def fits(value: Any) -> bool:
        if not isinstance(value, dict) or not set(needs) <= set(value) or (closed and not set(value) <= set(checks)):
            return False
        return all(check(value[key]) for key, check in checks.items() if key in value)

    return fits


_TEXT: Final = _or_none(_is_text)
_NUMBER: Final = _or_none(_is_number)
_CLASS_COUNTS: Final = _mapping_of(_is_count)
_BLOCK: Final = _object(
    {
        **dict.fromkeys(
            (
                "package",
                "package_version",
                "model",
                "model_version",
                "model_sha256",
                "precision",
                "device",
                "provider",
                "device_reason",
                "attribution",
                "input_sha256",
                "run_key",
            ),
            _TEXT,
        ),
        "parameters": _object(
            {
                "units": _TEXT,
                "columns": _mapping_of(_is_text),
                "date_format": _TEXT,
                "half_wavelength_mm": _NUMBER,
                "keep_series": _is_flag,
                "abstain_below": _NUMBER,
                "stable_rate_mm_yr": _NUMBER,
            }
        ),
        "priors": _or_none(
            _object(
                {
                    "shares": _mapping_of(_is_number, names=CLASS_NAMES),
                    "origin": _one_of("training", "given", "estimated", "too_few_rows", "local"),
                    "rows": _or_none(_is_count),
                    "estimate": _or_none(_mapping_of(_is_number, names=CLASS_NAMES)),
                    "distance_m": _is_number,
                    "median_neighbours": _is_number,
                    "without_neighbours": _is_count,
                },
                needs=("shares", "origin"),
                closed=True,
            )
        ),
        "class_names": _list_of(_is_text),
        "input": _object(
            {
                **dict.fromkeys(
                    (
                        "name",
                        "kind",
                        "layout",
                        "domain",
                        "producer",
                        "id",
                        "longitude",
                        "latitude",
                        "velocity",
                        "series",
                        "dates_column",
                        "unit_evidence",
                        "sign",
                        "half_wavelength_evidence",
                        "sign_convention",
                    ),
                    _TEXT,
                ),
                "dates": _list_of(_is_date),
                "joins": _list_of(_is_date),
                "position": _or_none(_mapping_of(_TEXT)),
                "unit": _or_none(_one_of("mm", "cm", "m", "rad")),
                "half_wavelength_mm": _NUMBER,
            }
        ),
        "diagnosis": _or_none(_object({"half_wavelength_mm": _NUMBER, "counts": _CLASS_COUNTS})),
        "notes": _list_of(_is_text),
        "findings": _list_of(
            _object(
                {"code": _is_text, "sentence": _is_text, "value": _NUMBER},
                needs=("code", "sentence", "value"),
                closed=True,
            )
        ),
        "rows": _is_count,
        "classes": _CLASS_COUNTS,
        "statuses": _CLASS_COUNTS,
        "corrected": _object({"schema": _is_text, "series": _list_of(_is_text)}, needs=("schema", "series")),
    }
)
