"""Databricks SQL as DuckDB understands it: sqlglot's translation, and what it leaves different.

Each rule here stands for a function whose meaning, not only its name, differs between the two. Databricks' TIMESTAMP is an
instant, DuckDB's TIMESTAMPTZ; the session's time zone is UTC.
"""

from __future__ import annotations

import json
from functools import singledispatch
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, ParseError, UnsupportedError

from pitlake.errors import QueryError
from pitlake.lake.statements import DIALECT

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_INSTANT = exp.DataType.build("TIMESTAMPTZ")
_DEFAULT_TIME_FORMAT = sqlglot.parse_one("unix_timestamp(x)", read=DIALECT).text("format")
_NAMED = (exp.Alias, exp.Aliases, exp.Column, exp.Dot, exp.Star, exp.UDTF)


def to_duckdb(tree: exp.Expr, now: datetime) -> str:
    """The DuckDB text of a Databricks query. `now` is what CURRENT_TIMESTAMP means all through it.

    Raises QueryError for what cannot be translated.
    """
    tree = tree.copy()
    _name_columns(tree)
    for node in reversed(list(tree.walk())):
        rewritten = _frozen(node, now) or _rewrite(node)
        if rewritten is not node:
            node.replace(rewritten)
    try:
        return tree.sql("duckdb", identify=True, unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise QueryError(f"The query uses what is not supported here: {error}", do="Write it without that.") from error


def _name_columns(tree: exp.Expr) -> None:
    """Give each column without a name the one that it has on Databricks: `col` when exploded, else the expression's own text."""
    for select in tree.find_all(exp.Select):
        for column in select.selects:
            if type(column) is exp.Explode or isinstance(column, exp.ExplodeOuter):
                column.replace(exp.alias_(column.copy(), "col"))
            elif not isinstance(column, _NAMED):
                text = column.output_name or column.sql(DIALECT, normalize_functions="lower")
                column.replace(exp.alias_(column.copy(), text, quoted=True))


def _frozen(node: exp.Expr, now: datetime) -> exp.Expr | None:
    if isinstance(node, exp.CurrentTimestamp):
        return exp.cast(exp.Literal.string(now.isoformat()), _INSTANT)
    if isinstance(node, exp.CurrentDate):
        return exp.cast(exp.Literal.string(now.date().isoformat()), "DATE")
    return None


@singledispatch
def _rewrite(node: exp.Expr) -> exp.Expr:
    return node


@_rewrite.register
def _(node: exp.JSONExtract) -> exp.Expr:
    # On Databricks a path gives text, NULL where the document is malformed; DuckDB would give JSON with its quotes, and fail.
    return _call("JSON_EXTRACT_STRING", exp.TryCast(this=node.this, to=exp.DataType.build("JSON")), node.expression)


@_rewrite.register
def _(node: exp.JSONExtractScalar) -> exp.Expr:
    return _call("JSON_EXTRACT_STRING", exp.TryCast(this=node.this, to=exp.DataType.build("JSON")), node.expression)


@_rewrite.register
def _(node: exp.FromJson) -> exp.Expr:
    if not node.expression.is_string:
        raise QueryError(
            "from_json needs its schema as a text.", do="Write the schema as 'a INT, b STRING' or with schema_of_json('…')."
        )
    document = exp.TryCast(this=node.this, to=exp.DataType.build("JSON"))
    return exp.TryCast(this=document, to=_declared_type(node.expression.name))


@_rewrite.register
def _(node: exp.Cast) -> exp.Expr:
    if node.to.is_type(exp.DType.TIMESTAMP):
        node.set("to", _INSTANT.copy())
    return node


@_rewrite.register
def _(node: exp.StrToTime) -> exp.Expr:
    return exp.cast(node.copy(), _INSTANT)


@_rewrite.register
def _(node: exp.StrToUnix) -> exp.Expr:
    seconds = _call("EPOCH", _instant(node.this)) if node.text("format") == _DEFAULT_TIME_FORMAT else node.copy()
    return exp.cast(_call("FLOOR", seconds), "BIGINT")


@_rewrite.register
def _(node: exp.AtTimeZone) -> exp.Expr:
    # Only from_utc_timestamp is parsed to this: the wall clock of a zone, written as if it were UTC.
    return _instant(_call("TIMEZONE", node.args["zone"], _instant(node.this)))


@_rewrite.register
def _(node: exp.FromTimeZone) -> exp.Expr:
    return _call("TIMEZONE", node.args["zone"], exp.cast(_instant(node.this), "TIMESTAMPNTZ"))


@_rewrite.register
def _(node: exp.TimestampTrunc) -> exp.Expr:
    return exp.TimestampTrunc(this=_instant(node.this), unit=node.args["unit"])


@_rewrite.register
def _(node: exp.TimestampDiff) -> exp.Expr:
    return _whole_units(node)


@_rewrite.register
def _(node: exp.DateDiff) -> exp.Expr:
    if node.text("unit").upper() != "DAY":
        return _whole_units(node)
    end, start = exp.cast(node.this, "DATE"), exp.cast(node.expression, "DATE")
    return exp.DateDiff(this=end, expression=start, unit=node.args["unit"])


@_rewrite.register
def _(node: exp.DayOfWeek) -> exp.Expr:
    return exp.paren(exp.Add(this=node.copy(), expression=exp.Literal.number(1)))  # Sunday is 1, not 0


@_rewrite.register
def _(node: exp.Quantile) -> exp.Expr:
    return _call("QUANTILE_CONT", node.this, node.args["quantile"])


@_rewrite.register
def _(node: exp.ApproxQuantile) -> exp.Expr:
    return _call("QUANTILE_DISC", node.this, node.args["quantile"])  # an existing value, as on Databricks


@_rewrite.register
def _(node: exp.ArraySize) -> exp.Expr:
    return exp.cast(_call("CARDINALITY", node.this), "INT")  # of arrays and of maps


@_rewrite.register
def _(node: exp.Extract) -> exp.Expr:
    return _call("DATE_PART", exp.Literal.string(node.name.lower()), node.expression)


@_rewrite.register
def _(node: exp.Explode) -> exp.Expr:
    if not isinstance(node, exp.ExplodeOuter) or isinstance(node, exp.Posexplode):
        return node
    return exp.Explode(this=_never_empty(node.this))


@_rewrite.register
def _(node: exp.Lateral) -> exp.Expr:
    exploded, alias = node.this, node.args.get("alias") or exp.TableAlias()
    if type(exploded) is not exp.Explode:
        return node
    keep = _never_empty if node.args.get("outer") else _unchanged
    if len(alias.columns) == 2:
        parts = [_call("UNNEST", keep(_call(part, exploded.this))) for part in ("MAP_KEYS", "MAP_VALUES")]
        return exp.Join(this=exp.Lateral(this=exp.select(*parts).subquery(), alias=alias.copy()), kind="CROSS")
    named = exp.TableAlias(this=alias.this or exp.to_identifier("t"), columns=alias.columns or [exp.to_identifier("col")])
    return exp.Lateral(this=exp.Explode(this=keep(exploded.this)), view=True, alias=named)


@_rewrite.register
def _(node: exp.Anonymous) -> exp.Expr:
    rule = _BY_NAME.get(node.name.lower())
    return rule(*node.expressions) if rule else node


def _schema_of_json(document: exp.Expr) -> exp.Expr:
    text = document.name
    try:
        example = json.loads(text if '"' in text else text.replace("'", '"'))
    except json.JSONDecodeError as error:
        raise QueryError(f"schema_of_json was given malformed JSON: {error}.", do="Give it one well-formed example.") from error
    return exp.Literal.string(_type_of(example))


_SCALARS = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE"}


def _type_of(example: object) -> str:
    match example:
        case dict():
            return f"STRUCT<{', '.join(f'`{name}`: {_type_of(inner)}' for name, inner in example.items())}>"
        case [first, *_]:
            return f"ARRAY<{_type_of(first)}>"
        case []:
            return "ARRAY<STRING>"
    return _SCALARS.get(type(example), "STRING")


def _declared_type(text: str) -> exp.DataType:
    for ddl in (text, f"STRUCT<{text}>"):
        try:
            declared = exp.DataType.build(ddl, dialect=DIALECT)
        except (ParseError, ValueError):
            continue
        if _is_complete(declared):
            for column in declared.find_all(exp.ColumnDef):
                column.set("constraints", None)  # comments, NOT NULL: nothing to a value
            return declared
    raise QueryError(f"from_json cannot read the schema {text!r}.", do="Write it as 'a INT, b ARRAY<STRING>' or as one type.")


def _is_complete(declared: exp.Expr) -> bool:
    """Whether every nested type says of what; sqlglot reads past text that is no type."""
    nested = [kind for kind in declared.find_all(exp.DataType) if kind.is_type("STRUCT", "ARRAY", "MAP")]
    return isinstance(declared, exp.DataType) and all(kind.expressions for kind in nested)


def _whole_units(node: exp.TimestampDiff | exp.DateDiff) -> exp.Expr:
    # Databricks counts the units that have passed, DuckDB's DATE_DIFF the boundaries crossed.
    return _call("DATE_SUB", exp.Literal.string(node.text("unit").lower()), _instant(node.expression), _instant(node.this))


def _never_empty(array: exp.Expr) -> exp.Expr:
    return _call("COALESCE", _call("NULLIF", array, exp.array()), exp.array(exp.null()))


def _unchanged(array: exp.Expr) -> exp.Expr:
    return array.copy()


def _instant(moment: exp.Expr) -> exp.Expr:
    return exp.cast(moment.copy(), _INSTANT)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def _cast_function(to: str) -> Callable[[exp.Expr], exp.Expr]:
    return lambda value: exp.cast(value.copy(), to)


_BY_NAME: dict[str, Callable[..., exp.Expr]] = {
    **{name: _cast_function(name) for name in ("bigint", "smallint", "tinyint", "float", "binary")},
    "cardinality": lambda value: exp.cast(_call("CARDINALITY", value), "INT"),
    "schema_of_json": _schema_of_json,
    "weekday": lambda day: exp.paren(exp.Sub(this=_call("ISODOW", day), expression=exp.Literal.number(1))),
    "timestamp_seconds": lambda n: _call("TO_TIMESTAMP", n),
    "timestamp_millis": lambda n: _instant(_call("EPOCH_MS", n)),
    "timestamp_micros": lambda n: _instant(_call("MAKE_TIMESTAMP", n)),
}
