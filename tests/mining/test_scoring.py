"""Predictions held against labels."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from pitlake.mining.scoring import Label, episodes, labels_in, score

BEGIN = datetime(2026, 2, 15, 4, 12, 30, tzinfo=UTC)
LABEL = Label("bearing-wear", "CR_002", "Vibration_MM_S", BEGIN, BEGIN + timedelta(minutes=15))


def _minute(minutes):
    return BEGIN.replace(second=0) + timedelta(minutes=minutes)


def _row(minutes, *, machine="CR_002", sensor="Vibration_MM_S"):
    """A prediction of the minute that many minutes after the story's own, computed 50 seconds into it."""
    window = _minute(minutes)
    return {
        "window_start": window,
        "equipment_id": machine,
        "sensor_name": sensor,
        "prediction_time": window + timedelta(seconds=50),
    }


def _score(*rows, labels=(LABEL,), faults=None, machine_days=0.5):
    return score(rows, labels, faults or {}, machine_days)


def test_the_first_row_of_the_story_is_its_detection():
    [detection] = _score(_row(3), _row(2)).detections
    assert (detection.seen_at, detection.delay) == (_minute(2) + timedelta(seconds=50), timedelta(minutes=2, seconds=20))


def test_a_story_without_a_row_was_not_seen():
    [detection] = _score(_row(2, machine="CR_001")).detections
    assert (detection.seen_at, detection.delay, detection.is_in_time) == (None, None, False)


@pytest.mark.parametrize(("minutes", "in_time"), [(5, True), (2, False)])
def test_an_alarm_is_in_time_before_the_machine_says_fault(minutes, in_time):
    [detection] = _score(_row(3), faults={"CR_002": [_minute(-9), _minute(minutes)]}).detections
    assert (detection.is_in_time, detection.faulted_at) == (in_time, _minute(minutes))


def test_a_machine_that_never_says_fault_was_warned_of_in_time():
    assert _score(_row(3)).detections[0].is_in_time


@pytest.mark.parametrize("minutes", [0, 15])
def test_the_minutes_in_which_a_story_begins_and_ends_belong_to_it(minutes):
    assert _score(_row(minutes)).false_alarms == ()


@pytest.mark.parametrize(
    "row",
    [_row(-1), _row(16), _row(3, machine="CR_001"), _row(3, sensor="Motor_Temp_C")],
    ids=["before", "after", "other", "sensor"],
)
def test_what_no_story_explains_is_a_false_alarm(row):
    assert len(_score(row).false_alarms) == 1


def test_false_alarms_are_counted_per_machine_day():
    assert _score(_row(-5), _row(-1), machine_days=0.5).false_alarm_rate == 4.0


def test_without_a_machine_day_there_is_no_rate():
    assert _score(machine_days=0.0).false_alarm_rate is None


def test_minutes_in_a_row_are_one_alarm_also_with_one_left_out():
    assert [(e.first, e.last) for e in episodes([_row(3), _row(1), _row(4)])] == [(_minute(1), _minute(4))]


def test_after_a_longer_pause_it_is_another_alarm():
    assert [e.first for e in episodes([_row(1), _row(4)])] == [_minute(1), _minute(4)]


def test_each_sensor_has_alarms_of_its_own():
    assert [e.sensor for e in episodes([_row(1), _row(1, sensor="Motor_Temp_C")])] == ["Motor_Temp_C", "Vibration_MM_S"]


def test_labels_are_those_that_a_prediction_can_see():
    def line(**fields):
        times = {"from": "2026-02-15T04:12:30.000Z", "to": "2026-02-15T04:27:30.000Z"}
        return json.dumps({"story": "bearing-wear", "machine": "CR_002", "sensor": None, "source": None, **times, **fields})

    lines = [line(sensor="Vibration_MM_S"), line(sensor="Status"), line(), line(machine=None, source="gateway"), ""]
    assert labels_in(lines) == [LABEL]
