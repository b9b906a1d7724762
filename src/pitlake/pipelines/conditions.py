"""SQL conditions, checked for their syntax when they are defined; Spark checks them against the columns later."""

from __future__ import annotations

from sqlglot import parse_one
from sqlglot.errors import SqlglotError

from pitlake.errors import DefinitionError
from pitlake.pipelines.definitions import Location


def check_condition(condition: str, what: str, location: Location) -> None:
    """Raises DefinitionError unless `condition` is one SQL expression; `what` names its bearer."""
    try:
        parse_one(f"SELECT ({condition})", dialect="databricks")
    except SqlglotError as error:
        reason = str(error).splitlines()[0].split(". Line")[0]
        raise DefinitionError(
            f"{what} is no SQL condition: {condition!r} ({reason})",
            do="Write one boolean SQL expression over the dataset's columns.",
            file=location.file,
            line=location.line,
        ) from error
