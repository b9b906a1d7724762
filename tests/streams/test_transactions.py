"""Groups of records as transactions, on a real broker."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from pitlake.streams.consumers import BEGINNING, TopicReader
from pitlake.streams.topics import Topic, ensure_topics
from pitlake.streams.transactions import Fenced, TransactionalPublisher


@pytest.fixture(name="topic")
def _topic(broker):
    name = f"transactions-{uuid.uuid4().hex}"
    ensure_topics(broker.bootstrap, [Topic(name)])
    return name


@pytest.fixture(name="publisher_of")
def _publisher_of(broker):
    opened = []

    def publisher_of(topic):
        publisher = TransactionalPublisher(broker.bootstrap, topic)
        publisher.open()
        opened.append(publisher)
        return publisher

    yield publisher_of
    for publisher in opened:
        publisher.close()


def _values(broker, topic):
    values = []
    with TopicReader(broker.bootstrap, topic, {0: BEGINNING}) as reader:
        while not reader.at_end:
            values += [record.value for record in reader.take(1000, 0.2)]
    return values


def _records(*values):
    return [(value, b"key") for value in values]


def _publish(publisher, topic, records):
    publisher.send(topic, records)
    publisher.commit()


def test_groups_are_in_the_topic_in_their_order(broker, topic, publisher_of):
    publisher = publisher_of(topic)
    for group in range(5):
        _publish(publisher, topic, _records(b"%d.0" % group, b"%d.1" % group))
    assert _values(broker, topic) == [b"%d.%d" % (group, n) for group in range(5) for n in range(2)]


def test_a_group_that_is_sent_is_not_to_be_seen_until_it_is_committed(broker, topic, publisher_of):
    publisher = publisher_of(topic)
    publisher.send(topic, _records(b"0"))
    publisher.send(topic, _records(b"1"))
    publisher.commit()
    assert _values(broker, topic) == [b"0"]
    publisher.commit()
    assert _values(broker, topic) == [b"0", b"1"]


def test_a_group_that_must_be_sent_again_stays_before_those_sent_after_it(broker, topic, publisher_of):
    publisher, large = publisher_of(topic), b"0" * 10_000
    _set_most_bytes(broker, topic, 1_000)
    publisher.send(topic, _records(large))
    publisher.send(topic, _records(b"1"))
    with ThreadPoolExecutor(1) as thread:
        committed = thread.submit(publisher.commit)
        assert not wait([committed], timeout=1.0).done
        _set_most_bytes(broker, topic, 1_000_000)
        committed.result(30)
    publisher.commit()
    assert _values(broker, topic) == [large, b"1"]


def _set_most_bytes(broker, topic, most):
    entry = ConfigEntry("max.message.bytes", str(most), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.incremental_alter_configs([resource])[resource].result(10)


def test_a_new_owner_fences_the_previous_one_whichever_turn_it_is(broker, topic, publisher_of):
    for turn in range(3):
        previous = publisher_of(topic)
        for group in range(turn):
            _publish(previous, topic, _records(b"%d.%d" % (turn, group)))
        _publish(publisher_of(topic), topic, _records(b"new %d" % turn))
        with pytest.raises(Fenced, match="taken over"):
            _publish(previous, topic, _records(b"late"))
    assert _values(broker, topic) == [b"new 0", b"1.0", b"new 1", b"2.0", b"2.1", b"new 2"]


def test_owners_of_different_ids_do_not_meet(broker, topic, publisher_of):
    first, second = publisher_of(topic), publisher_of(f"{topic}-other")
    _publish(first, topic, _records(b"1"))
    _publish(second, topic, _records(b"2"))
    assert _values(broker, topic) == [b"1", b"2"]
