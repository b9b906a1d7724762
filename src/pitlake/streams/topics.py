"""Topics: ensured with their partitions and configuration, listed, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from pitlake.errors import ConfigurationError
from pitlake.streams.connections import ANSWER_SECONDS, MAX_RECORD_BYTES, broker_error, client_config


@dataclass(frozen=True)
class Topic:
    """A topic as it should be; retention is per partition, `None` leaves the broker's default. Record time is the append time."""

    name: str
    partitions: int = 1
    retention_ms: int | None = None
    retention_bytes: int | None = None
    compacted: bool = False
    record_bytes: int = MAX_RECORD_BYTES

    @property
    def config(self) -> dict[str, str]:
        """The topic's configuration in Kafka's own names."""
        config = {
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(self.record_bytes),
            "cleanup.policy": "compact" if self.compacted else "delete",
        }
        if self.retention_ms is not None:
            config["retention.ms"] = str(self.retention_ms)
        if self.retention_bytes is not None:
            config["retention.bytes"] = str(self.retention_bytes)
        return config


def ensure_topics(bootstrap: str, topics: Sequence[Topic]) -> None:
    """Create the topics that are missing, and set the configuration of those that exist.

    Raises ConfigurationError when one exists with another number of partitions (its keys would move), BrokerError when the
    broker does not answer or refuses.
    """
    admin = _admin(bootstrap)
    existing = _partition_counts(admin, bootstrap)
    for topic in topics:
        _check_partitions(topic, existing.get(topic.name))
    _create(admin, bootstrap, [topic for topic in topics if topic.name not in existing])
    _configure(admin, bootstrap, [topic for topic in topics if topic.name in existing])


def list_topics(bootstrap: str) -> dict[str, int]:
    """Each topic's number of partitions. Raises BrokerError."""
    return _partition_counts(_admin(bootstrap), bootstrap)


def delete_topics(bootstrap: str, names: Iterable[str]) -> None:
    """Delete topics; those that do not exist are no fault. Raises BrokerError."""
    wanted = list(names)
    if not wanted:
        return
    admin = _admin(bootstrap)
    deleted = admin.delete_topics(wanted, operation_timeout=ANSWER_SECONDS)
    _settle(bootstrap, deleted, "to delete a topic", unless=KafkaError.UNKNOWN_TOPIC_OR_PART)


def _admin(bootstrap: str) -> AdminClient:
    return AdminClient(client_config(bootstrap))


def _partition_counts(admin: AdminClient, bootstrap: str) -> dict[str, int]:
    try:
        metadata = admin.list_topics(timeout=ANSWER_SECONDS)
    except KafkaException as fault:
        raise broker_error(bootstrap, fault, "to list its topics") from fault
    return {name: len(topic.partitions) for name, topic in metadata.topics.items()}


def _check_partitions(topic: Topic, existing: int | None) -> None:
    if existing is not None and existing != topic.partitions:
        raise ConfigurationError(
            f"Topic {topic.name} has {existing} partitions, and {topic.partitions} are wanted; its keys would move.",
            do="Keep the number of partitions, or delete the topic and refresh its table.",
        )


def _create(admin: AdminClient, bootstrap: str, topics: Sequence[Topic]) -> None:
    if not topics:
        return
    new = [NewTopic(topic.name, num_partitions=topic.partitions, replication_factor=-1, config=topic.config) for topic in topics]
    created = admin.create_topics(new, operation_timeout=ANSWER_SECONDS)
    _settle(bootstrap, created, "to create a topic", unless=KafkaError.TOPIC_ALREADY_EXISTS)


def _configure(admin: AdminClient, bootstrap: str, topics: Sequence[Topic]) -> None:
    if not topics:
        return
    changes = [
        ConfigResource(
            ResourceType.TOPIC,
            topic.name,
            incremental_configs=[
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in topic.config.items()
            ],
        )
        for topic in topics
    ]
    _settle(bootstrap, admin.incremental_alter_configs(changes), "to configure a topic")


def _settle(bootstrap: str, futures: Mapping[Any, Future[Any]], doing: str, *, unless: int | None = None) -> None:
    for future in futures.values():
        try:
            future.result(timeout=ANSWER_SECONDS * 2)
        except KafkaException as fault:
            if fault.args[0].code() != unless:
                raise broker_error(bootstrap, fault, doing) from fault
