"""Publishing, on a real broker."""

from __future__ import annotations

import uuid

import pytest

from pitlake.errors import BrokerError
from pitlake.streams.consumers import BEGINNING, TopicReader
from pitlake.streams.producers import Publisher
from pitlake.streams.topics import Topic, ensure_topics


@pytest.fixture(name="topic")
def _topic(broker):
    name = f"producers-{uuid.uuid4().hex}"
    ensure_topics(broker.bootstrap, [Topic(name, 2)])
    return name


def _read(broker, topic, count):
    with TopicReader(broker.bootstrap, topic, {0: BEGINNING, 1: BEGINNING}) as reader:
        records = []
        while len(records) < count:
            records += reader.take(count, 10)
        return records


def test_a_record_arrives_as_it_was_sent(broker, topic):
    with Publisher(broker.bootstrap) as publisher:
        publisher.send(topic, b"value", key=b"key", headers={"epoch": b"1"}, partition=1)
    (record,) = _read(broker, topic, 1)
    assert (record.partition, record.key, record.value, record.headers) == (1, b"key", b"value", {"epoch": b"1"})


def test_its_time_is_the_brokers(broker, topic):
    with Publisher(broker.bootstrap) as publisher:
        publisher.send(topic, b"value")
    assert _read(broker, topic, 1)[0].timestamp > 1_700_000_000_000


def test_records_of_a_partition_keep_their_order(broker, topic):
    values = [str(number).encode() for number in range(500)]
    with Publisher(broker.bootstrap) as publisher:
        for value in values:
            publisher.send(topic, value, partition=0)
    assert [record.value for record in _read(broker, topic, 500)] == values


def test_ten_megabytes_are_not_too_much(broker, topic):
    value = b"x" * 10_000_000
    with Publisher(broker.bootstrap) as publisher:
        publisher.send(topic, value)
    assert _read(broker, topic, 1)[0].value == value


def test_a_record_that_is_not_delivered_is_an_error():
    publisher = Publisher("127.0.0.1:1", delivery_seconds=0.5)
    publisher.send("anything", b"value")
    with pytest.raises(BrokerError, match="does not answer"):
        publisher.flush(10)


def test_flushing_does_not_wait_for_ever():
    publisher = Publisher("127.0.0.1:1")
    publisher.send("anything", b"value")
    with pytest.raises(BrokerError, match="does not answer"):
        publisher.flush(0.1)
