from __future__ import annotations

import itertools
import json
from datetime import datetime, timedelta

import pytest

from pitlake.mining.simulator.config import StoryStart
from pitlake.mining.simulator.stories import STORIES, StoryName
from pitlake.mining.simulator.transport import FAST_BY, RESENT_EVERY

BEGIN = timedelta(seconds=30)
SILENT = STORIES[StoryName.DROP_OUT].duration
TRUCK = "HT_004"


@pytest.fixture
def played(sent_within):
    """What the site sends while a story is played that begins after 30 seconds, and for a minute more."""

    def messages(name: StoryName):
        while_ = BEGIN + STORIES[name].duration + timedelta(minutes=1)
        return sent_within(while_, stories=[StoryStart(name=name, after=BEGIN)]), sent_within(while_)

    return messages


def of_truck(messages):
    return [(m.sent_at, r) for m in messages for r in m.readings if r.equipment_id == TRUCK]


def stamp(message) -> datetime:
    return datetime.fromisoformat(json.loads(message.value)["timestamp"])


class TestDropOut:
    @pytest.fixture
    def truck(self, played):
        with_story, without = played(StoryName.DROP_OUT)
        return of_truck(with_story), of_truck(without)

    def test_the_machine_is_silent_while_it_lasts(self, truck, start):
        sent, _ = truck
        assert not [at for at, _ in sent if start + BEGIN <= at < start + BEGIN + SILENT]

    def test_every_reading_arrives_in_the_end_with_its_own_time(self, truck):
        sent, healthy = truck
        assert [reading for _, reading in sent] == [reading for _, reading in healthy]

    def test_stored_readings_come_in_order_and_before_newer_ones(self, truck):
        times = [reading.event_timestamp for _, reading in truck[0]]
        assert times == sorted(times)

    def test_the_upload_takes_a_while_and_then_the_machine_is_live_again(self, truck, start):
        back = start + BEGIN + SILENT
        late = [at for at, reading in truck[0] if at - reading.event_timestamp > timedelta(0)]
        assert back <= min(late) < max(late) < back + timedelta(seconds=20)

    def test_its_gateway_keeps_numbering_its_messages_without_a_gap(self, played):
        sent, _ = played(StoryName.DROP_OUT)
        numbers = [json.loads(m.value)["sequence"] for m in sent if m.source == "ignition_gateway_01"]
        assert numbers == list(range(len(numbers)))


class TestClockSkew:
    def test_the_gateway_stamps_90_seconds_ahead_while_it_lasts(self, played, start):
        ends = start + BEGIN + STORIES[StoryName.CLOCK_SKEW].duration
        for message in played(StoryName.CLOCK_SKEW)[0]:
            is_fast = message.source == "ignition_gateway_02" and start + BEGIN <= message.sent_at < ends
            assert stamp(message) - message.sent_at == (FAST_BY if is_fast else timedelta(0))

    def test_readings_have_the_time_that_their_message_says(self, played):
        for message in played(StoryName.CLOCK_SKEW)[0]:
            assert {reading.event_timestamp for reading in message.readings} == {stamp(message)}


class TestDuplicates:
    def test_a_message_is_sent_again_byte_for_byte_right_after_itself(self, played):
        sent, _ = played(StoryName.DUPLICATES)
        of_gateway = [m for m in sent if m.source == "ignition_gateway_01"]
        resent = [(first, second) for first, second in itertools.pairwise(of_gateway) if second.resent]
        assert all(first.value == second.value and first.key == second.key for first, second in resent)
        duration = STORIES[StoryName.DUPLICATES].duration
        assert len(resent) == duration / timedelta(seconds=0.5) / RESENT_EVERY

    def test_only_one_gateway_does_so_and_only_while_it_lasts(self, played, start):
        resent = [m for m in played(StoryName.DUPLICATES)[0] if m.resent]
        assert {m.source for m in resent} == {"ignition_gateway_01"}
        ends = start + BEGIN + STORIES[StoryName.DUPLICATES].duration
        assert all(start + BEGIN <= m.sent_at < ends for m in resent)

    def test_its_readings_are_counted_once(self, played):
        sent, healthy = played(StoryName.DUPLICATES)
        assert [m for m in sent if not m.resent] == healthy
        assert not any(m.readings for m in sent if m.resent)
