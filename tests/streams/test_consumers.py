"""Reading from stated offsets, on a real broker."""

from __future__ import annotations

import time
import uuid

import pytest
from confluent_kafka import KafkaError, KafkaException

from pitlake.errors import BrokerError
from pitlake.streams import consumers
from pitlake.streams.consumers import BEGINNING, OffsetOutOfRange, TopicReader, end_offsets, waiting_since
from pitlake.streams.producers import Publisher
from pitlake.streams.topics import Topic, ensure_topics
from tests.support.waiting import await_that


@pytest.fixture(name="topic")
def _topic(broker):
    name = f"consumers-{uuid.uuid4().hex}"
    ensure_topics(broker.bootstrap, [Topic(name, 2)])
    return name


def _publish(broker, topic, *values, partition=0):
    with Publisher(broker.bootstrap) as publisher:
        for value in values:
            publisher.send(topic, value, partition=partition)


def _take(reader, count):
    records = []
    while len(records) < count:
        records += reader.take(count - len(records), 10)
    return [record.value for record in records]


def test_reading_begins_at_the_stated_offset(broker, topic):
    _publish(broker, topic, b"0", b"1", b"2")
    with TopicReader(broker.bootstrap, topic, {0: 1}) as reader:
        assert _take(reader, 2) == [b"1", b"2"]


def test_reading_twice_from_one_offset_gives_the_same(broker, topic):
    _publish(broker, topic, b"0", b"1")
    for _ in range(2):
        with TopicReader(broker.bootstrap, topic, {0: BEGINNING}) as reader:
            assert _take(reader, 2) == [b"0", b"1"]


def test_only_the_stated_partitions_are_read(broker, topic):
    _publish(broker, topic, b"other", partition=1)
    _publish(broker, topic, b"own", partition=0)
    with TopicReader(broker.bootstrap, topic, {0: BEGINNING}) as reader:
        assert _take(reader, 1) == [b"own"]
        assert reader.take(1, 0.2) == []


def test_the_end_is_reached_and_left_again(broker, topic):
    _publish(broker, topic, b"0")
    with TopicReader(broker.bootstrap, topic, {0: BEGINNING}) as reader:
        assert not reader.at_end
        assert _take(reader, 1) == [b"0"]
        while not reader.at_end:
            reader.take(1, 1)
        _publish(broker, topic, b"1")
        assert _take(reader, 1) == [b"1"]
        assert not reader.at_end


def test_what_waits_is_taken_at_once(broker, topic):
    with TopicReader(broker.bootstrap, topic, {0: BEGINNING}) as reader:
        _publish(broker, topic, b"0")
        assert _take(reader, 1) == [b"0"]
        _publish(broker, topic, b"1", b"2")
        _publish(broker, topic, b"3")
        taken = []
        while len(taken) < 3:
            taken += reader.take_waiting(100)
        assert [record.value for record in taken] == [b"1", b"2", b"3"]


def test_no_more_waits_than_is_there(broker, topic):
    with TopicReader(broker.bootstrap, topic, {0: BEGINNING}) as reader:
        assert reader.take_waiting(100) == []


def test_who_does_not_follow_learns_of_the_end_before_a_poll_is_over(broker, topic):
    _publish(broker, topic, b"0")
    assert any(_seconds_to_the_end(broker, topic) < 0.4 for _ in range(5))


def _seconds_to_the_end(broker, topic):
    with TopicReader(broker.bootstrap, topic, {0: BEGINNING}, follow=False) as reader:
        assert _take(reader, 1) == [b"0"]
        began = time.monotonic()
        while not reader.at_end:
            reader.take(1, 1)
        return time.monotonic() - began


def test_an_offset_beyond_the_end_is_an_error(broker, topic):
    _publish(broker, topic, b"0")
    with TopicReader(broker.bootstrap, topic, {0: 5}) as reader, pytest.raises(OffsetOutOfRange, match="no longer holds"):
        _take(reader, 1)


def test_no_record_within_the_time_is_none(broker, topic):
    with TopicReader(broker.bootstrap, topic, {0: BEGINNING}) as reader:
        assert reader.take(10, 0.05) == []


def test_a_broker_that_is_away_is_waited_for():
    with TopicReader("127.0.0.1:1", "anything", {0: BEGINNING}) as reader:
        assert reader.take(1, 0.2) == []


def test_end_offsets_are_the_next_to_be_written(broker, topic):
    _publish(broker, topic, b"0", b"1", partition=1)
    assert end_offsets(broker.bootstrap, topic) == {0: 0, 1: 2}


def test_a_partition_that_has_no_leader_yet_is_waited_for(broker, topic, monkeypatch):
    faults = [KafkaException(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION))]

    def unled(*asked):
        if faults:
            raise faults.pop()
        return watermarks(*asked)

    watermarks = consumers._watermarks
    monkeypatch.setattr(consumers, "_watermarks", unled)
    assert end_offsets(broker.bootstrap, topic) == {0: 0, 1: 0}


def test_a_topic_that_does_not_exist_has_none(broker):
    assert end_offsets(broker.bootstrap, f"no-{uuid.uuid4().hex}") is None


def test_the_record_that_waits_longest_is_the_oldest_that_has_not_been_read(broker, topic):
    appended = []
    for partition in (0, 1, 0):
        _publish(broker, topic, b"one", partition=partition)
        appended.append(time.time_ns() // 1_000_000)
        await_that(lambda: time.time_ns() // 1_000_000 > appended[-1], "the next is younger")
    first, second, third = appended
    assert waiting_since(broker.bootstrap, {topic: {0: 0, 1: 0}}) <= first
    assert first < waiting_since(broker.bootstrap, {topic: {0: 1, 1: 0}}) <= second
    assert second < waiting_since(broker.bootstrap, {topic: {0: 1, 1: 1}}) <= third


def test_no_record_waits_where_all_have_been_read(broker, topic):
    _publish(broker, topic, b"read")
    assert waiting_since(broker.bootstrap, {topic: {0: 1, 1: 0}}) is None


def test_a_record_that_is_gone_does_not_wait_it_is_told(broker, topic):
    _publish(broker, topic, b"read")
    with pytest.raises(OffsetOutOfRange):
        waiting_since(broker.bootstrap, {topic: {0: 7}})


def test_a_broker_that_does_not_tell_what_waits_is_an_error(monkeypatch):
    monkeypatch.setattr(consumers, "_FIRST_SECONDS", 0.1)
    with pytest.raises(BrokerError, match="does not answer"):
        waiting_since("127.0.0.1:1", {"anything": {0: 0}})


def test_a_broker_that_does_not_answer_is_an_error(monkeypatch):
    monkeypatch.setattr("pitlake.streams.consumers.ANSWER_SECONDS", 0.5)
    with pytest.raises(BrokerError, match="does not answer"):
        end_offsets("127.0.0.1:1", "anything")
