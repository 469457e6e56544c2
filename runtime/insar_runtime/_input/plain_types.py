"""Plain types: columns of views, runs and extension types as the types that all of pyarrow's functions take."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from insar_runtime._input.column_types import is_text
from insar_runtime._input.dates.date_columns import DATE_NAMES
from insar_runtime.errors import DataError


def plain_type(data_type: pa.DataType) -> pa.DataType:
    """Return the type that a column is brought to.

    Views of text, bytes and lists (which polars and DuckDB write) become text, bytes and lists; runs become what they
    repeat, an extension type becomes its storage, a short decimal one of 128 bits, and a dictionary of anything but
    text what it stands for. Not every version of pyarrow can pick rows of these, or write them to each format. All
    other types stay as they are.
    """
    t = pa.types
    if (t.is_primitive(data_type) and not t.is_decimal(data_type)) or t.is_string(
        data_type
    ):  # most columns, at the cost of one look
        return data_type
    if isinstance(data_type, pa.BaseExtensionType):
        return plain_type(data_type.storage_type)
    if t.is_run_end_encoded(data_type):
        return plain_type(data_type.value_type)
    if t.is_decimal32(data_type) or t.is_decimal64(data_type):
        return pa.decimal128(data_type.precision, data_type.scale)
    if t.is_string_view(data_type):
        return pa.string()
    if t.is_binary_view(data_type):
        return pa.binary()
    if t.is_dictionary(data_type):
        words = plain_type(data_type.value_type)
        return pa.dictionary(data_type.index_type, words, data_type.ordered) if is_text(words) else words
    if t.is_list(data_type) or t.is_list_view(data_type):
        return pa.list_(_plain_field(data_type.value_field))
    if t.is_large_list(data_type) or t.is_large_list_view(data_type):
        return pa.large_list(_plain_field(data_type.value_field))
    if t.is_fixed_size_list(data_type):
        return pa.list_(_plain_field(data_type.value_field), data_type.list_size)
    if t.is_struct(data_type):
        return pa.struct([_plain_field(data_type.field(i)) for i in range(data_type.num_fields)])
    return data_type


def _plain_field(field: pa.Field) -> pa.Field:
    plain = plain_type(field.type)
    return field if plain == field.type else field.with_type(plain)


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """Return a schema with each column of its plain type; the schema itself if all are plain.

    Times of a zone that is not known here become those of UTC, where they are attributes; as dates they are refused.
    """
    found = list(schema)
    fields = [_in_known_zone(_plain_field(field)) for field in found]
    return schema if all(a is b for a, b in zip(fields, found, strict=True)) else pa.schema(fields, schema.metadata)


def _in_known_zone(field: pa.Field) -> pa.Field:
    data_type = field.type
    if not pa.types.is_timestamp(data_type) or data_type.tz is None or field.name.strip().lower() in DATE_NAMES:
        return field
    return field if _is_known(data_type.tz) else field.with_type(pa.timestamp(data_type.unit, "UTC"))


@lru_cache(maxsize=64)
def _is_known(zone: str) -> bool:
    """Whether both data bases of time zones know it: that of Arrow, which writes times, and that of Python."""
    time = pa.scalar(0, pa.timestamp("s", zone))
    try:
        pc.local_timestamp(time)
        time.as_py()
    except (pa.ArrowException, ValueError, LookupError):
        return False
    return True


def as_plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch with each column of its plain type; the batch itself if all are plain.

    Raises
    ------
    DataError
        pyarrow cannot bring a column to it.
    """
    schema = plain_schema(batch.schema)
    if schema is batch.schema and not any(map(_has_null_words, batch.columns)):
        return batch
    columns = [_plain(column, field) for column, field in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _plain(column: pa.Array, field: pa.Field) -> pa.Array:
    try:
        return _converted(column, field.type)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise DataError(
            f"column '{field.name}' is of type {column.type}, which is not read: leave it out, or convert it to text, "
            f"numbers or lists"
        ) from error


def _converted(array: Any, wanted: pa.DataType) -> pa.Array:
    found = array.type
    if found == wanted and not _has_null_words(array):
        return array
    t = pa.types
    if isinstance(found, pa.BaseExtensionType):
        return _converted(array.storage, wanted)
    if t.is_run_end_encoded(found):
        return _converted(pc.run_end_decode(array), wanted)
    if t.is_dictionary(found) and not t.is_dictionary(wanted):
        return _converted(array.dictionary_decode(), wanted)
    if t.is_dictionary(found):
        if array.dictionary.null_count:
            array = array.dictionary_decode().dictionary_encode()
        words = _converted(array.dictionary, wanted.value_type)
        indices = array.indices.cast(wanted.index_type)
        return pa.DictionaryArray.from_arrays(indices, words, ordered=wanted.ordered)
    if t.is_list_view(found) or t.is_large_list_view(found):
        return _as_list(array, wanted)
    result = array.cast(wanted)
    # pyarrow makes lists that do not hold together of list views (up to 26.0.1, at least); here they are within others.
    result.validate(full=pa.types.is_nested(found))
    return result


def _has_null_words(array: Any) -> bool:
    """Whether a null stands in the dictionary of a column, which Arrow's writers do not take."""
    return isinstance(array, pa.DictionaryArray) and array.dictionary.null_count > 0


def _as_list(array: Any, wanted: pa.DataType) -> pa.Array:
    """Return a list view as a list, its values in the order of the rows."""
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    is_large = pa.types.is_large_list(wanted)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64 if is_large else np.int32)
    values = _converted(array.flatten(), wanted.value_type)
    kind = pa.LargeListArray if is_large else pa.ListArray
    return kind.from_arrays(pa.array(offsets), values, type=wanted, mask=array.is_null())
