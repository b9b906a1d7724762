"""One table's thread: follows its topic, hands batches to the table's writer, commits at most every `commit_interval_ms`.

A record that comes after a pause is committed at once. Where commits take long, as they do on a busy machine, they become rarer,
so that a table spends no more than a tenth of its time on them, and each takes in more. What the rows take to be read does not
count: it is as much however they are divided. A table that is behind, so that a fetch brings as much as it may, makes no pause.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from deltalake.exceptions import DeltaError

from pitlake.errors import BrokerError, LakeError, PitlakeError
from pitlake.lake.spec import TableSpec, WriteMode
from pitlake.lake.writer.refresh import last_whole
from pitlake.lake.writer.table import Now, TableWriter, another_writer
from pitlake.streams.consumers import BEGINNING, TopicReader, end_offsets
from pitlake.streams.records import Record

_IDLE_SECONDS = 0.2
_LINGER_SECONDS = 0.01
"""What the first record after a pause waits for others of its message."""

_PERIOD_PER_COMMIT = 10
_LONGEST_PERIOD_SECONDS = 2.0
_JUDGED_COMMITS = 9

_MOST_ROWS = 25_000
"""Of one fetch; a commit has up to two."""

_MUCH_BYTES = 8 * 1024 * 1024
"""Half of what a fetch may hold: of long rows it ends before it has so many."""

_ATTEMPTS = 6
_FIRST_WAIT_SECONDS = 0.1
_TOPIC_SECONDS = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Site:
    """Where a table's thread works: the broker, the lake, and the name of the process in its commits."""

    bootstrap: str
    lake: str
    writer: str
    now: Now


class TableFollower:
    """Writes one table in a thread of its own until it is stopped or fails.

    `opened` is set once the table exists and its topic is read; `failure` is why the thread ended, if it was not asked to; it
    is logged.
    """

    def __init__(self, spec: TableSpec, site: Site) -> None:
        self.spec, self._site = spec, site
        self.opened = threading.Event()
        self.failure: PitlakeError | None = None
        self._failures = 0
        self._pace = Pace(spec.commit_interval_ms / 1000)
        self._next_commit = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"write {spec.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask for the last commit and the end; does not wait."""
        self._stop.set()

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._write_until_stopped()
        except PitlakeError as failure:
            self._fail(failure)
        except Exception as fault:  # noqa: BLE001 - whatever ends the thread must be told
            _log.exception("%s: the writer's thread failed", self.spec.name)
            unforeseen = LakeError(f"{self.spec.name} cannot be written: {fault!r}.", do="See the writer's log for the trace.")
            unforeseen.__cause__ = fault
            self._fail(unforeseen)

    def _fail(self, failure: PitlakeError) -> None:
        _log.error("%s is no longer written: %s\n%s", self.spec.name, failure.what, failure.do)
        self.failure = failure

    def _write_until_stopped(self) -> None:
        partitions = self._partitions()
        last: TableWriter | None = None
        while not self._stop.is_set():
            try:
                last = self._open(partitions, last)
                self._follow(last)
            except (DeltaError, OSError) as fault:
                self._failures += 1
                if self._failures >= _ATTEMPTS:
                    raise _cannot_write(self.spec, fault) from fault
                _log.warning("%s: a commit failed and is made again from the table's state: %s", self.spec.name, fault)
                self._stop.wait(_FIRST_WAIT_SECONDS * 2**self._failures)

    def _partitions(self) -> list[int]:
        deadline = time.monotonic() + _TOPIC_SECONDS
        while (ends := end_offsets(self._site.bootstrap, self.spec.topic)) is None:
            if time.monotonic() > deadline:
                raise _no_topic(self.spec)
            if self._stop.wait(_IDLE_SECONDS):
                return []
        return sorted(ends)

    def _open(self, partitions: Sequence[int], last: TableWriter | None) -> TableWriter:
        opened = TableWriter(self.spec, self._site.lake, partitions, writer=self._site.writer, now=self._site.now)
        newest = opened.resumed_from
        if last is not None and newest is not None and opened.offsets != last.offsets and newest.writer != self._site.writer:
            raise another_writer(self.spec)
        return opened

    def _follow(self, writer: TableWriter) -> None:
        offsets = dict.fromkeys(writer.partitions, BEGINNING) | writer.offsets
        unended: list[Record] = []
        with TopicReader(self._site.bootstrap, self.spec.topic, offsets) as reader:
            self.opened.set()
            while not self._stop.is_set():
                records = self._gather(reader)
                is_behind = is_full(records)
                if self.spec.mode is WriteMode.REFRESH:
                    records, unended = last_whole([*unended, *records])
                if records:
                    self._commit(writer, records, is_behind=is_behind)
                writer.maintain()

    def _commit(self, writer: TableWriter, records: Sequence[Record], *, is_behind: bool) -> None:
        began = time.monotonic()
        note = writer.write(records)
        self._failures = 0
        seconds_apart = self._pace.after(self._site.now().timestamp() - note.started / 1000)
        self._next_commit = began if is_behind else began + seconds_apart

    def _gather(self, reader: TopicReader) -> list[Record]:
        """The records of one commit: from the first until the next commit is due, as many as one may have."""
        records = reader.take(1, _IDLE_SECONDS)
        if records:
            self._stop.wait(max(self._next_commit - time.monotonic(), _LINGER_SECONDS))
            records += reader.take_waiting(_MOST_ROWS)
        return records


class Pace:
    """How often a table commits that asks for `interval`, in seconds.

    It follows the median of the last commits: a single one that had to wait for another's work is no sign of a busy machine,
    nor are the first ones, which warm up.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._durations = deque([0.0] * _JUDGED_COMMITS, maxlen=_JUDGED_COMMITS)

    def after(self, duration: float) -> float:
        """The `period` after a commit that took `duration` seconds."""
        self._durations.append(duration)
        return period(median(self._durations), self._interval)


def is_full(records: Sequence[Record]) -> bool:
    """Whether they are so many, or so long, that more are likely to wait."""
    return len(records) >= _MOST_ROWS or sum(len(record.value or b"") for record in records) >= _MUCH_BYTES


def period(duration: float, interval: float) -> float:
    """Seconds from one commit's beginning to the next one's, where commits take `duration` and the table asks for `interval`."""
    return max(interval, min(duration * _PERIOD_PER_COMMIT, _LONGEST_PERIOD_SECONDS))


def _no_topic(spec: TableSpec) -> BrokerError:
    return BrokerError(
        f"There is no topic {spec.topic} for {spec.name}.", do="Start the pipeline that publishes it, on the same broker."
    )


def _cannot_write(spec: TableSpec, fault: Exception) -> LakeError:
    return LakeError(
        f"{spec.name} cannot be written, after {_ATTEMPTS} attempts: {fault}.",
        do="See that the lake's storage has space and can be written to.",
    )
