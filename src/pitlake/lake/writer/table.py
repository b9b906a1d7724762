"""One table's writer: records of its topic in, Delta commits out, each commit holding rows, offsets and standing together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable

from pitlake.errors import LakeError
from pitlake.lake.commits import CommitNote, Standing, app_id, carried, newest_note, properties, standing_of, summed
from pitlake.lake.creation import evolve, open_table, write_anew
from pitlake.lake.log import TableLog
from pitlake.lake.names import TableName
from pitlake.lake.spec import TableSpec, WriteMode
from pitlake.lake.upkeep import COMPACT_EVERY, EXPIRE_EVERY, TURN, Schedule, Task, Upkeep
from pitlake.lake.writer.append import AppendSink
from pitlake.lake.writer.batches import Batch, Layout, read_batch
from pitlake.lake.writer.cdc import CdcSink
from pitlake.lake.writer.coalesce import not_overtaken, said_once
from pitlake.lake.writer.measures import latencies, tallies
from pitlake.lake.writer.refresh import RefreshSink
from pitlake.lake.writer.rejected import RejectedRecords
from pitlake.lake.writer.sifting import Sifted, sift
from pitlake.lake.writer.sinks import Prepared, Sink
from pitlake.lake.writer.tombstones import Tombstones
from pitlake.lake.writer.upsert import UpsertSink
from pitlake.streams.records import Record

Now = Callable[[], datetime]

_log = logging.getLogger(__name__)


class TableWriter:
    """Writes one table from where its newest commit stands. Knows no Kafka: records are given to it. One thread.

    `offsets` is the next record to give it, per partition that has been read before. `writer` names the process in its commits;
    `now` gives the time in UTC. Deltalake's errors pass through: after one, open the table anew and read again from its offsets.
    """

    def __init__(self, spec: TableSpec, lake: str, partitions: Sequence[int], *, writer: str, now: Now) -> None:
        self.spec, self.partitions, self._writer, self._now = spec, partitions, writer, now
        self._layout = Layout.of(spec)
        self._standing = Standing()
        table = open_table(lake, spec, self._carrying("create"))
        self.offsets = _offsets(table, spec.topic, partitions)
        self.resumed_from = newest_note(table)
        self._resume()
        evolve(table, spec, lambda: self._carrying("alter"))
        self._log = TableLog(table)
        self._rejected = RejectedRecords(lake, TableName.parse(spec.name), spec.topic)
        self._upkeep = Upkeep(lambda: self._log.table, spec, self._carrying, now)
        self._sink, chores = self._way_in(lake)
        self._schedule = Schedule([*self._upkeep.tasks(), *chores, Task(COMPACT_EVERY, self._rejected.tidy)], now)

    @property
    def version(self) -> int:
        """The Delta version that the writer stands at."""
        return self._log.version

    def write(self, records: Sequence[Record]) -> CommitNote:
        """Commit `records`, which follow `offsets` in topic order, and return the commit's note.

        Of a table that is refreshed they are one refresh, as `refresh.last_whole` gives it.
        """
        sifted = sift(records, self._standing.epochs)
        batch, unread = self._read(sifted)
        prepared = self._sink.prepare(batch, self._standing.fence)
        offsets = {record.partition: record.offset + 1 for record in records}
        note = self._note(sifted, prepared, unread)
        transactions = {app_id(self.spec.topic, partition): offset for partition, offset in offsets.items()}
        self._rejected.keep(sifted.rejected, transactions)
        changes = prepared.rows.num_rows > 0 or (self.spec.mode is WriteMode.REFRESH and not sifted.void)
        self._commit(prepared, note, transactions, changes=changes)
        self._standing = standing_of(note)
        self.offsets |= offsets
        self._touched(prepared)
        return note

    def maintain(self) -> None:
        """Do the piece of upkeep that is due, if any, unless another table of the process is at one; then the next call does it.

        Raises LakeError when the table has rows that this writer did not store.
        """
        if not TURN.acquire(blocking=False):
            return
        try:
            self._maintain()
        finally:
            TURN.release()

    def _maintain(self) -> None:
        if not self._schedule.tick():
            self._log.tidy()
            return
        self._sink.forget()
        self._log.follow()
        if _offsets(self._log.table, self.spec.topic, self.partitions) != self.offsets:
            raise another_writer(self.spec)

    def _read(self, sifted: Sifted) -> tuple[Batch, int]:
        """The rows of `sifted`, and how many were not read as others stand for them; what was read and is no row is rejected."""
        is_counted = self.spec.count is not None
        records = not_overtaken(sifted.rows) if is_counted else said_once(sifted.rows)
        batch, unreadable = read_batch(records, self._layout)
        if unreadable and is_counted and len(records) < len(sifted.rows):
            records = sifted.rows  # what an unreadable row overtook may stand in its place
            batch, unreadable = read_batch(records, self._layout)
        sifted.rejected.extend(unreadable)
        return batch, len(sifted.rows) - len(records)

    def _commit(self, prepared: Prepared, note: CommitNote, transactions: Mapping[str, int], *, changes: bool) -> None:
        before = self._log.version
        if changes:
            self._sink.write(self._log, prepared, note, transactions)
        if self._log.version == before:  # delta-rs makes no commit, and so keeps no offsets, of a MERGE that changes nothing
            self._log.commit([], [], note, transactions)

    def _touched(self, prepared: Prepared) -> None:
        if self.spec.window is not None and prepared.rows.num_rows:
            earliest = pc.min(prepared.rows.column(self.spec.window)).as_py()
            if earliest is not None:
                self._upkeep.touched(earliest)

    def _note(self, sifted: Sifted, prepared: Prepared, unread: int) -> CommitNote:
        started = self._milliseconds()
        counts, rows = tallies(self.spec, prepared.stored), prepared.rows.num_rows - prepared.known
        self._tell(sifted, prepared)
        return CommitNote(
            fence=dict(prepared.fence),
            epochs=sifted.epochs,
            totals=summed(self._standing.totals, rows, len(sifted.rejected), counts),
            writer=self._writer,
            started=started,
            rows=rows,
            duplicates=prepared.duplicates + unread,
            void=len(sifted.void),
            rejected=len(sifted.rejected),
            unsequenced=prepared.unsequenced,
            expectations=counts,
            latency=latencies(self.spec, prepared.stored, started),
        )

    def _tell(self, sifted: Sifted, prepared: Prepared) -> None:
        """Log what was left out and should not have come."""
        name = self.spec.name
        if prepared.unsequenced:
            _log.error("%s: %d rows whose sequence is NULL were not applied", name, prepared.unsequenced)
        if prepared.repeated:
            keys = ", ".join(self.spec.keys)
            _log.warning("%s: %d rows have the key (%s) of another row and were left out", name, prepared.repeated, keys)
        if sifted.void:
            epochs, now = sorted(set(sifted.void)), sorted(set(sifted.epochs.values()))
            _log.error("%s: %d records of the older epochs %s are void, now in %s", name, len(sifted.void), epochs, now)

    def _carrying(self, upkeep: str) -> CommitProperties:
        """Properties of a commit without rows, which carries the standing on."""
        return properties(carried(self._standing, writer=self._writer, started=self._milliseconds(), upkeep=upkeep))

    def _milliseconds(self) -> int:
        return int(self._now().timestamp() * 1000)

    def _resume(self) -> None:
        if self.resumed_from is not None:
            self._standing = standing_of(self.resumed_from)
        elif self.offsets:
            raise _standing_lost(self.spec)

    def _way_in(self, lake: str) -> tuple[Sink, list[Task]]:
        if self.spec.mode is WriteMode.APPEND:
            return AppendSink(self.spec), []
        if self.spec.mode is WriteMode.UPSERT:
            return UpsertSink(self.spec, self._upkeep.open_from), []
        if self.spec.mode is WriteMode.REFRESH:
            return RefreshSink(), []
        tombstones = Tombstones(lake, self.spec, self._layout.schema)
        chores = [Task(COMPACT_EVERY, tombstones.tidy), Task(EXPIRE_EVERY, lambda: tombstones.forget(self._now()))]
        return CdcSink(self.spec, tombstones, self._now), chores


class AnotherWriterError(LakeError):
    """Somebody else writes the table, so they may write the others too."""


def another_writer(spec: TableSpec) -> AnotherWriterError:
    """The error for a table that somebody else stores the topic's rows in."""
    return AnotherWriterError(
        f"Another writer writes {spec.name}; this one stops, and has stored no row twice.",
        do="Let one writer run for a lake: end the other `pitlake` that uses it.",
    )


def _standing_lost(spec: TableSpec) -> LakeError:
    return LakeError(
        f"The log of {spec.name} no longer tells where its rows end: no commit left in it was made by pitlake's writer.",
        do=f"{write_anew(spec)} Let only pitlake write it.",
    )


def _offsets(table: DeltaTable, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    versions = {partition: table.transaction_version(app_id(topic, partition)) for partition in partitions}
    return {partition: version for partition, version in versions.items() if version is not None}
