"""Databricks SQL over the current snapshots of a lake: sqlglot translates, DuckDB computes, delta-rs knows the files."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from sqlglot import exp

from pitlake.errors import LakeError, QueryError
from pitlake.lake.catalog import list_tables
from pitlake.lake.dialect import to_duckdb
from pitlake.lake.metadata import describe, show_tables
from pitlake.lake.names import TableName
from pitlake.lake.snapshots import snapshot_dataset
from pitlake.lake.statements import CreateTable, DescribeTable, Query, ShowTables, filtered_columns, parse, tables

if TYPE_CHECKING:
    import pyarrow.dataset as ds

_SEALED: dict[str, str | bool | int | float | list[str]] = {"enable_external_access": False, "python_enable_replacements": False}


def query(lake: str, statement: str, *, catalog: str, schema: str, now: datetime | None = None) -> pa.Table:
    """The answer to one read-only statement of Databricks SQL over the tables of `lake`, a directory or an object-store URL.

    `catalog` and `schema` complete names of fewer than three parts. `now`, an aware datetime, is what CURRENT_TIMESTAMP means (by
    default the time of the call). Timestamps come back in UTC. Only the tables named are opened, each at one snapshot.
    Raises QueryError for whatever cannot be answered: a syntax error, an unknown table, a statement that does not only read.
    Raises LakeError for a table that cannot be opened.
    """
    match parse(statement):
        case ShowTables(within, pattern):
            within_catalog, within_schema = (catalog, schema)[: 2 - len(within)] + within
            return show_tables(list_tables(lake), within_catalog, within_schema, pattern)
        case DescribeTable(table):
            return describe(_open(lake, full_name(table, catalog, schema)))
        case CreateTable():
            raise QueryError("A landing table is not made in the lake.", do="Send the statement with `pitlake sql`.")
        case Query(tree):
            return _run(lake, tree, catalog, schema, now or datetime.now(UTC))


def _run(lake: str, tree: exp.Expr, catalog: str, schema: str, now: datetime) -> pa.Table:
    named = [(table, full_name(table, catalog, schema)) for table in tables(tree)]
    for table, name in named:
        _qualify(table, name)
    filtered = filtered_columns(tree)
    text = to_duckdb(tree, now)
    snapshots = {name: _open(lake, name) for name in dict.fromkeys(name for _, name in named)}
    try:
        datasets = {name: snapshot_dataset(snapshot, filtered) for name, snapshot in snapshots.items()}
        with closing(_connect(datasets)) as connection:
            return _fetch(connection.sql(text))
    except (duckdb.Error, DeltaError, pa.ArrowInvalid, OSError) as error:
        raise _failure(error) from error


def full_name(table: exp.Table, catalog: str, schema: str) -> TableName:
    """The name of a table, completed where it has fewer than three parts. Raises QueryError for what is no name."""
    parts = tuple(part.name for part in table.parts)
    try:
        return TableName.parse(".".join((catalog, schema)[: max(3 - len(parts), 0)] + parts))
    except LakeError as error:
        text = ".".join(parts)
        raise QueryError(
            f"{text!r} is not a table's name.", do="Name tables as catalog.schema.table; files cannot be read."
        ) from error


def _qualify(table: exp.Table, name: TableName) -> None:
    for key, part in zip(("catalog", "db", "this"), (name.catalog, name.schema, name.name), strict=True):
        table.set(key, exp.to_identifier(part, quoted=True))


def _open(lake: str, name: TableName) -> DeltaTable:
    try:
        return DeltaTable(name.path(lake))
    except TableNotFoundError:
        return DeltaTable(_known_table(name, list_tables(lake)).path(lake))
    except (DeltaError, OSError) as error:
        raise LakeError(
            f"{name} cannot be opened: {_first_paragraph(error)}", do="See whether the lake can be reached."
        ) from error


def _known_table(name: TableName, known: list[TableName]) -> TableName:
    """The table that `name` spells in another case."""
    for table in known:
        if str(table).lower() == str(name).lower():
            return table
    raise _unknown_table(name, known)


def _unknown_table(name: TableName, known: list[TableName]) -> QueryError:
    if not known:
        return QueryError(f"There is no table {name}: the lake is empty.", do="Start the pipeline: it creates them.")
    bare = {table.name: table for table in known}
    near = [str(bare[match]) for match in get_close_matches(name.name, bare)]
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    do = f"{meant}SHOW TABLES lists what there is; a pipeline that has just been started creates its tables in a moment."
    return QueryError(f"There is no table {name}.", do=do)


def _connect(datasets: dict[TableName, ds.Dataset]) -> duckdb.DuckDBPyConnection:
    """A database in memory that has the datasets under their names, and can reach nothing else: no file, network or variable."""
    connection = duckdb.connect(":memory:", config=_SEALED)
    connection.execute("SET TimeZone = 'UTC'")
    for name, dataset in datasets.items():
        catalog, schema, table = (f'"{part}"' for part in (name.catalog, name.schema, name.name))
        connection.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {catalog}")
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {catalog}.{schema}")
        connection.register(str(name), dataset)
        connection.execute(f'CREATE VIEW {catalog}.{schema}.{table} AS SELECT * FROM temp.main."{name}"')  # noqa: S608 (a checked name)
    connection.execute("SET lock_configuration = true")
    return connection


def _fetch(relation: duckdb.DuckDBPyRelation) -> pa.Table:
    answer = relation.to_arrow_table()
    for position, kind in enumerate(relation.types):
        if kind == "HUGEINT":  # DuckDB's type of SUM over integers; Databricks gives a BIGINT
            answer = answer.set_column(position, answer.field(position).name, answer.column(position).cast(pa.int64()))
    return answer


def _failure(error: Exception) -> QueryError:
    unreadable = isinstance(error, OSError) or "IOError" in str(error)  # DuckDB passes on what Arrow says of a file
    if unreadable:
        return QueryError(_first_paragraph(error), do="Ask again: upkeep may have removed a file of that snapshot.")
    return QueryError(_first_paragraph(error), do="Correct the statement; DESCRIBE TABLE shows a table's columns.")


def _first_paragraph(error: Exception) -> str:
    return " ".join(str(error).split("\n\n", maxsplit=1)[0].split())
