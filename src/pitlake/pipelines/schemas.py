"""The `schema=` of a dataset: columns with types and comments, and the primary key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyspark.sql.types import StructType
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from pitlake.errors import DefinitionError
from pitlake.pipelines.definitions import Location
from pitlake.pipelines.names import suggestion


@dataclass(frozen=True)
class ColumnSchema:
    """A declared column; `type` is Spark SQL's spelling, such as `MAP<STRING, STRING>`."""

    name: str
    type: str
    nullable: bool = True
    comment: str | None = None


@dataclass(frozen=True)
class TableSchema:
    """Declared columns in order, and the primary key, empty when there is none."""

    columns: tuple[ColumnSchema, ...]
    primary_key: tuple[str, ...] = ()


def parse_schema(schema: str | StructType, *, location: Location) -> TableSchema:
    """Read a `schema=` argument, DDL text or a StructType.

    Raises DefinitionError for DDL that cannot be read, a generated or masked column, and a key that is no column.
    """
    if isinstance(schema, StructType):
        return TableSchema(tuple(_struct_columns(schema)))
    table = _parse_ddl(schema, location)
    columns = tuple(_column(definition, location) for definition in table.find_all(exp.ColumnDef) if _is_top(definition))
    key = tuple(_primary_key(table))
    known = {column.name for column in columns}
    for name in key:
        if name not in known:
            raise _at(location, f"the primary key names {name}, which is no column", suggestion(name, known, what="columns"))
    return TableSchema(tuple(_with_key(column, key) for column in columns), key)


def _struct_columns(schema: StructType) -> Iterator[ColumnSchema]:
    for field in schema.fields:
        yield ColumnSchema(field.name, field.dataType.simpleString().upper(), field.nullable, field.metadata.get("comment"))


def _parse_ddl(schema: str, location: Location) -> exp.Schema:
    try:
        created = parse_one(f"CREATE TABLE t ({schema})", dialect="databricks")
    except SqlglotError as error:
        reason = str(error).splitlines()[0]
        raise _at(location, f"the schema cannot be read: {reason}", "Write it as `name TYPE COMMENT '…', …`.") from error
    table = created.this
    if not isinstance(table, exp.Schema):
        raise _at(location, "the schema has no columns", "Write it as `name TYPE COMMENT '…', …`.")
    return table


def _is_top(definition: exp.ColumnDef) -> bool:
    return isinstance(definition.parent, exp.Schema)


def _column(definition: exp.ColumnDef, location: Location) -> ColumnSchema:
    kinds = {type(constraint.kind): constraint.kind for constraint in definition.args.get("constraints") or []}
    for kind in kinds:
        if "Generated" in kind.__name__ or "Mask" in kind.__name__:
            raise _at(location, f"{definition.name} is a generated or masked column", "Compute it in the query instead.")
    if definition.kind is None:
        raise _at(location, f"{definition.name} has no type", "Write it as `name TYPE`.")
    comment = kinds.get(exp.CommentColumnConstraint)
    required = exp.NotNullColumnConstraint in kinds or exp.PrimaryKeyColumnConstraint in kinds
    return ColumnSchema(
        definition.name,
        definition.kind.sql(dialect="databricks"),
        nullable=not required,
        comment=comment.this.name if comment else None,
    )


def _primary_key(table: exp.Schema) -> Iterator[str]:
    for constraint in table.find_all(exp.PrimaryKeyColumnConstraint):
        definition = constraint.find_ancestor(exp.ColumnDef)
        if definition is not None:
            yield definition.name
    for key in table.find_all(exp.PrimaryKey):
        yield from (part.name for part in key.expressions)


def _with_key(column: ColumnSchema, key: tuple[str, ...]) -> ColumnSchema:
    return ColumnSchema(column.name, column.type, column.nullable and column.name not in key, column.comment)


def _at(location: Location, what: str, do: str) -> DefinitionError:
    return DefinitionError(what, do=do, file=location.file, line=location.line)
