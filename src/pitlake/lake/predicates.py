"""SQL fragments for delta-rs: quoting, literals, and the join condition of a MERGE with the bounds that let it skip files."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

SOURCE, TARGET = "s", "t"


def quoted(name: str) -> str:
    """A column's name as an identifier, its case kept."""
    return "`" + name.replace("`", "``") + "`"


def source(name: str) -> str:
    """A column of the MERGE's source."""
    return f"{SOURCE}.{quoted(name)}"


def target(name: str) -> str:
    """A column of the MERGE's target."""
    return f"{TARGET}.{quoted(name)}"


def literal(value: object) -> str:
    """A number as it is, anything else as a string literal, which takes the type of the column beside it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return "'" + text.replace("'", "''") + "'"


def join_condition(rows: pa.Table, keys: Sequence[str]) -> str:
    """The MERGE condition for `rows`: equal keys (NULL equals NULL), within the literal range of the batch's own keys."""
    return " AND ".join([*(_equal(rows, key) for key in keys), *(bound for key in keys for bound in _bounds(rows, key))])


def not_older(columns: Sequence[str]) -> str:
    """Whether the source's tuple of `columns` is not lower than the target's, in lexicographic order."""
    first, *rest = columns
    if not rest:
        return f"{source(first)} >= {target(first)}"
    return f"({source(first)} > {target(first)} OR ({source(first)} = {target(first)} AND ({not_older(rest)})))"


def _equal(rows: pa.Table, key: str) -> str:
    equal = f"{source(key)} = {target(key)}"
    return f"({equal} OR ({source(key)} IS NULL AND {target(key)} IS NULL))" if rows.column(key).null_count else equal


def _bounds(rows: pa.Table, key: str) -> list[str]:
    column = rows.column(key)
    if column.null_count or not _has_literals(column.type):
        return []
    extremes = pc.min_max(column).as_py()
    return [f"{target(key)} >= {literal(extremes['min'])}", f"{target(key)} <= {literal(extremes['max'])}"]


def _has_literals(kind: pa.DataType) -> bool:
    return any(fits(kind) for fits in (pa.types.is_integer, pa.types.is_string, pa.types.is_timestamp, pa.types.is_date))
