"""What a SQL text asks for: one query, a list of tables, a table's columns, or a new landing table. All else is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from pitlake.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator

DIALECT = "databricks"
_READ_ONLY = "Ask with SELECT, WITH, VALUES, SHOW TABLES or DESCRIBE TABLE: tables are written by their pipeline only."

_QUERY_WORDS = {"SELECT", "WITH", "VALUES", "FROM", "("}
_SHOW_TABLES = re.compile(
    r"TABLES(?:\s+(?:IN|FROM)\s+(?P<schema>[\w.`-]+))?(?:\s+(?:LIKE\s+)?'(?P<pattern>[^']*)')?", re.IGNORECASE
)
_WRITES = (exp.DML, exp.DDL, exp.Command, exp.Into, exp.Copy, exp.Attach, exp.Pragma, exp.Set)
_MISSING = re.compile(r"Required keyword: '\w+' missing for <class '.*\.(\w+)'>")
_UNCLOSED = re.compile(r"Missing (?P<closing>.+) from (?P<line>\d+):(?P<column>\d+)")


@dataclass(frozen=True)
class Query:
    """A query, as Databricks SQL is parsed by sqlglot; `event_log(…)` is already the table that it stands for."""

    tree: exp.Expr


@dataclass(frozen=True)
class ShowTables:
    """`SHOW TABLES [IN [catalog.]schema] [[LIKE] 'pattern']`; `schema` has no, one or two parts."""

    schema: tuple[str, ...]
    pattern: str


@dataclass(frozen=True)
class DescribeTable:
    """`DESCRIBE [TABLE] name`."""

    table: exp.Table


@dataclass(frozen=True)
class CreateTable:
    """`CREATE TABLE [IF NOT EXISTS] name [(column type, …)]`: a table for clients to write to, not one of the lake."""

    table: exp.Table
    may_exist: bool


Statement: TypeAlias = Query | ShowTables | DescribeTable | CreateTable


def parse(text: str) -> Statement:
    """The one statement in `text`, with or without a `;` at its end.

    Raises QueryError for a syntax error (with line, column and a caret), several statements, and whatever does not only read.
    """
    try:
        first = _first_word(text)
        if first == "SHOW":
            return _show_tables(text)
        if first == "CREATE":
            return _create_table(_only(sqlglot.parse(text, read=DIALECT)))
        if first not in _QUERY_WORDS | {"DESCRIBE", "DESC"}:
            raise QueryError(f"{first or 'An empty statement'} is not a query.", do=_READ_ONLY)
        return _read_only(_only(sqlglot.parse(text, read=DIALECT)))
    except SqlglotError as error:
        raise _syntax_error(text, error) from error


def tables(tree: exp.Expr) -> list[exp.Table]:
    """The places where `tree` names a stored table, common table expressions left out."""
    return [table for table in tree.find_all(exp.Table) if not _names_a_cte(table)]


def filtered_columns(tree: exp.Expr) -> set[str]:
    """The bare names of the columns that conditions on rows mention, in whichever table they are."""
    conditions = tree.find_all(exp.Where, exp.Join)
    return {column.name for condition in conditions for column in condition.find_all(exp.Column)}


def _first_word(text: str) -> str:
    tokens = sqlglot.tokenize(text, read=DIALECT)
    return tokens[0].text.upper() if tokens else ""


def _show_tables(text: str) -> ShowTables:
    _show, what, *rest = [*sqlglot.tokenize(text, read=DIALECT), None, None]
    asked = _SHOW_TABLES.fullmatch(what.text.strip()) if what else None
    if asked is None or any(token and token.text != ";" for token in rest):
        raise QueryError("Of the SHOW statements only SHOW TABLES [IN schema] [LIKE 'pattern'] is known.", do=_READ_ONLY)
    schema = asked["schema"]
    return ShowTables(tuple(part.strip("`") for part in schema.split(".")) if schema else (), asked["pattern"] or "*")


def _only(trees: list[exp.Expr | None]) -> exp.Expr:
    statements = [tree for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon)]
    if len(statements) != 1:
        raise QueryError(f"{len(statements)} statements came at once.", do="Send one statement at a time.")
    return statements[0]


def _read_only(tree: exp.Expr) -> Statement:
    if isinstance(tree, exp.Describe):
        return _describe_table(tree)
    written = tree.find(*_WRITES)
    if written is not None or not isinstance(tree, exp.Query | exp.Values):
        raise QueryError(f"{(written or tree).key.upper()} does not only read.", do=_READ_ONLY)
    for table in list(tree.find_all(exp.Table)):
        _check_source(table)
    return Query(tree)


def _describe_table(tree: exp.Describe) -> DescribeTable:
    plain = tree.args.get("style") in {None, "EXTENDED", "FORMATTED"}
    if not plain or not isinstance(tree.this, exp.Table) or not isinstance(tree.this.this, exp.Identifier):
        raise QueryError("Only a table can be described.", do="Write DESCRIBE TABLE catalog.schema.table.")
    return DescribeTable(tree.this)


def _create_table(tree: exp.Expr) -> CreateTable:
    plain = (
        isinstance(tree, exp.Create)
        and tree.kind == "TABLE"
        and not any(map(tree.args.get, ("expression", "properties", "replace")))
    )
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if not plain or not isinstance(target, exp.Table) or not isinstance(target.this, exp.Identifier):
        raise QueryError(
            "Only a landing table can be created, to which clients of the endpoint write.",
            do="Write CREATE TABLE [IF NOT EXISTS] catalog.schema.table, with columns or without.",
        )
    return CreateTable(target, bool(tree.args.get("exists")))


def _check_source(table: exp.Table) -> None:
    if table.args.get("version"):
        raise QueryError("Tables are read as they are now.", do="Leave VERSION or TIMESTAMP AS OF out.")
    function = table.this
    if not isinstance(function, exp.Func):
        return
    name = function.name if isinstance(function, exp.Anonymous) else function.sql_name()
    if name.lower() != "event_log":
        raise QueryError(f"{name.lower()}(…) cannot be read from.", do="Only tables of the lake and event_log(…) can.")
    for key, part in zip(("this", "db", "catalog"), ["event_log", *reversed(_event_log_schema(function))], strict=False):
        table.set(key, exp.to_identifier(part))


def _event_log_schema(function: exp.Func) -> list[str]:
    """`'catalog.schema'` and `TABLE(catalog.schema.t)` name a schema; a pipeline's id stands for the schema in use."""
    match function.expressions:
        case [exp.Literal() as literal] if "." in literal.name:
            return [part.strip("`") for part in literal.name.split(".")]
        case [exp.Literal()]:
            return []
        case [exp.Anonymous(expressions=[exp.Column() as column])]:
            return [part.name for part in column.parts[:-1]]
    raise QueryError("event_log(…) was given something else than a schema or a table.", do="Write event_log('catalog.schema').")


def _names_a_cte(table: exp.Table) -> bool:
    return not table.db and table.name.lower() in _visible_ctes(table)


def _visible_ctes(table: exp.Table) -> Iterator[str]:
    """The names that common table expressions have given around `table`: those before its own, or all of a recursive WITH."""
    path: list[exp.Expr] = [table]
    while (ancestor := path[-1].parent) is not None:
        with_ = ancestor.args.get("with_") or exp.With(expressions=[])
        for cte in with_.expressions:
            if any(cte is inner for inner in path) and not with_.args.get("recursive"):
                break
            yield cte.alias.lower()
        path.append(ancestor)


def _syntax_error(text: str, error: SqlglotError) -> QueryError:
    problem, line, column = _where(error)
    source = text.splitlines()[line - 1]
    caret = " " * (column - 1) + "^"
    what = f"Syntax error in line {line}, column {column}: {problem}\n  {source}\n  {caret}"
    return QueryError(what, do="Correct the statement there, or before.")


def _where(error: SqlglotError) -> tuple[str, int, int]:
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        problem = _MISSING.sub(lambda found: f"{found[1].upper()} is incomplete", first["description"])
        return problem, first["line"], max(first["col"] - len(first["highlight"]) + 1, 1)
    unclosed = _UNCLOSED.search(str(error.__cause__))
    if unclosed:
        return f"{unclosed['closing']} is missing", int(unclosed["line"]), int(unclosed["column"]) + 1
    return str(error).splitlines()[0], 1, 1
