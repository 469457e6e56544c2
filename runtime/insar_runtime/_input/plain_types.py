"""Plain types: columns of views, runs and extension types as the types that all of pyarrow's functions take."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from insar_runtime.errors import DataError


def plain_type(data_type: pa.DataType) -> pa.DataType:
    """Return the type that a column is brought to.

    Views of text, bytes and lists (which polars and DuckDB write) become text, bytes and lists; runs become what they
    repeat, and an extension type becomes its storage. pyarrow cannot pick rows of these, or write them to each format.
    All other types stay as they are.
    """
    t = pa.types
    if t.is_primitive(data_type) or t.is_string(data_type):  # most columns, at the cost of one look
        return data_type
    if isinstance(data_type, pa.BaseExtensionType):
        return plain_type(data_type.storage_type)
    if t.is_run_end_encoded(data_type):
        return plain_type(data_type.value_type)
    if t.is_string_view(data_type):
        return pa.string()
    if t.is_binary_view(data_type):
        return pa.binary()
    if t.is_dictionary(data_type):
        return pa.dictionary(data_type.index_type, plain_type(data_type.value_type), data_type.ordered)
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
    """Return a schema with each column of its plain type; the schema itself if all are plain."""
    fields = list(map(_plain_field, schema))
    return schema if all(a is b for a, b in zip(fields, schema, strict=True)) else pa.schema(fields, schema.metadata)


def as_plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch with each column of its plain type; the batch itself if all are plain.

    Raises
    ------
    DataError
        pyarrow cannot bring a column to it.
    """
    schema = plain_schema(batch.schema)
    if schema is batch.schema:
        return batch
    columns = [_plain(column, field) for column, field in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _plain(column: pa.Array, field: pa.Field) -> pa.Array:
    try:
        return _converted(column, field.type)
    except pa.ArrowNotImplementedError as error:
        raise DataError(
            f"column '{field.name}' is of type {column.type}, which is not read: leave it out, or convert it to text, "
            f"numbers or lists"
        ) from error


def _converted(array: Any, wanted: pa.DataType) -> pa.Array:
    found = array.type
    if found == wanted:
        return array
    t = pa.types
    if isinstance(found, pa.BaseExtensionType):
        return _converted(array.storage, wanted)
    if t.is_run_end_encoded(found):
        return _converted(pc.run_end_decode(array), wanted)
    if t.is_dictionary(found):
        words = _converted(array.dictionary, wanted.value_type)
        return pa.DictionaryArray.from_arrays(array.indices, words, ordered=found.ordered)
    return array.cast(wanted)
