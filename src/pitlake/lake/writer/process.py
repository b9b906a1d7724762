"""The writer's process: follows the specs' topic and keeps one thread per table."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import ValidationError

from pitlake.errors import LakeError, PitlakeError
from pitlake.lake.spec import SPECS_TOPIC, TableSpec
from pitlake.lake.writer.follower import Site, TableFollower
from pitlake.lake.writer.table import AnotherWriterError, Now
from pitlake.streams.consumers import BEGINNING, TopicReader
from pitlake.streams.records import Record
from pitlake.streams.topics import Topic, ensure_topics

_IDLE_SECONDS = 0.2
_SPECS = Topic(SPECS_TOPIC, compacted=True)

_log = logging.getLogger(__name__)


def run_writer(bootstrap: str, lake: str, stop: threading.Event, on_ready: Callable[[], None], *, now: Now | None = None) -> None:
    """Write every table that a spec is published for, until `stop` is set; then each table makes its last commit.

    `on_ready` is called once, when the tables of all specs published before the start exist and are followed, or have failed.
    `lake` is a directory or an object-store URL; `now` gives the time in UTC.

    A table that cannot be written is logged and stays down until its spec is published again; the others go on. Raises
    BrokerError when Kafka does not answer, AnotherWriterError when somebody else writes one of the tables, and the failure of the
    first table when all have failed; the others have then made their last commit.
    """
    ensure_topics(bootstrap, [_SPECS])
    tables = _Tables(Site(bootstrap, lake, uuid.uuid4().hex, now or (lambda: datetime.now(UTC))))
    try:
        with TopicReader(bootstrap, SPECS_TOPIC, {0: BEGINNING}) as reader:
            _follow_specs(reader, tables, stop, on_ready)
    finally:
        tables.stop()
    tables.raise_failure()


def _follow_specs(reader: TopicReader, tables: _Tables, stop: threading.Event, on_ready: Callable[[], None]) -> None:
    known: dict[bytes, Record] = {}
    ready = False
    while not stop.is_set() and not tables.failed:
        records = reader.take(100, _IDLE_SECONDS)
        known |= {record.key or b"": record for record in records}
        if not reader.at_end:
            continue
        for record in known.values():
            tables.apply(record)
        known.clear()
        if not ready and tables.opened:
            ready = True
            on_ready()


class _Tables:
    """The followers, by the name of their table."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._followers: dict[str, TableFollower] = {}

    @property
    def opened(self) -> bool:
        """Whether every table exists and is followed, or has failed."""
        return all(follower.opened.is_set() or follower.failure for follower in self._followers.values())

    @property
    def failed(self) -> bool:
        """Whether none can go on, or none should."""
        return self._fatal() is not None

    def apply(self, record: Record) -> None:
        """Follow the table of the record's spec as it now is, also if it failed; a record without a value ends it.

        Raises LakeError when the record holds no spec.
        """
        name = (record.key or b"").decode()
        spec = _spec(record) if record.value else None
        current = self._followers.get(name)
        if current is not None and current.spec == spec and current.failure is None:
            return
        self._end(name)
        if spec is not None:
            _log.info("writing %s from topic %s", spec.name, spec.topic)
            self._followers[name] = TableFollower(spec, self._site)
            self._followers[name].start()

    def stop(self) -> None:
        """End all of them, each after its last commit."""
        for follower in self._followers.values():
            follower.stop()
        for follower in self._followers.values():
            follower.join()

    def raise_failure(self) -> None:
        """Raise the failure for which none can go on, or none should."""
        failure = self._fatal()
        if failure is not None:
            raise failure

    def _fatal(self) -> PitlakeError | None:
        failures = [follower.failure for follower in self._followers.values() if follower.failure]
        others = [failure for failure in failures if isinstance(failure, AnotherWriterError)]
        if others:
            return others[0]
        return failures[0] if failures and len(failures) == len(self._followers) else None

    def _end(self, name: str) -> None:
        ended = self._followers.pop(name, None)
        if ended is not None:
            ended.stop()
            ended.join()


def _spec(record: Record) -> TableSpec:
    try:
        return TableSpec.model_validate_json(record.value or b"")
    except ValidationError as fault:
        raise LakeError(
            f"The spec of {(record.key or b'').decode()} on {SPECS_TOPIC} cannot be read: {fault.errors()[0]['msg']}.",
            do="Let the same version of pitlake run the pipeline and the writer.",
        ) from fault
