"""How late a flow is, on a real broker."""

from __future__ import annotations

import time
import uuid

import pytest

from pitlake.engine.lateness import waited_seconds
from pitlake.streams.producers import Publisher
from pitlake.streams.topics import Topic, ensure_topics


@pytest.fixture(name="topic")
def _topic(broker):
    name = f"lateness-{uuid.uuid4().hex}"
    ensure_topics(broker.bootstrap, [Topic(name, 2)])
    with Publisher(broker.bootstrap) as publisher:
        publisher.send(name, b"reading", partition=1)
    return name


def test_a_flow_is_as_late_as_the_record_that_it_has_not_read_has_waited(broker, topic):
    sent, hour = time.time(), 3600.0
    waited = waited_seconds(broker.bootstrap, {topic: {"0": 0, "1": 0}}, clock=lambda: sent + hour)
    assert waited == pytest.approx(hour, abs=10.0)


def test_a_flow_that_has_read_all_is_not_late(broker, topic):
    assert waited_seconds(broker.bootstrap, {topic: {"0": 0, "1": 1}}) == 0.0
