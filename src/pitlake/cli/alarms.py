"""Predictions of the lake scored against the stories that the home's simulator has played."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.console import Console

from pitlake.cli.durations import brief
from pitlake.cli.lists import print_finding
from pitlake.cli.settings import Settings
from pitlake.errors import QueryError
from pitlake.lake.sql import query
from pitlake.local.home import Home
from pitlake.mining.scoring import Detection, Score, labels_in, score

_MINUTES_PER_DAY = 1440
_PREDICTIONS = "SELECT window_start, equipment_id, sensor_name, prediction_time FROM ml_predictions"
_FAULTS = (
    "SELECT equipment_id, effective_timestamp FROM ot_sensors_normalized WHERE sensor_name = 'Status' AND sensor_text = 'FAULT'"
)
_WATCHED = "SELECT count(DISTINCT struct(equipment_id, window_start)) AS minutes FROM equipment_performance_1min"


def alarm_score(settings: Settings) -> Score | None:
    """How the predictions did; None when no simulator ran on the home, or no pipeline that predicts.

    A machine counts as watched in each minute for which gold has a reading of it.
    """
    labels = Home(settings.home.resolve()).labels
    if not labels.exists():
        return None
    try:
        faults: dict[str, list[datetime]] = defaultdict(list)
        for row in _ask(settings, _FAULTS):
            faults[row["equipment_id"]].append(row["effective_timestamp"])
        watched = _ask(settings, _WATCHED)[0]["minutes"] / _MINUTES_PER_DAY
        return score(_ask(settings, _PREDICTIONS), labels_in(labels.read_text().splitlines()), faults, watched)
    except QueryError:
        return None


def _ask(settings: Settings, statement: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = query(
        settings.lake_url, statement, catalog=settings.catalog, schema=settings.schema_
    ).to_pylist()
    return rows


def print_alarms(found: Score, console: Console) -> None:
    """Print per labelled sensor whether its fault was predicted, and how many alarms there were without a fault."""
    for detection in found.detections:
        label = detection.label
        name = f"{label.story} on {label.machine}, {label.sensor}"
        print_finding(console, ok=detection.seen_at is not None, name=name, what=detection_text(detection))
    console.print(false_alarms_text(found), highlight=False)


def detection_text(detection: Detection) -> str:
    """When a fault was predicted, for people."""
    return ", ".join(_detection_parts(detection))


def _detection_parts(detection: Detection) -> Iterator[str]:
    if detection.delay is None:
        yield "not predicted"
    else:
        yield f"predicted {brief(detection.delay.total_seconds())} after it began"
    if detection.seen_at is not None and detection.faulted_at is not None:
        lead = (detection.faulted_at - detection.seen_at).total_seconds()
        yield f"{brief(abs(lead))} {'before' if detection.is_in_time else 'after'} the machine said FAULT"


def false_alarms_text(found: Score) -> str:
    """How many alarms no fault explains, for people."""
    count, rate = len(found.false_alarms), found.false_alarm_rate
    per_day = f", {rate:.1f} per machine-day" if rate is not None else ""
    return f"{count} false alarm{'' if count == 1 else 's'} in {found.machine_days:.2f} machine-days{per_day}"
