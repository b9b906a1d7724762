"""What the tables must hold, recomputed by DuckDB from the simulator's ledger alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
from deltalake import DeltaTable

RELATIVE_ERROR = 1e-9


def at(column: str) -> str:
    """An ISO 8601 text in UTC as a plain timestamp: with a time zone it would need an extension."""
    return f"rtrim({column}, 'Z')::TIMESTAMP"


_READINGS = f"""
    SELECT epoch_us({at("event_timestamp")}) AS event_us, epoch_us({at("appended_at")}) AS appended_us,
           least(event_us, appended_us) AS effective_us, greatest(0, appended_us - event_us) / 1e6 AS latency,
           equipment_id, sensor_name,
           CASE WHEN json_type(value) IN ('DOUBLE', 'BIGINT', 'UBIGINT') THEN value::DOUBLE END AS number
    FROM read_json($ledger, format = 'newline_delimited',
         columns = {{kind: 'VARCHAR', event_timestamp: 'VARCHAR', appended_at: 'VARCHAR', equipment_id: 'VARCHAR',
                     sensor_name: 'VARCHAR', value: 'JSON'}})
    WHERE kind = 'reading'
"""
MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000


def _performance(window_us: int) -> str:
    return f"""
        SELECT effective_us // {window_us} * {window_us} AS window_start, equipment_id, sensor_name,
               count(*) AS reading_count, min(number) AS min_value, max(number) AS max_value,
               avg(number) AS avg_value, stddev_samp(number) AS stddev_value
        FROM ({_READINGS}) WHERE number IS NOT NULL GROUP BY ALL
    """


_QUALITY = f"""
    SELECT appended_us // {MINUTE_US} * {MINUTE_US} AS minute, count(*) AS total_records, avg(latency) AS avg_latency_sec,
           max(latency) AS max_latency_sec
    FROM ({_READINGS}) GROUP BY ALL
"""


@dataclass(frozen=True)
class Comparison:
    """How many rows were expected, and those that differ, each as a line of text."""

    rows: int
    differences: list[str]


def compare_performance(ledger: Path, table: str, window_us: int = MINUTE_US) -> Comparison:
    """Hold every window of the Delta table at `table` against the ledger.

    Count, minimum and maximum must be equal, average and deviation to `RELATIVE_ERROR`.
    """
    keys = ("window_start", "equipment_id", "sensor_name")
    exact = ("reading_count", "min_value", "max_value")
    return _compare(ledger, table, _performance(window_us), keys, exact, ("avg_value", "stddev_value"))


def compare_quality(ledger: Path, table: str) -> Comparison:
    """Hold every minute of the quality metrics against the ledger: records must be equal, latencies to `RELATIVE_ERROR`."""
    return _compare(ledger, table, _QUALITY, ("minute",), ("total_records",), ("avg_latency_sec", "max_latency_sec"))


def _compare(
    ledger: Path, table: str, expected: str, keys: tuple[str, ...], exact: tuple[str, ...], close: tuple[str, ...]
) -> Comparison:
    """Compare by key, the first of which is a timestamp that `expected` gives in microseconds since the epoch."""
    connection = duckdb.connect()
    connection.register("stored", DeltaTable(table).to_pyarrow_dataset())
    connection.execute(f"CREATE TABLE expected AS {expected}", {"ledger": str(ledger)})
    unequal = [f"e.{column} IS DISTINCT FROM s.{column}" for column in exact]
    unequal += [
        f"coalesce(abs(s.{c} - e.{c}) > {RELATIVE_ERROR} * greatest(1.0, abs(e.{c})), (s.{c} IS NULL) <> (e.{c} IS NULL))"
        for c in close
    ]
    shown = ", ".join(f"e.{column} AS expected_{column}, s.{column} AS stored_{column}" for column in (*exact, *close))
    found = connection.execute(
        f"""
        SELECT make_timestamp({keys[0]})::VARCHAR AS at, {", ".join(keys[1:]) or "NULL AS all"}, {shown} FROM expected e
        FULL JOIN (SELECT * REPLACE (epoch_us({keys[0]}) AS {keys[0]}) FROM stored) s USING ({", ".join(keys)})
        WHERE {" OR ".join(unequal)} ORDER BY 1, 2
        """
    )
    names = [column[0] for column in found.description]
    lines = [", ".join(f"{name} {value}" for name, value in zip(names, row, strict=True)) for row in found.fetchall()]
    rows = connection.execute("SELECT count(*) FROM expected").fetchone()
    return Comparison(rows[0] if rows else 0, lines)


def repeated_keys(table: str, key: tuple[str, ...]) -> int:
    """How many keys stand more than once in the Delta table at `table`."""
    connection = duckdb.connect()
    connection.register("stored", DeltaTable(table).to_pyarrow_dataset())
    columns = ", ".join(key)
    found = connection.execute(f"SELECT count(*) FROM (SELECT {columns} FROM stored GROUP BY ALL HAVING count(*) > 1)").fetchone()
    return found[0] if found else 0


def readings_in(ledger: Path) -> int:
    """How many readings the ledger holds, numbers and texts."""
    found = duckdb.connect().execute(f"SELECT count(*) FROM ({_READINGS})", {"ledger": str(ledger)}).fetchone()
    return found[0] if found else 0
