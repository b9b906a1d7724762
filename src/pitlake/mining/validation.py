"""The specification's validation queries, verbatim, and what their answers must be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pitlake.mining.site import MACHINES, EquipmentType, sensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Rows = Sequence[Mapping[str, Any]]

MAX_AVG_LATENCY_SECONDS = 1.0
MAX_LATENCY_SECONDS = 2.0
RESCUED_ROWS_LIMIT = 10


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is what it must be, and the reason in one line."""

    ok: bool
    reason: str


@dataclass(frozen=True)
class ValidationQuery:
    """A query of the specification. `judge` takes its rows, as mappings by column name; `reads` is the table that it needs."""

    name: str
    reads: str
    sql: str
    judge: Callable[[Rows], Verdict]


def judge_bronze(rows: Rows) -> Verdict:
    """Records arrive, from every machine of the site."""
    records, machines = (rows[0]["total_records"], rows[0]["distinct_equipment"]) if rows else (0, 0)
    return Verdict(records > 0 and machines >= len(MACHINES), f"{records} records of {machines} machines in 5 minutes")


def judge_silver(rows: Rows) -> Verdict:
    """Every machine of the site has several sensors with recent readings."""
    sensors = Counter(row["equipment_id"] for row in rows)
    lacking = [machine.equipment_id for machine in MACHINES if sensors[machine.equipment_id] < 2]
    if lacking:
        return Verdict(ok=False, reason=f"no several sensors in 5 minutes: {', '.join(lacking)}")
    return Verdict(ok=True, reason=f"{len(rows)} sensors of {len(sensors)} machines in 5 minutes")


def judge_gold(rows: Rows) -> Verdict:
    """There are one-minute windows, with averages that a crusher can have."""
    low, high = sensor(EquipmentType.CRUSHER, "Vibration_MM_S").span
    averages = [row["avg_value"] for row in rows]
    if not averages:
        return Verdict(ok=False, reason="no window in 30 minutes")
    unreal = [average for average in averages if average is None or low is None or high is None or not low <= average <= high]
    if unreal:
        return Verdict(ok=False, reason=f"averages outside {low} to {high} mm/s: {unreal}")
    return Verdict(ok=True, reason=f"{len(averages)} windows, {min(averages):.1f} to {max(averages):.1f} mm/s")


def judge_latency(rows: Rows, *, average: float = MAX_AVG_LATENCY_SECONDS, worst: float = MAX_LATENCY_SECONDS) -> Verdict:
    """The slowest record of a minute took less than `average` seconds on average, less than `worst` at most."""
    found_average, found_worst = (rows[0]["avg_pipeline_latency"], rows[0]["max_pipeline_latency"]) if rows else (None, None)
    if found_average is None or found_worst is None:
        return Verdict(ok=False, reason="no minute measured in 10 minutes")
    ok = found_average < average and found_worst < worst
    return Verdict(ok, f"latency {found_average:.3f} s on average, {found_worst:.3f} s at most")


def judge_rescued(rows: Rows) -> Verdict:
    """Few readings, or none, had something that fits no column: fewer than the query's own limit."""
    return Verdict(
        len(rows) < RESCUED_ROWS_LIMIT, f"{len(rows)} rescued rows, of the {RESCUED_ROWS_LIMIT} that are asked for at most"
    )


def judge_event_log(rows: Rows) -> Verdict:
    """The update and its flows report themselves, and nothing failed."""
    errors = [row["message"] for row in rows if row["level"] == "ERROR"]
    missing = {"create_update", "flow_progress"} - {row["event_type"] for row in rows}
    if errors:
        return Verdict(ok=False, reason=f"{len(errors)} errors, the latest: {errors[0]}")
    if missing:
        return Verdict(ok=False, reason=f"no event of type {', '.join(sorted(missing))} in 1 hour")
    return Verdict(ok=True, reason=f"{len(rows)} events, no error")


VALIDATION_QUERIES: tuple[ValidationQuery, ...] = (
    ValidationQuery(
        name="bronze receives",
        reads="ot_telemetry_bronze",
        judge=judge_bronze,
        sql="SELECT count(*) as total_records, min(ingestion_timestamp) as first_event, max(ingestion_timestamp) as last_event, "
        "count(DISTINCT equipment_id) as distinct_equipment FROM field_engineering.mining_demo.ot_telemetry_bronze "
        "WHERE ingestion_timestamp > CURRENT_TIMESTAMP - INTERVAL '5 minutes';",
    ),
    ValidationQuery(
        name="silver is complete",
        reads="ot_sensors_normalized",
        judge=judge_silver,
        sql="SELECT equipment_id, sensor_name, count(*) as reading_count, avg(sensor_value) as avg_value, "
        "max(event_timestamp) as latest_reading FROM field_engineering.mining_demo.ot_sensors_normalized "
        "WHERE event_timestamp > CURRENT_TIMESTAMP - INTERVAL '5 minutes' GROUP BY equipment_id, sensor_name "
        "ORDER BY equipment_id, sensor_name;",
    ),
    ValidationQuery(
        name="gold is realistic",
        reads="equipment_performance_1min",
        judge=judge_gold,
        sql="SELECT window_start, equipment_id, sensor_name, avg_value, reading_count "
        "FROM field_engineering.mining_demo.equipment_performance_1min "
        "WHERE window_start > CURRENT_TIMESTAMP - INTERVAL '30 minutes' AND equipment_id = 'CR_002' "
        "AND sensor_name = 'Vibration_MM_S' ORDER BY window_start DESC LIMIT 30;",
    ),
    ValidationQuery(
        name="latency is low",
        reads="pipeline_quality_metrics",
        judge=judge_latency,
        sql="SELECT avg(max_latency_sec) as avg_pipeline_latency, max(max_latency_sec) as max_pipeline_latency, "
        "count(*) as windows_processed FROM field_engineering.mining_demo.pipeline_quality_metrics "
        "WHERE minute > CURRENT_TIMESTAMP - INTERVAL '10 minutes';",
    ),
    ValidationQuery(
        name="little is rescued",
        reads="ot_sensors_normalized",
        judge=judge_rescued,
        sql="SELECT * FROM field_engineering.mining_demo.ot_sensors_normalized WHERE _rescued_data IS NOT NULL LIMIT 10;",
    ),
    ValidationQuery(
        name="the event log is clean",
        reads="event_log",
        judge=judge_event_log,
        sql="SELECT * FROM event_log('field_engineering.mining_demo') "
        "WHERE timestamp > CURRENT_TIMESTAMP - INTERVAL '1 hour' ORDER BY timestamp DESC;",
    ),
)
