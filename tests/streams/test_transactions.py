"""Groups of records as transactions, on a real broker."""

from __future__ import annotations

import uuid

import pytest

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
    return [(value, b"key", [("key", value)]) for value in values]


def test_groups_are_in_the_topic_in_their_order(broker, topic, publisher_of):
    publisher = publisher_of(topic)
    for group in range(5):
        publisher.publish(topic, _records(b"%d.0" % group, b"%d.1" % group))
    assert _values(broker, topic) == [b"%d.%d" % (group, n) for group in range(5) for n in range(2)]


def test_a_new_owner_fences_the_previous_one_whichever_turn_it_is(broker, topic, publisher_of):
    for turn in range(2):
        previous = publisher_of(topic)
        for group in range(turn):
            previous.publish(topic, _records(b"%d.%d" % (turn, group)))
        publisher_of(topic).publish(topic, _records(b"new %d" % turn))
        with pytest.raises(Fenced, match="taken over"):
            previous.publish(topic, _records(b"late"))
    assert _values(broker, topic) == [b"new 0", b"1.0", b"new 1"]


def test_owners_of_different_ids_do_not_meet(broker, topic, publisher_of):
    first, second = publisher_of(topic), publisher_of(f"{topic}-other")
    first.publish(topic, _records(b"1"))
    second.publish(topic, _records(b"2"))
    assert _values(broker, topic) == [b"1", b"2"]
