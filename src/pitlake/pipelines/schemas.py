"""The `schema=` of a dataset: columns with types and comments, and the primary key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pyspark.sql.types import ArrayType, DataType, MapType, StructType
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from pitlake.errors import DefinitionError
from pitlake.pipelines.definitions import Location
from pitlake.pipelines.locations import error_at
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
    """Read a `schema=` argument, DDL text or a StructType. Foreign keys are passed over.

    Raises DefinitionError for DDL that cannot be read, for what a column cannot be here (generated, with a default or a check),
    for a name that is declared twice, and for a key that is no column.
    """
    if isinstance(schema, StructType):
        return TableSchema(tuple(_struct_columns(schema)))
    parts = _parse_ddl(schema, location)
    columns = tuple(_column(part, location) for part in parts if isinstance(part, exp.ColumnDef))
    key = tuple(name for part in parts for name in _primary_key(part))
    known = [column.name for column in columns]
    for name in known:
        if known.count(name) > 1:
            raise error_at(location, f"the schema declares {name} twice", "Keep one of the two.")
    for name in key:
        if name not in known:
            raise error_at(location, f"the primary key names {name}, which is no column", suggestion(name, known, what="columns"))
    return TableSchema(tuple(replace(c, nullable=c.nullable and c.name not in key) for c in columns), key)


def type_text(kind: DataType) -> str:
    """Spark SQL's spelling of a type; fields of a struct keep their upper and lower case."""
    if isinstance(kind, ArrayType):
        return f"ARRAY<{type_text(kind.elementType)}>"
    if isinstance(kind, MapType):
        return f"MAP<{type_text(kind.keyType)}, {type_text(kind.valueType)}>"
    if isinstance(kind, StructType):
        return f"STRUCT<{', '.join(f'`{field.name}`: {type_text(field.dataType)}' for field in kind.fields)}>"
    return kind.simpleString().upper()


def _struct_columns(schema: StructType) -> Iterator[ColumnSchema]:
    for field in schema.fields:
        yield ColumnSchema(field.name, type_text(field.dataType), field.nullable, field.metadata.get("comment"))


def _parse_ddl(schema: str, location: Location) -> list[exp.Expression]:
    try:
        # The line break ends a comment before it takes the parenthesis with it.
        table = parse_one(f"CREATE TABLE t ({schema}\n)", dialect="databricks").this
    except SqlglotError as error:
        raise _unreadable(location, str(error).splitlines()[0].split(". Line")[0]) from error
    parts = table.expressions if isinstance(table, exp.Schema) else []
    if not parts:
        raise _unreadable(location, "it has no columns")
    for part in parts:
        if not isinstance(part, exp.ColumnDef | exp.PrimaryKey | exp.ForeignKey | exp.Constraint):
            raise _unreadable(location, f"{part.sql(dialect='databricks')} is neither a column with a type nor a key")
        if isinstance(part, exp.Constraint) and not part.find(exp.PrimaryKey, exp.ForeignKey):
            raise _unreadable(location, f"{part.sql(dialect='databricks')} is no key")
    return parts


def _unreadable(location: Location, reason: str) -> DefinitionError:
    return error_at(
        location, f"the schema cannot be read: {reason}", "Write it as `name TYPE COMMENT '…', …, PRIMARY KEY (name)`."
    )


def _column(definition: exp.ColumnDef, location: Location) -> ColumnSchema:
    comment, required = None, False
    for constraint in definition.args.get("constraints") or []:
        match kind := constraint.kind:
            case exp.CommentColumnConstraint():
                comment = kind.this.name
            case exp.NotNullColumnConstraint():
                required = not kind.args.get("allow_null")
            case exp.PrimaryKeyColumnConstraint() | exp.Reference():
                pass
            case _:
                raise error_at(
                    location,
                    f"{definition.name} is declared as {constraint.sql(dialect='databricks')}, which a column cannot be here",
                    "Compute it in the query, or expect it of the rows.",
                )
    if definition.kind is None:
        raise error_at(location, f"{definition.name} has no type", "Write it as `name TYPE`.")
    return ColumnSchema(definition.name, definition.kind.sql(dialect="databricks"), nullable=not required, comment=comment)


def _primary_key(part: exp.Expression) -> Iterator[str]:
    if isinstance(part, exp.ColumnDef):
        if any(isinstance(c.kind, exp.PrimaryKeyColumnConstraint) for c in part.args.get("constraints") or []):
            yield part.name
    elif (key := part.find(exp.PrimaryKey)) is not None:
        yield from (column.name for column in key.expressions)
