"""What the tables must hold, recomputed by DuckDB from the simulator's ledger alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
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

# A prediction holds the baseline that it was compared with; all else of it follows from the readings of its minute. A minute that
# departs from every baseline that was ever current while it could be judged must be among them.
_JUDGED_US = 180_000_000
_PREDICTIONS = f"""
    WITH minutes AS (SELECT *, reading_count >= 5 AS speaks FROM ({_performance(MINUTE_US)})),
    made AS (
        SELECT m.*, baseline_avg, baseline_stddev
        FROM (SELECT epoch_us(window_start) AS window_start, equipment_id, sensor_name, baseline_avg, baseline_stddev FROM stored)
        JOIN minutes m USING (window_start, equipment_id, sensor_name)
        WHERE abs(m.avg_value - baseline_avg) / baseline_stddev > 2
    ),
    due AS (
        SELECT m.*, arg_max(baseline_avg, until_us) AS baseline_avg, arg_max(baseline_stddev, until_us) AS baseline_stddev
        FROM minutes m JOIN baselines b USING (equipment_id, sensor_name)
        WHERE speaks AND b.from_us < m.window_start + {_JUDGED_US} AND b.until_us > m.window_start
        GROUP BY ALL HAVING min(abs(m.avg_value - baseline_avg) / baseline_stddev) > 2 AND min(b.from_us) <= m.window_start
    )
    SELECT window_start, equipment_id, sensor_name, reading_count, avg_value,
           abs(avg_value - baseline_avg) / baseline_stddev AS deviation_score,
           least(0.99, deviation_score / 5) AS confidence_score
    FROM (FROM made UNION ALL FROM due ANTI JOIN made USING (window_start, equipment_id, sensor_name))
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


def compare_predictions(ledger: Path, table: str, baseline: str) -> Comparison:
    """Hold every prediction against the minute of the ledger that it speaks of, scored by the baseline that it names.

    A minute of which there is none, though it departs from all that the Delta table at `baseline` held meanwhile, differs too.
    """
    keys = ("window_start", "equipment_id", "sensor_name")
    close = ("avg_value", "deviation_score", "confidence_score")
    return _compare(ledger, table, _PREDICTIONS, keys, ("reading_count",), close, baselines=_versions(baseline))


def _versions(path: str) -> pa.Table:
    """Every version of a table that has rows, with `from_us` and `until_us`, between which it was the current one.

    Raises FileNotFoundError once the log has been cleaned up.
    """
    last = DeltaTable(path).version()
    begins = [_committed_us(path, version) for version in range(last + 1)]
    versions = []
    for version, begin, end in zip(range(last + 1), begins, [*begins[1:], 2**62], strict=True):
        rows = DeltaTable(path, version=version).to_pyarrow_table()
        for name, moment in (("from_us", begin), ("until_us", end)):
            rows = rows.append_column(name, pa.array([moment] * len(rows), pa.int64()))
        versions.append(rows)
    return pa.concat_tables(versions, promote_options="permissive")


def _committed_us(path: str, version: int) -> int:
    """When a version was committed. (delta-rs numbers its history wrongly while another commit comes in.)"""
    actions = map(json.loads, Path(path, "_delta_log", f"{version:020}.json").read_text().splitlines())
    return next(action["commitInfo"]["timestamp"] for action in actions if "commitInfo" in action) * 1000


def _compare(
    ledger: Path,
    table: str,
    expected: str,
    keys: tuple[str, ...],
    exact: tuple[str, ...],
    close: tuple[str, ...],
    **beside: pa.Table,
) -> Comparison:
    """Compare by key, the first of which is a timestamp that `expected` gives in microseconds since the epoch."""
    connection = duckdb.connect()
    for name, rows in beside.items():
        connection.register(name, rows)
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
