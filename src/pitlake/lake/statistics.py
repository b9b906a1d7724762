"""A file's statistics as Delta's log holds them, from which readers and MERGE tell what they need not read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

_LONGEST_TEXT = 64
_MEASURED_BY_DEFAULT = 32


def measured_columns(table: DeltaTable, names: Sequence[str]) -> list[str]:
    """Those of the columns `names` that statistics are kept of: the ones that the table names, else its first ones."""
    named = table.metadata().configuration.get("delta.dataSkippingStatsColumns")
    return [name for name in named.split(",") if name in names] if named else list(names[:_MEASURED_BY_DEFAULT])


def statistics(rows: pa.Table, columns: Iterable[str]) -> str:
    """Delta's JSON of the row count and, for each of `columns`, NULL counts and least and greatest number, text or time."""
    lows, highs, nulls = {}, {}, {}
    for name in columns:
        column = rows.column(name)
        if pa.types.is_nested(column.type):
            continue
        nulls[name] = column.null_count
        if (extremes := _extremes(column)) is not None:
            lows[name], highs[name] = extremes
    return orjson.dumps({"numRecords": rows.num_rows, "minValues": lows, "maxValues": highs, "nullCount": nulls}).decode()


def _extremes(column: pa.ChunkedArray) -> tuple[object, object] | None:
    if not any(ordered(column.type) for ordered in _ORDERED):
        return None
    if pa.types.is_floating(column.type) and not pc.all(pc.is_finite(column), min_count=0).as_py():
        return None
    extremes = pc.min_max(column).as_py()
    low, high = extremes["min"], extremes["max"]
    too_long = isinstance(high, str) and max(len(low), len(high)) > _LONGEST_TEXT
    return None if low is None or too_long else (_plain(low), _plain(high))


_ORDERED: tuple[Callable[[pa.DataType], bool], ...] = (
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_string,
    pa.types.is_date,
    pa.types.is_timestamp,
)


def _plain(value: Any) -> object:
    if isinstance(value, datetime):
        zone = "Z" if value.tzinfo else ""
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return moment.isoformat(timespec="microseconds") + zone
    return value.isoformat() if isinstance(value, date) else value
