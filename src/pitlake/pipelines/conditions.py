"""SQL conditions, checked for their syntax when they are defined; Spark checks them against the columns later."""

from __future__ import annotations

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from pitlake.pipelines.definitions import Location
from pitlake.pipelines.locations import error_at


def check_condition(condition: object, what: str, location: Location) -> None:
    """Raises DefinitionError unless `condition` is the text of one SQL expression without a subquery; `what` names its bearer."""
    reason = _fault(condition)
    if reason is not None:
        raise error_at(
            location,
            f"{what} is no SQL condition: {condition!r} ({reason})",
            "Write one boolean SQL expression over the dataset's columns.",
        )


def _fault(condition: object) -> str | None:
    if not isinstance(condition, str):
        return f"{type(condition).__name__} is no text"
    try:
        # The line break ends a comment before it takes the parenthesis with it.
        query = parse_one(f"SELECT ({condition}\n)", dialect="databricks")
    except SqlglotError as error:
        return str(error).splitlines()[0].split(". Line")[0]
    if not _is_one_expression(query):
        return "not one expression"
    if any(query is not nested for nested in query.find_all(exp.Query)):
        return "it reads another table"
    return None


def _is_one_expression(query: exp.Expr) -> bool:
    written = [part for part, value in query.args.items() if value]
    selected = query.expressions
    return (
        written == ["expressions"]
        and len(selected) == 1
        and isinstance(selected[0], exp.Paren | exp.Subquery)
        and not isinstance(selected[0].this, exp.Alias | exp.Star)
    )
