from __future__ import annotations

from datetime import timedelta

import pytest

from pitlake.mining.simulator.config import StoryStart
from pitlake.mining.simulator.gateways import played_stories
from pitlake.mining.simulator.stories import STORIES, StoryName, bearing_wear

HEALTHY = {"Status": "RUNNING", "Vibration_MM_S": 20.0, "Motor_Temp_C": 75.0, "Motor_Current_A": 200.0, "Throughput_TPH": 2400.0}


@pytest.fixture
def curve(sent_within, start):
    """The values of a sensor by seconds since the story's begin."""

    def values(story: StoryName, sensor: str, *, after: timedelta = timedelta(0), minutes: int = 25) -> dict[float, object]:
        messages = sent_within(timedelta(minutes=minutes), stories=[StoryStart(name=story, after=after)])
        return {
            (r.event_timestamp - start - after).total_seconds(): r.value
            for m in messages
            for r in m.readings
            if (r.equipment_id, r.sensor_name) == (STORIES[story].equipment_id, sensor)
        }

    return values


def during(values: dict[float, float], begin: float, end: float) -> list[float]:
    return [value for second, value in values.items() if begin <= second < end]


class TestBearingWear:
    def test_vibration_climbs_from_20_to_60_in_ten_minutes(self, curve):
        values = curve(StoryName.BEARING_WEAR, "Vibration_MM_S")
        assert max(during(values, 0, 10)) < 24
        assert 38 < min(during(values, 295, 305)) < max(during(values, 295, 305)) < 42
        assert min(during(values, 590, 600)) > 57

    def test_in_fault_vibration_swings_between_55_and_65(self, curve):
        values = during(curve(StoryName.BEARING_WEAR, "Vibration_MM_S"), 600, 900)
        assert 55 <= min(values) < 58
        assert 62 < max(values) <= 65

    def test_it_is_degraded_from_40_and_faulty_from_60(self):
        assert [bearing_wear(HEALTHY, s)["Status"] for s in (0, 299, 300, 599, 600)] == [
            "RUNNING",
            "RUNNING",
            "DEGRADED",
            "DEGRADED",
            "FAULT",
        ]

    def test_throughput_steps_down_and_feed_follows(self):
        tags = [bearing_wear(HEALTHY, s) for s in (0, 300, 450, 600)]
        assert [t["Throughput_TPH"] for t in tags] == [2400, 2160, 1800, 1200]
        assert [t["Feed_Rate_TPH"] for t in tags] == [2520, 2268, 1890, 1260]

    def test_motor_temperature_and_current_follow(self):
        tags = [bearing_wear(HEALTHY, s) for s in (0, 300, 600)]
        assert [t["Motor_Temp_C"] for t in tags] == [75, 90, 105]
        assert [t["Motor_Current_A"] for t in tags] == [200, 225, 250]

    def test_the_machine_is_healthy_before_and_after(self, curve):
        values = curve(StoryName.BEARING_WEAR, "Vibration_MM_S", after=timedelta(minutes=2))
        assert max(during(values, -120, 0)) <= 22
        assert max(during(values, 900, 1300)) <= 22


def test_cooling_loss_warms_the_engine_to_118(curve):
    values = curve(StoryName.COOLING_LOSS, "Engine_Temp_C")
    assert max(during(values, 0, 10)) < 96
    assert 117 <= min(during(values, 900, 1200)) <= max(during(values, 900, 1200)) <= 119


def test_belt_drift_wanders_to_8_mm(curve):
    values = curve(StoryName.BELT_DRIFT, "Belt_Alignment_MM")
    assert max(during(values, 0, 10)) <= 1.2
    assert 7 <= min(during(values, 600, 900)) <= max(during(values, 600, 900)) <= 9


def test_flat_line_repeats_one_value_at_every_tick(curve):
    values = during(curve(StoryName.FLAT_LINE, "Motor_Temp_C"), 0, 600)
    assert set(values) == {74.0}
    assert len(values) == 1200


def test_a_label_says_story_machine_sensor_and_when(start):
    [played] = played_stories(start, [StoryStart(name=StoryName.COOLING_LOSS, after=timedelta(seconds=90))])
    assert list(played.labels()) == [
        {
            "story": "cooling-loss",
            "machine": "HT_003",
            "sensor": "Engine_Temp_C",
            "source": None,
            "from": "2026-02-15T04:01:30.000Z",
            "to": "2026-02-15T04:21:30.000Z",
        }
    ]


def test_a_story_of_many_sensors_has_a_label_for_each(start):
    [played] = played_stories(start, [StoryStart(name=StoryName.BEARING_WEAR)])
    assert {label["sensor"] for label in played.labels()} == set(STORIES[StoryName.BEARING_WEAR].sensors)


def test_bad_payloads_have_one_label_of_no_machine(start):
    [played] = played_stories(start, [StoryStart(name=StoryName.BAD_PAYLOADS)])
    assert [(label["machine"], label["sensor"]) for label in played.labels()] == [(None, None)]


@pytest.mark.parametrize(
    ("name", "machine", "source"),
    [
        (StoryName.DROP_OUT, "HT_004", None),
        (StoryName.CLOCK_SKEW, None, "ignition_gateway_02"),
        (StoryName.DUPLICATES, None, "ignition_gateway_01"),
    ],
)
def test_a_story_of_the_way_has_one_label_of_its_machine_or_gateway(start, name, machine, source):
    [played] = played_stories(start, [StoryStart(name=name)])
    assert [(label["machine"], label["sensor"], label["source"]) for label in played.labels()] == [(machine, None, source)]


def test_labels_cover_exactly_what_a_story_changes(sent_within, start):
    while_ = timedelta(minutes=3)
    healthy = {(r.equipment_id, r.sensor_name, r.event_timestamp): r.value for m in sent_within(while_) for r in m.readings}
    for name in (StoryName.BEARING_WEAR, StoryName.COOLING_LOSS, StoryName.BELT_DRIFT):
        played = sent_within(while_, stories=[StoryStart(name=name, after=timedelta(minutes=1))])
        changed = {
            (r.equipment_id, r.sensor_name)
            for m in played
            for r in m.readings
            if healthy.get((r.equipment_id, r.sensor_name, r.event_timestamp)) != r.value
        }
        story = STORIES[name]
        assert changed <= {(story.equipment_id, sensor) for sensor in story.sensors}
