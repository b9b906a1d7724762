from __future__ import annotations

import itertools
import json
from collections import defaultdict
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pitlake.mining.simulator.bad_payloads import SOURCE
from pitlake.mining.simulator.config import StoryStart
from pitlake.mining.simulator.gateways import GATEWAYS, site_messages
from pitlake.mining.simulator.stories import StoryName
from pitlake.mining.site import MACHINES, SENSORS, machine, sensor

MINUTE = timedelta(minutes=1)
ONE_CYCLE = timedelta(seconds=1500)


def test_the_same_seed_and_start_give_the_same_bytes(sent_within):
    assert [m.value for m in sent_within(MINUTE)] == [m.value for m in sent_within(MINUTE)]


def test_another_seed_gives_other_values(sent_within):
    assert [m.value for m in sent_within(MINUTE)] != [m.value for m in sent_within(MINUTE, seed=2)]


def test_bad_payloads_do_not_change_the_good_messages(sent_within):
    story = StoryStart(name=StoryName.BAD_PAYLOADS)
    both = sent_within(MINUTE, stories=[story])
    assert [m.value for m in both if m.source != SOURCE] == [m.value for m in sent_within(MINUTE)]


def test_a_story_changes_no_other_machine(sent_within):
    def others(stories):
        return [r for m in sent_within(MINUTE, stories=stories) for r in m.readings if r.equipment_id != "CR_002"]

    assert others([StoryStart(name=StoryName.BEARING_WEAR)]) == others([])


def test_messages_come_in_order_of_time(sent_within):
    times = [m.sent_at for m in sent_within(MINUTE, stories=[StoryStart(name=StoryName.BAD_PAYLOADS)])]
    assert times == sorted(times)


def test_message_ids_are_unique_and_sequences_have_no_gap(sent_within):
    messages = sent_within(MINUTE)
    assert len({m.message_id for m in messages}) == len(messages)
    for gateway in GATEWAYS:
        sequences = [json.loads(m.value)["sequence"] for m in messages if m.source == gateway.source]
        assert sequences == list(range(len(sequences)))


def test_runs_that_start_at_another_time_have_other_message_ids(start, sent_within):
    later = next(iter(site_messages(1, start + timedelta(milliseconds=1))))
    assert later.message_id not in {m.message_id for m in sent_within(MINUTE)}


def test_a_message_keeps_the_contract(sent_within):
    message = json.loads(sent_within(MINUTE)[0].value)
    assert message["timestamp"] == "2026-02-15T04:00:00.000Z"
    assert list(message) == ["timestamp", "source", "message_id", "sequence", "batch"]
    assert all(list(update) == ["equipment_id", "equipment_type", "tags"] for update in message["batch"])


def test_readings_are_what_the_message_says(sent_within):
    for message in sent_within(timedelta(seconds=5)):
        said = [(u["equipment_id"], n, v) for u in json.loads(message.value)["batch"] for n, v in u["tags"].items()]
        assert [(r.equipment_id, r.sensor_name, r.value) for r in message.readings] == said


def test_the_gateways_use_both_partitions_and_every_machine_has_one():
    assert sorted(name for gateway in GATEWAYS for name in gateway.machines) == sorted(m.equipment_id for m in MACHINES)
    assert len({gateway.source for gateway in GATEWAYS}) == 2


def test_a_gateway_reports_every_500_ms_at_most(sent_within):
    by_gateway = defaultdict(list)
    for message in sent_within(MINUTE):
        by_gateway[message.source].append(message.sent_at)
    for times in by_gateway.values():
        assert all(b - a >= timedelta(milliseconds=500) for a, b in itertools.pairwise(times))


def test_only_changes_are_reported_between_full_reports(sent_within):
    seen = {}
    for message in sent_within(MINUTE - timedelta(seconds=1)):
        for reading in message.readings:
            place = (reading.equipment_id, reading.sensor_name)
            assert seen.get(place) != reading.value
            seen[place] = reading.value


def test_once_a_minute_every_tag_is_reported(start, sent_within):
    full = [m for m in sent_within(2 * MINUTE) if start + MINUTE <= m.sent_at < start + MINUTE + timedelta(milliseconds=500)]
    assert sum(len(m.readings) for m in full) == sum(len(SENSORS[m.equipment_type]) for m in MACHINES)


def test_the_site_sends_120_to_240_readings_a_second(sent_within):
    readings = sum(len(m.readings) for m in sent_within(5 * MINUTE))
    assert 120 <= readings / 300 <= 240


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_every_value_of_a_healthy_site_is_within_its_normal_range(sent_within, seed):
    for message in sent_within(ONE_CYCLE, seed=seed):
        for reading in message.readings:
            definition = sensor(machine(reading.equipment_id).equipment_type, reading.sensor_name)
            if definition.is_numeric:
                low, high = definition.normal
                assert low <= reading.value <= high, reading


@pytest.mark.parametrize("story", StoryName)
def test_every_value_of_a_faulty_machine_is_within_what_its_instrument_can_show(sent_within, story):
    for message in sent_within(timedelta(minutes=21), stories=[StoryStart(name=story)]):
        for reading in message.readings if message.fault is None else ():
            definition = sensor(machine(reading.equipment_id).equipment_type, reading.sensor_name)
            if definition.is_numeric:
                low, high = definition.span
                assert low <= reading.value <= high, reading


def test_states_are_those_that_the_site_defines(sent_within):
    for message in sent_within(ONE_CYCLE):
        for reading in message.readings:
            values = sensor(machine(reading.equipment_id).equipment_type, reading.sensor_name).values
            assert not values or reading.value in values
