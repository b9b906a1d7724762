"""Many JSON rows into one Arrow table in a single pass, in the encoding of `pitlake.streams.envelope`."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.json as pj


def can_read(schema: pa.Schema) -> bool:
    """Whether Arrow's reader keeps the values exact: it knows no binary, rounds decimals and does not check inner NOT NULL."""
    return all(_exact(field.type) for field in schema)


def read_rows(values: Sequence[bytes], schema: pa.Schema) -> pa.Table:
    """One row per JSON object in `values`, fields absent or unknown to `schema` being NULL or left out.

    Raises ValueError (of which Arrow's errors are a kind) when any of them is no object or does not fit; which one is not told.
    """
    if not all(value.startswith(b"{") and value.endswith(b"}") for value in values):
        raise ValueError("a record is no JSON object")
    text = b"\n".join(values)
    text.decode()
    parsed = pj.read_json(
        pa.BufferReader(text),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(text) + 1),
        parse_options=pj.ParseOptions(
            explicit_schema=pa.schema([(field.name, _encoded(field.type)) for field in schema]),
            unexpected_field_behavior="ignore",
        ),
    )
    if parsed.num_rows != len(values):
        raise ValueError("a record is not exactly one JSON object")
    return pa.table([_decoded(_one(parsed.column(field.name)), field.type) for field in schema], names=schema.names)


def _exact(kind: pa.DataType) -> bool:
    if pa.types.is_decimal(kind) or pa.types.is_binary(kind):
        return False
    if pa.types.is_map(kind):
        return _exact(kind.key_type) and _exact(kind.item_type)
    if pa.types.is_list(kind):
        return _exact(kind.value_type)
    if pa.types.is_struct(kind):
        return all(field.nullable and _exact(field.type) for field in kind)
    return True


def _encoded(kind: pa.DataType) -> pa.DataType:
    """What the reader takes for the JSON encoding of `kind`: it knows no dates, and a MAP travels as a list of entries."""
    if pa.types.is_date(kind):
        return pa.string()
    if pa.types.is_map(kind):
        return pa.list_(pa.struct([("key", _encoded(kind.key_type)), ("value", _encoded(kind.item_type))]))
    if pa.types.is_list(kind):
        return pa.list_(_encoded(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _encoded(field.type)) for field in kind])
    return kind


def _decoded(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if array.type == kind:
        return array
    if pa.types.is_map(kind):
        keys, items = (array.values.field(name) for name in ("key", "value"))
        return pa.MapArray.from_arrays(
            array.offsets, _decoded(keys, kind.key_type), _decoded(items, kind.item_type), type=kind, mask=array.is_null()
        )
    if pa.types.is_list(kind):
        return pa.ListArray.from_arrays(array.offsets, _decoded(array.values, kind.value_type), type=kind, mask=array.is_null())
    if pa.types.is_struct(kind):
        fields = [_decoded(array.field(field.name), field.type) for field in kind]
        return pa.StructArray.from_arrays(fields, fields=list(kind), mask=array.is_null())
    return array.cast(kind)


def _one(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined
