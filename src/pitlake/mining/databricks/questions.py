"""What people ask of the mine, in their words and in SQL: the text of the Genie space.

In a statement `{place}` stands for `catalog.schema`, `{zone}` for the site's time zone. Timestamps are UTC, a day is the site's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import dedent

from pitlake.mining.site import TIME_ZONE


@dataclass(frozen=True)
class Example:
    """A question with the statement that answers it; `guidance` says for which other questions it is a pattern."""

    question: str
    sql: str
    guidance: str

    @property
    def tables(self) -> set[str]:
        """The bare names of the tables that the statement reads."""
        return set(re.findall(r"\{place\}\.(\w+)", self.sql))

    def statement(self, place: str) -> str:
        """The statement over the tables of `place`."""
        return dedent(self.sql).strip().replace("{place}", place).replace("{zone}", TIME_ZONE)


ROUTES = {
    "equipment_current_status": "For now, current, latest, right now: equipment_current_status, one row per machine and sensor.",
    "equipment_performance_1min": "For the last hour, the last minutes, recently: equipment_performance_1min.",
    "equipment_performance_1hour": "For today, yesterday, this week, trends over days: equipment_performance_1hour.",
    "ml_predictions": "For what is wrong, anomalies, what needs attention: ml_predictions, the highest deviation_score first.",
    "equipment_baseline": "For what is usual of a sensor: equipment_baseline.",
    "pipeline_quality_metrics": "For how much data arrives and how late: pipeline_quality_metrics.",
    "equipment_master": "For what a machine is, its capacity and maintenance: equipment_master.",
    "sensor_definitions": "For units, normal ranges and alarm limits: sensor_definitions, by machine type and sensor.",
}
"""Which question goes to which table."""

RULES = (
    f"Timestamps are UTC. A day, today and a week are those of the site, {TIME_ZONE}: convert with from_utc_timestamp first.",
    "A value is in sensor_value where it is a number and in sensor_text where it is text. Name the unit with it.",
    "avg_value, min_value and max_value are of readings of quality Good only. Do not average averages: weight by reading_count.",
    "A minute or hour that is under way may be incomplete or missing.",
    "Machine ids: HT haul truck, CR crusher, CV conveyor, ST stacker, RC reclaimer, SL ship loader, as CR_002.",
)

SYNONYMS = {
    "equipment_id": ("machine", "asset", "equipment"),
    "equipment_type": ("machine type", "kind of machine", "fleet"),
    "sensor_name": ("tag", "sensor", "signal", "measurement"),
    "sensor_value": ("value", "reading", "current value"),
    "sensor_text": ("state", "status text"),
    "sensor_type": ("what is measured", "measurement type"),
    "unit": ("unit of measure", "uom"),
    "location": ("place", "where"),
    "area": ("section", "zone"),
    "criticality": ("importance", "priority of the machine"),
    "manufacturer": ("maker", "vendor", "OEM"),
    "effective_timestamp": ("time of the reading", "last seen"),
    "window_start": ("minute", "hour", "time"),
    "avg_value": ("average", "mean"),
    "max_value": ("peak", "maximum", "highest"),
    "min_value": ("minimum", "lowest"),
    "stddev_value": ("standard deviation", "variability"),
    "reading_count": ("number of readings", "samples"),
    "good_pct": ("data quality", "share of good readings"),
    "deviation_score": ("anomaly score", "how far off", "sigma"),
    "severity": ("how bad", "urgency"),
    "prediction_type": ("anomaly type", "kind of anomaly"),
    "recommendation": ("what to do", "advice", "action"),
    "max_capacity": ("capacity", "rating"),
    "last_maintenance_date": ("last service", "serviced"),
    "alarm_high": ("upper alarm limit",),
    "alarm_low": ("lower alarm limit",),
}

MATCHED = frozenset(
    {
        "area",
        "criticality",
        "equipment_id",
        "equipment_type",
        "location",
        "manufacturer",
        "model",
        "prediction_type",
        "quality",
        "sensor_name",
        "sensor_type",
        "severity",
        "site",
        "status",
    }
)
"""Columns with few values, to which what a question names is matched."""

HIDDEN = frozenset({"batch_index", "landing_id"})

SAMPLE_QUESTIONS = {
    "equipment_current_status": "What is the state of each crusher right now?",
    "equipment_performance_1min": "How did the vibration of CR_002 develop over the last hour?",
    "equipment_performance_1hour": "How many tonnes did each crusher put through today?",
    "ml_predictions": "What is wrong right now, and what should be done?",
    "pipeline_quality_metrics": "How late did the data arrive in the last hour?",
}

EXAMPLES = (
    Example(
        "What is the state of each crusher right now?",
        """
        SELECT equipment_id, sensor_text AS state, effective_timestamp
        FROM {place}.equipment_current_status
        WHERE equipment_type = 'Crusher' AND sensor_name = 'Status'
        ORDER BY equipment_id
        """,
        "For the current state of machines of a type",
    ),
    Example(
        "What does CR_002 show right now?",
        """
        SELECT sensor_name, coalesce(CAST(sensor_value AS STRING), sensor_text) AS value, unit, quality,
          timestampdiff(SECOND, effective_timestamp, current_timestamp()) AS age_seconds
        FROM {place}.equipment_current_status
        WHERE equipment_id = 'CR_002'
        ORDER BY sensor_name
        """,
        "For all current readings of one machine",
    ),
    Example(
        "Which haul trucks are low on fuel?",
        """
        SELECT s.equipment_id, s.sensor_value AS fuel_pct, s.location
        FROM {place}.equipment_current_status AS s
        JOIN {place}.sensor_definitions AS d
          ON s.equipment_type = d.equipment_type AND s.sensor_name = d.sensor_name
        WHERE s.sensor_name = 'Fuel_Level_Pct' AND s.sensor_value < d.normal_min
        ORDER BY fuel_pct
        """,
        "For current values beyond a sensor's normal range or alarm limits",
    ),
    Example(
        "Which machines have not reported for five minutes?",
        """
        SELECT equipment_id, max(effective_timestamp) AS last_seen
        FROM {place}.equipment_current_status
        GROUP BY equipment_id
        HAVING max(effective_timestamp) < current_timestamp() - INTERVAL '5 minutes'
        ORDER BY last_seen
        """,
        "For silent machines",
    ),
    Example(
        "How did the vibration of CR_002 develop over the last hour?",
        """
        SELECT window_start, avg_value, max_value, reading_count
        FROM {place}.equipment_performance_1min
        WHERE equipment_id = 'CR_002' AND sensor_name = 'Vibration_MM_S'
          AND window_start >= current_timestamp() - INTERVAL '1 hour'
        ORDER BY window_start
        """,
        "For a sensor minute by minute",
    ),
    Example(
        "Which sensors left their normal range in the last hour?",
        """
        SELECT p.equipment_id, p.sensor_name, count(*) AS minutes_outside, max(p.max_value) AS peak, d.normal_max, d.unit
        FROM {place}.equipment_performance_1min AS p
        JOIN {place}.sensor_definitions AS d
          ON p.equipment_type = d.equipment_type AND p.sensor_name = d.sensor_name
        WHERE p.window_start >= current_timestamp() - INTERVAL '1 hour'
          AND (p.avg_value > d.normal_max OR p.avg_value < d.normal_min)
        GROUP BY p.equipment_id, p.sensor_name, d.normal_max, d.unit
        ORDER BY minutes_outside DESC
        """,
        "For the recent past against normal ranges",
    ),
    Example(
        "How many tonnes did each crusher put through today?",
        """
        SELECT p.equipment_id, sum(p.avg_value) AS tonnes, m.max_capacity * count(*) AS tonnes_at_capacity
        FROM {place}.equipment_performance_1hour AS p
        JOIN {place}.equipment_master AS m ON p.equipment_id = m.equipment_id
        WHERE p.equipment_type = 'Crusher' AND p.sensor_name = 'Throughput_TPH'
          AND to_date(from_utc_timestamp(p.window_start, '{zone}')) = to_date(from_utc_timestamp(current_timestamp(), '{zone}'))
        GROUP BY p.equipment_id, m.max_capacity
        ORDER BY tonnes DESC
        """,
        "For a day's production: an hour at x t/h is x tonnes",
    ),
    Example(
        "What was the highest engine temperature of each haul truck this week?",
        """
        SELECT equipment_id, max(max_value) AS highest_cel, max_by(window_start, max_value) AS in_the_hour_from
        FROM {place}.equipment_performance_1hour
        WHERE sensor_name = 'Engine_Temp_C'
          AND from_utc_timestamp(window_start, '{zone}') >= date_trunc('WEEK', from_utc_timestamp(current_timestamp(), '{zone}'))
        GROUP BY equipment_id
        ORDER BY highest_cel DESC
        """,
        "For extremes over days",
    ),
    Example(
        "What is wrong right now, and what should be done?",
        """
        SELECT equipment_id, sensor_name, severity, status, deviation_score, current_value, baseline_avg, recommendation,
          window_start
        FROM {place}.ml_predictions
        WHERE window_start >= current_timestamp() - INTERVAL '15 minutes'
        QUALIFY row_number() OVER (PARTITION BY equipment_id, sensor_name ORDER BY window_start DESC) = 1
        ORDER BY deviation_score DESC
        """,
        "For what is wrong: the latest finding of each sensor, the worst first",
    ),
    Example(
        "Which machines gave the most alarms today?",
        """
        SELECT equipment_id, count(*) AS minutes_beyond_limit, max(deviation_score) AS worst_score,
          max_by(sensor_name, deviation_score) AS sensor
        FROM {place}.ml_predictions
        WHERE to_date(from_utc_timestamp(window_start, '{zone}')) = to_date(from_utc_timestamp(current_timestamp(), '{zone}'))
        GROUP BY equipment_id
        ORDER BY worst_score DESC
        """,
        "For a day's findings by machine",
    ),
    Example(
        "How late did the data arrive in the last hour?",
        """
        SELECT minute, total_records, avg_latency_sec, p99_latency_sec, max_latency_sec, distinct_equipment
        FROM {place}.pipeline_quality_metrics
        WHERE minute >= current_timestamp() - INTERVAL '1 hour'
        ORDER BY minute
        """,
        "For the health of the data itself",
    ),
)
