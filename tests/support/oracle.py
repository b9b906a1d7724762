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
    SELECT least(epoch_us({at("event_timestamp")}), epoch_us({at("appended_at")})) AS effective_us, equipment_id, sensor_name,
           CASE WHEN json_type(value) IN ('DOUBLE', 'BIGINT', 'UBIGINT') THEN value::DOUBLE END AS number
    FROM read_json($ledger, format = 'newline_delimited',
         columns = {{kind: 'VARCHAR', event_timestamp: 'VARCHAR', appended_at: 'VARCHAR', equipment_id: 'VARCHAR',
                     sensor_name: 'VARCHAR', value: 'JSON'}})
    WHERE kind = 'reading'
"""

_PERFORMANCE = f"""
    SELECT effective_us // 60000000 * 60000000 AS window_us, equipment_id, sensor_name,
           count(*) AS reading_count, min(number) AS min_value, max(number) AS max_value,
           avg(number) AS avg_value, stddev_samp(number) AS stddev_value
    FROM ({_READINGS}) WHERE number IS NOT NULL GROUP BY ALL
"""


@dataclass(frozen=True)
class Comparison:
    """How many windows were expected, and those that differ, each as a line of text."""

    windows: int
    differences: list[str]


def compare_performance(ledger: Path, table: str) -> Comparison:
    """Hold every window of the Delta table at `table` against the ledger.

    Count, minimum and maximum must be equal, average and deviation to `RELATIVE_ERROR`.
    """
    connection = duckdb.connect()
    connection.register("stored", DeltaTable(table).to_pyarrow_dataset())
    connection.execute(f"CREATE TABLE expected AS {_PERFORMANCE}", {"ledger": str(ledger)})

    def differs(column: str) -> str:
        tolerance = f"{RELATIVE_ERROR} * greatest(1.0, abs(e.{column}))"
        return f"coalesce(abs(s.{column} - e.{column}) > {tolerance}, (s.{column} IS NULL) <> (e.{column} IS NULL))"

    rows = connection.execute(
        f"""
        SELECT make_timestamp(window_us), equipment_id, sensor_name, e.reading_count, s.reading_count, e.avg_value, s.avg_value
        FROM expected e
        FULL JOIN (SELECT *, epoch_us(window_start) AS window_us FROM stored) s USING (window_us, equipment_id, sensor_name)
        WHERE e.reading_count IS DISTINCT FROM s.reading_count OR e.min_value IS DISTINCT FROM s.min_value
           OR e.max_value IS DISTINCT FROM s.max_value OR {differs("avg_value")} OR {differs("stddev_value")}
        ORDER BY 1, 2, 3
        """
    ).fetchall()
    windows = connection.execute("SELECT count(*) FROM expected").fetchone()
    lines = [f"{w:%H:%M} {m} {s}: count {ec} stored {sc}, average {ea} stored {sa}" for w, m, s, ec, sc, ea, sa in rows]
    return Comparison(windows[0] if windows else 0, lines)


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
