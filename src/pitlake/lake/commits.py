"""What the writer notes in each Delta commit, under `pitlake` in the commit's info: where it stands, and what it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from deltalake import CommitProperties, DeltaTable, Transaction
from pydantic import BaseModel, ConfigDict

from pitlake.lake.latency import Histogram

NOTE = "pitlake"

Stage = Literal["event_to_ingestion", "ingestion_to_processed", "processed_to_commit", "event_to_commit"]
KeyPart = str | int | float | bool
Key = tuple[KeyPart, ...]


class Tally(BaseModel):
    """How many stored rows met an expectation, and how many did not.

    Of an append table these are its rows; of an upsert or CDC table they are the updates offered to it, so that a row counts
    once per update.
    """

    model_config = ConfigDict(frozen=True)

    passed: int = 0
    failed: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(passed=self.passed + other.passed, failed=self.failed + other.failed)


class Totals(BaseModel):
    """What all commits since the table's creation add up to; it outlives the log's clean-up.

    `rows` and `expectations` of an upsert or CDC table count the updates offered to it, not the rows that it holds.
    """

    model_config = ConfigDict(frozen=True)

    rows: int = 0
    rejected: int = 0
    expectations: dict[str, Tally] = {}


class Fence(BaseModel):
    """How far a lane is stored: its last landing record, and the keys stored for that one, without the landing record's part."""

    model_config = ConfigDict(frozen=True)

    last: KeyPart
    stored: frozenset[Key]


class Standing(BaseModel):
    """Where the writer stands; every commit carries it on, so that the newest one is enough to resume.

    `fence` is how far each lane is stored, `epochs` the highest epoch seen per partition of the table's topic.
    """

    model_config = ConfigDict(frozen=True)

    fence: dict[str, Fence] = {}
    epochs: dict[int, int] = {}
    totals: Totals = Totals()


class CommitNote(Standing):
    """A commit's note: the standing after it, and what the commit itself holds.

    `rows` were offered to the table (a merge may have left some as they were). Not among them are `duplicates` (behind the
    fence, overtaken within the batch, whether read or told so by headers, said by the other query of the flow, or of a count that
    a hot row has already), `void` records of an older epoch, `rejected` ones (see the table's sidecar) and `unsequenced` rows
    whose sequence is NULL.
    `expectations` are tallied over the rows offered: of an upsert or CDC table those are updates, not the rows that it holds.
    `started` is when the commit began, in milliseconds since the epoch; the commit's own timestamp less `started` is how long
    it took. `writer` tells the writing process, `upkeep` the work that a commit without rows did.
    """

    writer: str
    started: int
    rows: int = 0
    duplicates: int = 0
    void: int = 0
    rejected: int = 0
    unsequenced: int = 0
    expectations: dict[str, Tally] = {}
    latency: dict[Stage, Histogram] = {}
    upkeep: str | None = None


@dataclass(frozen=True)
class Commit:
    """A commit as read back: its Delta version, its time (UTC) and its note."""

    version: int
    at: datetime
    note: CommitNote

    @property
    def seconds(self) -> float:
        """How long the commit took."""
        return max(0.0, self.at.timestamp() - self.note.started / 1000)

    @property
    def published(self) -> datetime:
        """When the newest of its rows was published (UTC), to within five per cent of how long that row then waited."""
        waited = self.note.latency.get("processed_to_commit", Histogram()).percentile(0.0)
        return datetime.fromtimestamp(self.note.started / 1000, UTC) - timedelta(seconds=waited or 0.0)

    @property
    def latencies(self) -> dict[str, Histogram]:
        """The latencies of its rows per stage; those up to the commit's beginning are completed up to its place in the log.

        Stages: event_to_ingestion, ingestion_to_processed, processed_to_visible, and event_to_visible, which is the whole way.
        """
        return {
            stage.replace("_commit", "_visible"): latencies.shifted(self.seconds) if stage.endswith("_commit") else latencies
            for stage, latencies in self.note.latency.items()
        }


def standing_of(note: Standing) -> Standing:
    """The part of a note that the next commit carries on."""
    return Standing(**{name: getattr(note, name) for name in Standing.model_fields})


def carried(standing: Standing, *, writer: str, started: int, upkeep: str) -> CommitNote:
    """The note of a commit without rows."""
    return CommitNote(**dict(standing), writer=writer, started=started, upkeep=upkeep)


def summed(totals: Totals, rows: int, rejected: int, expectations: Mapping[str, Tally]) -> Totals:
    """`totals` with one more commit."""
    return Totals(
        rows=totals.rows + rows,
        rejected=totals.rejected + rejected,
        expectations=merged(totals.expectations, expectations),
    )


def merged(one: Mapping[str, Tally], other: Mapping[str, Tally]) -> dict[str, Tally]:
    """The tallies of both together, by expectation."""
    return {name: one.get(name, Tally()) + other.get(name, Tally()) for name in sorted(one.keys() | other.keys())}


def app_id(topic: str, partition: int) -> str:
    """The transaction id under which a commit holds the partition's next offset."""
    return f"{topic}/{partition}"


def properties(note: CommitNote, offsets: Mapping[str, int] | None = None) -> CommitProperties:
    """Commit properties with the note and, by app id, the next offsets.

    The commit is not retried: when the table has moved on, its `txn` may have too, and then these rows are no longer the next.
    """
    return CommitProperties(
        custom_metadata={NOTE: note.model_dump(mode="json", exclude_defaults=True)},
        app_transactions=[Transaction(name, offset) for name, offset in (offsets or {}).items()] or None,
        max_commit_retries=0,
    )


def commits(table: DeltaTable, limit: int | None = None) -> Iterator[Commit]:
    """The table's last `limit` commits that bear a note, newest first; those that the log's clean-up took are gone."""
    return (commit for entry in table.history(limit) if (commit := _commit(entry)) is not None)


def newest_note(table: DeltaTable) -> CommitNote | None:
    """The note to resume from, or None when no commit in the log bears one."""
    newest = next(commits(table, limit=1), None) or next(commits(table), None)
    return newest.note if newest else None


def _commit(entry: Mapping[str, Any]) -> Commit | None:
    if NOTE not in entry:
        return None
    at = datetime.fromtimestamp(entry["timestamp"] / 1000, UTC)
    return Commit(entry["version"], at, CommitNote.model_validate(entry[NOTE]))
