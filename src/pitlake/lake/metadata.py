"""The answers to SHOW TABLES and DESCRIBE TABLE, with Databricks' column names."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deltalake import DeltaTable

    from pitlake.lake.names import TableName

_SHORT_NAMES = {"long": "bigint", "integer": "int", "short": "smallint", "byte": "tinyint"}


def show_tables(tables: Iterable[TableName], catalog: str, schema: str, pattern: str) -> pa.Table:
    """Those of `tables` in the schema whose names fit `pattern`: `*` is any text, `|` is or; case does not matter."""
    choices = [choice.strip() for choice in pattern.lower().split("|")]
    shown = [
        table
        for table in tables
        if (table.catalog.lower(), table.schema.lower()) == (catalog.lower(), schema.lower())
        and any(fnmatchcase(table.name.lower(), choice) for choice in choices)
    ]
    return pa.table(
        {
            "database": pa.array([table.schema for table in shown], pa.string()),
            "tableName": pa.array([table.name for table in shown], pa.string()),
            "isTemporary": pa.array([False] * len(shown), pa.bool_()),
        }
    )


def describe(table: DeltaTable) -> pa.Table:
    """A row per column: its name, its type in SQL's spelling, its comment."""
    fields = json.loads(table.schema().to_json())["fields"]
    return pa.table(
        {
            "col_name": pa.array([field["name"] for field in fields], pa.string()),
            "data_type": pa.array([_spelled(field["type"]) for field in fields], pa.string()),
            "comment": pa.array([field["metadata"].get("comment") for field in fields], pa.string()),
        }
    )


def _spelled(kind: Any) -> str:
    """A type of Delta's schema JSON as SQL spells it."""
    match kind:
        case {"type": "array", "elementType": element}:
            return f"array<{_spelled(element)}>"
        case {"type": "map", "keyType": key, "valueType": value}:
            return f"map<{_spelled(key)},{_spelled(value)}>"
        case {"type": "struct", "fields": fields}:
            return "struct<" + ",".join(f"{field['name']}:{_spelled(field['type'])}" for field in fields) + ">"
        case str():
            return _SHORT_NAMES.get(kind, kind)
    raise TypeError(f"not a type of a Delta schema: {kind}")
