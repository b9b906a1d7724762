"""Declared columns as Arrow types: what a Delta table holds, with nullability and comments."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
from sqlglot import exp
from sqlglot.errors import ParseError

from pitlake.errors import LakeError
from pitlake.lake.spec import Column, TableSpec

_Kind = exp.DType

_SCALARS: dict[exp.DType, pa.DataType] = {
    _Kind.TEXT: pa.string(),
    _Kind.VARCHAR: pa.string(),
    _Kind.CHAR: pa.string(),
    _Kind.BOOLEAN: pa.bool_(),
    _Kind.TINYINT: pa.int8(),
    _Kind.SMALLINT: pa.int16(),
    _Kind.INT: pa.int32(),
    _Kind.BIGINT: pa.int64(),
    _Kind.FLOAT: pa.float32(),
    _Kind.DOUBLE: pa.float64(),
    _Kind.DATE: pa.date32(),
    _Kind.TIMESTAMPTZ: pa.timestamp("us", "UTC"),
    _Kind.TIMESTAMPNTZ: pa.timestamp("us"),
    _Kind.BINARY: pa.binary(),
}


def arrow_type(sql: str) -> pa.DataType:
    """The Arrow type of a Spark SQL type such as `MAP<STRING,ARRAY<INT>>`; TIMESTAMP is microseconds in UTC. Raises LakeError."""
    try:
        return _arrow(exp.DataType.build(sql, dialect="databricks"))
    except (ParseError, LookupError, ValueError) as fault:
        raise LakeError(
            f"{sql!r} is no column type that Delta can hold.",
            do="Declare the column with a Spark SQL type such as STRING or DOUBLE.",
        ) from fault


def arrow_schema(spec: TableSpec) -> pa.Schema:
    """The table's schema: declared types and nullability, comments as field metadata. Raises LakeError for an unknown type."""
    return pa.schema([_column(column) for column in spec.columns])


def _column(column: Column) -> pa.Field:
    metadata = {"comment": column.comment} if column.comment else None
    return pa.field(column.name, arrow_type(column.type), nullable=column.nullable, metadata=metadata)


def _arrow(declared: exp.Expression | None) -> pa.DataType:
    if not isinstance(declared, exp.DataType):
        raise KeyError(declared)
    nested = _NESTED.get(declared.this)
    return nested(declared) if nested else _SCALARS[declared.this]


def _array(declared: exp.DataType) -> pa.DataType:
    return pa.list_(_arrow(declared.expressions[0]))


def _map(declared: exp.DataType) -> pa.DataType:
    key, value = declared.expressions
    return pa.map_(_arrow(key), _arrow(value))


def _struct(declared: exp.DataType) -> pa.DataType:
    return pa.struct([_struct_field(field) for field in declared.expressions])


def _struct_field(field: exp.ColumnDef) -> pa.Field:
    required = any(isinstance(constraint.kind, exp.NotNullColumnConstraint) for constraint in field.args.get("constraints") or ())
    return pa.field(field.name, _arrow(field.kind), nullable=not required)


def _decimal(declared: exp.DataType) -> pa.DataType:
    precision, scale = [int(parameter.name) for parameter in declared.expressions] or (10, 0)
    return pa.decimal128(precision, scale)


_NESTED: dict[exp.DType, Callable[[exp.DataType], pa.DataType]] = {
    _Kind.ARRAY: _array,
    _Kind.MAP: _map,
    _Kind.STRUCT: _struct,
    _Kind.DECIMAL: _decimal,
}
