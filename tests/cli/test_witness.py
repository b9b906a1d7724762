"""Where messages land is seen in the topic."""

from __future__ import annotations

import uuid

import pytest

from pitlake.cli.witness import Witness
from pitlake.streams.producers import Publisher
from pitlake.streams.topics import Topic, ensure_topics


class _Door:
    """Publishes what was not sent before, as the endpoint does."""

    def __init__(self, bootstrap, topic):
        self._publisher = Publisher(bootstrap)
        self._topic = topic
        self._known = set()

    def send(self, key, value, on_delivery):
        if value not in self._known:
            self._known.add(value)
            self._publisher.send(self._topic, value, key=key)

    def flush(self):
        self._publisher.flush()


@pytest.fixture(name="topic")
def _topic(broker):
    name = f"witness-{uuid.uuid4().hex}"
    ensure_topics(broker.bootstrap, [Topic(name)])
    with Publisher(broker.bootstrap) as publisher:
        publisher.send(name, b"before")
    return name


def test_every_message_is_reported_with_its_place_once(broker, topic):
    deliveries = []
    with Witness(_Door(broker.bootstrap, topic), broker.bootstrap, topic) as witness:
        for value in (b"1", b"2", b"1", b"3"):
            witness.send(b"key", value, lambda delivery, value=value: deliveries.append((value, delivery.offset)))
        witness.flush()
    assert deliveries == [(b"1", 1), (b"2", 2), (b"3", 3)]
