"""Upkeep of a table inside its writer, between commits: small files merged, closed windows cut off, old files and rows deleted.

Log checkpoints and the log's clean-up are `TableLog.tidy`'s, every 100 commits. Compaction elsewhere would conflict with
MERGE; here it is one thread, each piece is small enough to wait for, and the tables of a process take turns.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from deltalake import CommitProperties, DeltaTable

from pitlake.lake.layout import DataFile, by_size, by_window
from pitlake.lake.predicates import literal, quoted
from pitlake.lake.rewrite import data_files, rewrite
from pitlake.lake.spec import TableSpec

COMPACT_EVERY = timedelta(minutes=1)
VACUUM_EVERY = timedelta(minutes=10)
EXPIRE_EVERY = timedelta(hours=1)
COOLING = timedelta(minutes=2)
"""How long after its last change a window still counts as open."""

TURN = threading.Lock()
"""Whose holder may do upkeep. The tables of a process commit in the same rhythm: all at it together, all commits would wait."""


@dataclass
class Task:
    """Work that is due now and then. `run` returns true when there is more to do at once."""

    every: timedelta
    run: Callable[[], bool | None]
    due: datetime = field(default=datetime.min.replace(tzinfo=UTC))


class Schedule:
    """Runs at most one task per tick, so that a commit never waits for more than one piece of work.

    Tasks are first due one interval from now.
    """

    def __init__(self, tasks: list[Task], now: Callable[[], datetime]) -> None:
        self._now = now
        self._tasks = tasks
        for task in tasks:
            task.due = now() + task.every

    def tick(self) -> bool:
        """Run the task that has been due for longest; returns whether there was one."""
        now = self._now()
        task = min(self._tasks, key=lambda each: each.due, default=None)
        if task is None or task.due > now:
            return False
        task.due = now if task.run() else now + task.every
        return True


class Upkeep:
    """The work on one table, as `table` gives it. `carrying` gives a commit's properties by the name of the work that it does."""

    def __init__(
        self,
        table: Callable[[], DeltaTable],
        spec: TableSpec,
        carrying: Callable[[str], CommitProperties],
        now: Callable[[], datetime],
    ) -> None:
        self._table, self._spec, self._carrying, self._now = table, spec, carrying, now
        self._vacuumed = False
        self._touched: list[tuple[datetime, datetime]] = []

    def tasks(self) -> list[Task]:
        """Everything that this table needs now and then."""
        tasks = [Task(COMPACT_EVERY, self.compact), Task(VACUUM_EVERY, self.vacuum)]
        if self._spec.retention_days is not None and self._spec.retention_column is not None:
            tasks.append(Task(EXPIRE_EVERY, self.expire))
        return tasks

    def touched(self, window: datetime) -> None:
        """Note that a commit has changed windows from `window` on: they stay open for `COOLING`."""
        self._touched.append((self._now(), window))

    def open_from(self, files: list[DataFile]) -> datetime:
        """From which window on rows may still change: those changed within `COOLING`, else the newest that there is."""
        recent = self._now() - COOLING
        self._touched = [(at, window) for at, window in self._touched if at > recent]
        newest = max((file.high for file in files if file.high is not None), default=self._now())
        return min((window for _, window in self._touched), default=newest)

    def compact(self) -> bool:
        """Write some files anew, if any deserve it; returns whether others may."""
        window = self._spec.window
        table = self._table()
        files = data_files(table, window)
        plan = by_window(files, self.open_from(files)) if window else by_size(files)
        if plan is None:
            return False
        sort_by = (*self._spec.cluster_by, *((window,) if window else ()))
        rewrite(table, plan, window=window, sort_by=sort_by, properties=self._carrying("compact"))
        return True

    def vacuum(self) -> None:
        """Delete files that no version within the table's retention needs; the first time also those of commits never made."""
        self._table().vacuum(
            dry_run=False, full=not self._vacuumed, enforce_retention_duration=False, commit_properties=self._carrying("vacuum")
        )
        self._vacuumed = True

    def expire(self) -> None:
        """Delete rows older than the spec's retention."""
        column, days = self._spec.retention_column, self._spec.retention_days
        if column is not None and days is not None:
            bound = literal(self._now() - timedelta(days=days))
            self._table().delete(f"{quoted(column)} < {bound}", commit_properties=self._carrying("expire"))
