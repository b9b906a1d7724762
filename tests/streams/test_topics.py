"""Topics, on a real broker."""

from __future__ import annotations

import uuid

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource

from pitlake.errors import BrokerError, ConfigurationError
from pitlake.streams import connections
from pitlake.streams.topics import Topic, delete_topics, ensure_topics, list_topics


@pytest.fixture(name="name")
def _name():
    return f"topics-{uuid.uuid4().hex}"


def _config(broker, name):
    resource = ConfigResource("topic", name)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    described = admin.describe_configs([resource])[resource].result(timeout=30)
    return {entry: described[entry].value for entry in described}


def test_a_missing_topic_is_made_with_its_partitions_and_configuration(broker, name):
    ensure_topics(broker.bootstrap, [Topic(name, 3, retention_ms=60_000, retention_bytes=1_000_000)])
    config = _config(broker, name)
    assert list_topics(broker.bootstrap)[name] == 3
    assert (config["message.timestamp.type"], config["cleanup.policy"]) == ("LogAppendTime", "delete")
    assert (config["retention.ms"], config["retention.bytes"]) == ("60000", "1000000")


def test_a_topic_of_latest_values_is_compacted(broker, name):
    ensure_topics(broker.bootstrap, [Topic(name, compacted=True)])
    assert _config(broker, name)["cleanup.policy"] == "compact"


def test_an_existing_topic_takes_on_the_configuration(broker, name):
    ensure_topics(broker.bootstrap, [Topic(name, retention_ms=60_000)])
    for _ in range(2):
        ensure_topics(broker.bootstrap, [Topic(name, retention_ms=120_000)])
    assert _config(broker, name)["retention.ms"] == "120000"


def test_another_number_of_partitions_is_refused(broker, name):
    ensure_topics(broker.bootstrap, [Topic(name, 2)])
    with pytest.raises(ConfigurationError, match="has 2 partitions, and 3 are wanted"):
        ensure_topics(broker.bootstrap, [Topic(name, 3)])


def test_a_deleted_topic_is_gone_and_may_be_deleted_again(broker, name):
    ensure_topics(broker.bootstrap, [Topic(name)])
    for _ in range(2):
        delete_topics(broker.bootstrap, [name])
    assert name not in list_topics(broker.bootstrap)


def test_a_broker_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr("pitlake.streams.topics.ANSWER_SECONDS", 0.5)
    with pytest.raises(BrokerError, match=r"Kafka at 127\.0\.0\.1:1 does not answer"):
        list_topics("127.0.0.1:1")
    assert connections.ANSWER_SECONDS > 1
