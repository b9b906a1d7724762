"""The landing tables: which there are, and the topic of each. They stand in a compacted topic, so an endpoint may be anywhere."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict

from pitlake.errors import ConfigurationError
from pitlake.streams.consumers import BEGINNING, TopicReader, end_offsets
from pitlake.streams.producers import Publisher
from pitlake.streams.topics import Topic, ensure_topics

REGISTRY = Topic("pitlake.landing", compacted=True)

MOST_RECORD_BYTES = 10 * 1024 * 1024
"""The largest record: what the service takes."""

_TOPIC_BYTES = MOST_RECORD_BYTES + 64 * 1024
_PART = re.compile(r"[A-Za-z0-9_-]+")
_TAKEN = 1000
_SECONDS = 0.02


class LandingTable(BaseModel):
    """A table that clients may write to, by its full name `catalog.schema.table`, and the topic in which its records land."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    topic: str

    @classmethod
    def named(cls, name: str) -> LandingTable:
        """The landing table of a full name; its topic bears the last part, by which pipelines read it.

        Raises ConfigurationError for what is no full name.
        """
        parts = name.split(".")
        if len(parts) != 3 or not all(map(_PART.fullmatch, parts)):
            raise ConfigurationError(f"{name!r} is no landing table's name.", do="Write catalog.schema.table.")
        return cls(name=name, topic=parts[-1])


def landing_topic(name: str, *, partitions: int = 2, retention_bytes: int = 256 * 1024 * 1024) -> Topic:
    """The topic of a landing table as it should be."""
    return Topic(name, partitions=partitions, retention_bytes=retention_bytes, record_bytes=_TOPIC_BYTES)


def landing_tables(bootstrap: str) -> dict[str, LandingTable]:
    """The landing tables by full name. Raises BrokerError."""
    ends = end_offsets(bootstrap, REGISTRY.name)
    if not ends:
        return {}
    found: dict[str, LandingTable] = {}
    with TopicReader(bootstrap, REGISTRY.name, dict.fromkeys(ends, BEGINNING), follow=False) as reader:
        while not reader.at_end:
            for record in reader.take(_TAKEN, _SECONDS):
                name = (record.key or b"").decode()
                found.pop(name, None)
                if record.value:
                    found[name] = LandingTable.model_validate_json(record.value)
    return found


def declare_landing_table(bootstrap: str, name: str, *, renamed: bool = False) -> LandingTable:
    """Make a landing table, with its topic; one that exists stays what it is.

    If it is `renamed`, it takes over the topic of a table of another catalog or schema, which is one no more.
    Raises ConfigurationError for a bad name and, unless it is renamed, for one whose topic another table has; BrokerError.
    """
    table = LandingTable.named(name)
    present = landing_tables(bootstrap)
    if name in present:
        return present[name]
    taken = [other.name for other in present.values() if other.topic == table.topic]
    if taken and not renamed:
        raise ConfigurationError(
            f"The topic {table.topic} belongs to the landing table {taken[0]}.", do="Choose another name for the table."
        )
    ensure_topics(bootstrap, [REGISTRY, landing_topic(table.topic)])
    with Publisher(bootstrap) as publisher:
        for other in taken:
            publisher.send(REGISTRY.name, None, key=other.encode())
        publisher.send(REGISTRY.name, table.model_dump_json().encode(), key=name.encode())
    return table
