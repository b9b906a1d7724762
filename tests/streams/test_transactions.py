"""Groups of records as transactions, on a real broker."""

from __future__ import annotations

import os
import signal
import time
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from pitlake.streams.consumers import BEGINNING, TopicReader
from pitlake.streams.topics import Topic, ensure_topics
from pitlake.streams.transactions import Fenced, Stopped, TransactionalPublisher
from tests.support.broker import running_broker
from tests.support.waiting import await_that


@pytest.fixture(name="topic")
def _topic(broker):
    name = f"transactions-{uuid.uuid4().hex}"
    ensure_topics(broker.bootstrap, [Topic(name)])
    return name


@pytest.fixture(name="publisher_of")
def _publisher_of(broker):
    opened = []

    def publisher_of(topic, transactional_id=None):
        publisher = TransactionalPublisher(broker.bootstrap, topic, transactional_id or topic)
        publisher.open()
        opened.append(publisher)
        return publisher

    yield publisher_of
    for publisher in opened:
        publisher.close()


def _await_values(broker, topic, expected):
    """A commit is answered a moment before readers see it."""
    await_that(lambda: _values(broker, topic) == expected, f"the topic holds {expected}")


def _values(broker, topic):
    values = []
    with TopicReader(broker.bootstrap, topic, {0: BEGINNING}) as reader:
        while not reader.at_end:
            values += [record.value for record in reader.take(1000, 0.2)]
    return values


def _records(*values):
    return [(value, b"key") for value in values]


def _stands_still(pid):
    try:
        return all("State:\tT" in thread.read_text() for thread in Path("/proc", str(pid), "task").glob("*/status"))
    except OSError:  # one has just ended
        return False


def _publish(publisher, *values):
    publisher.send(_records(*values))
    publisher.commit()


def test_groups_are_in_the_topic_in_their_order(broker, topic, publisher_of):
    publisher = publisher_of(topic)
    for group in range(5):
        _publish(publisher, b"%d.0" % group, b"%d.1" % group)
    assert _values(broker, topic) == [b"%d.%d" % (group, n) for group in range(5) for n in range(2)]


def test_a_group_that_is_sent_is_not_to_be_seen_until_it_is_committed(broker, topic, publisher_of):
    publisher = publisher_of(topic)
    publisher.send(_records(b"0"))
    publisher.send(_records(b"1"))
    publisher.commit()
    _await_values(broker, topic, [b"0"])
    publisher.commit()
    _await_values(broker, topic, [b"0", b"1"])


def test_a_group_that_is_refused_at_first_stays_before_those_sent_after_it(broker, publisher_of):
    topic, large = f"transactions-{uuid.uuid4().hex}", b"0" * 10_000
    ensure_topics(broker.bootstrap, [Topic(topic, record_bytes=1_000)])
    publisher = publisher_of(topic)
    publisher.send(_records(large))
    publisher.send(_records(b"1"))
    with ThreadPoolExecutor(1) as thread:
        committed = thread.submit(publisher.commit)
        assert not wait([committed], timeout=1.0).done
        ensure_topics(broker.bootstrap, [Topic(topic)])
        committed.result(30)
    publisher.commit()
    _await_values(broker, topic, [large, b"1"])


def test_a_publisher_whose_records_are_always_refused_can_be_stopped(broker, publisher_of):
    topic = f"transactions-{uuid.uuid4().hex}"
    ensure_topics(broker.bootstrap, [Topic(topic, record_bytes=1_000)])
    publisher = publisher_of(topic)
    publisher.send(_records(b"0" * 10_000))
    publisher.stop()
    with pytest.raises(Stopped, match="told to stop"):
        publisher.commit()


def test_a_new_owner_fences_the_previous_one_whichever_turn_it_is(broker, topic, publisher_of):
    for turn in range(3):
        previous = publisher_of(topic)
        for group in range(turn):
            _publish(previous, b"%d.%d" % (turn, group))
        _publish(publisher_of(topic), b"new %d" % turn)
        with pytest.raises(Fenced, match="taken over"):
            _publish(previous, b"late")
    _await_values(broker, topic, [b"new 0", b"1.0", b"new 1", b"2.0", b"2.1", b"new 2"])


def test_what_an_owner_has_sent_and_not_committed_is_never_seen_once_another_has_taken_over(broker, topic, publisher_of):
    previous = publisher_of(topic)
    previous.send(_records(b"0"))
    previous.send(_records(b"1"))
    _publish(publisher_of(topic), b"new")
    with pytest.raises(Fenced, match="taken over"):
        previous.commit()
    _await_values(broker, topic, [b"new"])


def test_an_owner_that_is_fenced_while_it_sends_much_is_told_so(topic, publisher_of):
    previous = publisher_of(topic)
    publisher_of(topic)
    with pytest.raises(Fenced, match="taken over"):
        _publish(previous, *(b"%d" % number for number in range(100_000)))


def test_owners_of_different_ids_do_not_meet(broker, topic, publisher_of):
    first, second = publisher_of(topic), publisher_of(topic, f"{topic}-other")
    _publish(first, b"1")
    _publish(second, b"2")
    _await_values(broker, topic, [b"1", b"2"])


def test_closing_does_not_wait_for_a_broker_that_is_away(tmp_path):
    with running_broker(tmp_path) as broker:
        ensure_topics(broker.bootstrap, [Topic("t")])
        publisher = TransactionalPublisher(broker.bootstrap, "t", "t")
        publisher.open()
        publisher.send(_records(b"0"))
        publisher.send(_records(b"1"))
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            # On a busy machine some of its threads go on for a moment.
            await_that(lambda: _stands_still(broker.pid), "every thread of the broker stands still")
            began = time.monotonic()
            publisher.stop()
            with pytest.raises(Stopped, match="may be in the topic or not"):
                publisher.commit()
            publisher.close()
            assert time.monotonic() - began < 5
        finally:
            os.kill(broker.pid, signal.SIGCONT)
