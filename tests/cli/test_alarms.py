"""The predictions of a lake, scored and told."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from rich.console import Console

from pitlake.cli.alarms import alarm_score, detection_text, false_alarms_text, print_alarms
from pitlake.cli.settings import Settings
from pitlake.lake.names import TableName
from pitlake.mining.scoring import Detection, Episode, Label, Score

BEGIN = datetime(2026, 2, 15, 4, 12, tzinfo=UTC)
LABEL = Label("bearing-wear", "CR_002", "Vibration_MM_S", BEGIN, BEGIN + timedelta(minutes=15))
MISSED = Detection(LABEL, None, None)


def _at(minutes):
    return BEGIN + timedelta(minutes=minutes)


@pytest.fixture(name="mine")
def _mine(tmp_path):
    """A home in which bearing wear was predicted after two minutes and said by the machine after ten."""
    settings = Settings(home=tmp_path)

    def store(name, rows):
        table = TableName(settings.catalog, settings.schema_, name)
        write_deltalake(table.path(settings.lake_url), pa.Table.from_pylist(rows))

    minutes = [
        {"window_start": _at(minute), "equipment_id": machine, "sensor_name": sensor}
        for minute in range(72)
        for machine in ("CR_001", "CR_002")
        for sensor in ("Vibration_MM_S", "Motor_Temp_C")
    ]
    store("equipment_performance_1min", minutes)
    alarm = {"equipment_id": "CR_002", "sensor_name": "Vibration_MM_S"}
    store("ml_predictions", [{"window_start": _at(m), "prediction_time": _at(m + 1), **alarm} for m in (-5, 1, 2)])
    said = {"equipment_id": "CR_002", "sensor_name": "Status"}
    store("ot_sensors_normalized", [{"effective_timestamp": _at(10), "sensor_text": "FAULT", **said}])
    label = {"story": LABEL.story, "machine": LABEL.machine, "sensor": LABEL.sensor, "source": None}
    line = json.dumps({**label, "from": LABEL.begins.isoformat(), "to": LABEL.ends.isoformat()})
    (tmp_path / "labels.jsonl").write_text(line + "\n")
    return settings


def test_predictions_are_scored_against_the_labels_of_the_home(mine):
    found = alarm_score(mine)
    [detection] = found.detections
    assert (detection.delay, detection.faulted_at, detection.is_in_time) == (timedelta(minutes=2), _at(10), True)
    assert [alarm.first for alarm in found.false_alarms] == [_at(-5)]


def test_a_machine_is_watched_in_each_minute_that_has_a_reading_of_it(mine):
    found = alarm_score(mine)
    assert (found.machine_days, found.false_alarm_rate) == (0.1, 10.0)


def test_where_no_simulator_ran_there_is_nothing_to_score(mine):
    (mine.home / "labels.jsonl").unlink()
    assert alarm_score(mine) is None


def test_where_nothing_predicts_there_is_nothing_to_score(home):
    (home / "labels.jsonl").touch()
    assert alarm_score(Settings(home=home)) is None


def test_every_fault_is_told_and_how_many_alarms_were_false():
    console = Console(file=io.StringIO(), width=80)
    print_alarms(Score((MISSED,), (Episode("CR_001", "s", BEGIN, BEGIN),), 0.5), console)
    assert console.file.getvalue().splitlines() == [
        "✗ bearing-wear on CR_002, Vibration_MM_S",
        "  not predicted",
        "1 false alarm in 0.50 machine-days, 2.0 per machine-day",
    ]


@pytest.mark.parametrize(
    ("seen", "faulted", "text"),
    [
        (None, None, "not predicted"),
        (_at(2), None, "predicted 2 min after it began"),
        (_at(2), _at(10), "predicted 2 min after it began, 8 min before the machine said FAULT"),
        (_at(11), _at(10), "predicted 11 min after it began, 60.0 s after the machine said FAULT"),
    ],
)
def test_a_detection_is_told_with_its_lead(seen, faulted, text):
    assert detection_text(Detection(LABEL, seen, faulted)) == text


def test_what_was_watched_for_no_time_has_no_rate():
    assert false_alarms_text(Score((), (), 0.0)) == "0 false alarms in 0.00 machine-days"
