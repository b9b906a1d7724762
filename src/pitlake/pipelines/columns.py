"""Column names out of what the language takes for them: a string, `col("x")`, `struct("x", "y")`, or a list of these."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pyspark.sql import Column

from pitlake.pipelines.definitions import Location
from pitlake.pipelines.locations import error_at

_SHOWN = re.compile(r"Column<'(.*)'>", re.DOTALL)
_NAME = re.compile(r"`?([A-Za-z_][A-Za-z0-9_]*)`?")
_STRUCT = re.compile(r"(?:named_)?struct\((.*)\)", re.DOTALL)

ColumnNames = str | Column | Sequence[str | Column]


def column_names(given: ColumnNames, what: str, location: Location) -> tuple[str, ...]:
    """The names, in order. Raises DefinitionError for an expression that is no plain column; `what` names the argument."""
    if isinstance(given, str):
        return (_plain(given, what, location),)
    if not isinstance(given, Column):
        return tuple(name for each in given for name in column_names(each, what, location))
    text = _SHOWN.fullmatch(str(given))
    shown = text[1] if text else str(given)
    struct = _STRUCT.fullmatch(shown)
    return tuple(_plain(part, what, location) for part in (struct[1].split(",") if struct else [shown]))


def _plain(text: str, what: str, location: Location) -> str:
    name = _NAME.fullmatch(text.strip())
    if name is None:
        raise error_at(
            location,
            f"{what} is {text.strip()!r}, which is no plain column",
            "Name columns; compute others in the source's query first.",
        )
    return name[1]
