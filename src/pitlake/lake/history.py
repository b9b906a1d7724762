"""Latencies over time, gathered while the tables' logs still remember them: a log forgets its commits after some minutes."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from deltalake.exceptions import DeltaError

from pitlake.lake.catalog import list_tables
from pitlake.lake.following import FollowedTable
from pitlake.lake.latency import Histogram
from pitlake.lake.names import TableName

LOOK_SECONDS = 10.0

Spans = dict[datetime, Histogram]


class LatencyHistory:
    """What the commits after `since` (UTC) say of their rows' latencies, per table, stage and span of `seconds`.

    `look` takes in what is new; call it often enough that no commit is forgotten in between, about every ten seconds.
    """

    def __init__(self, lake: str, since: datetime, seconds: int = 10) -> None:
        self._lake, self._since, self._seconds = lake, since, seconds
        self._followed: dict[TableName, FollowedTable] = {}
        self._spans: dict[TableName, dict[str, Spans]] = {}

    @property
    def tables(self) -> Mapping[TableName, Mapping[str, Spans]]:
        """Table → stage → beginning of a span → the latencies of the rows that were committed in it."""
        return self._spans

    def stages(self, table: TableName, since: datetime) -> dict[str, Histogram]:
        """The latencies of a table per stage, from the span on in which `since` (UTC) lies."""
        begin, spans = self._span(since), self._spans.get(table, {})
        return {stage: sum((h for at, h in of.items() if at >= begin), Histogram()) for stage, of in spans.items()}

    def look(self) -> None:
        """Take in the commits since the last look. Raises deltalake's errors for a table that is just being made."""
        for name in list_tables(self._lake):
            self._look_at(name)

    def _look_at(self, name: TableName) -> None:
        _, unseen = self._followed.setdefault(name, FollowedTable(name.path(self._lake))).advance()
        for commit in unseen:
            if commit.at > self._since:
                self._add(name, commit.at, commit.latencies)

    def _add(self, name: TableName, at: datetime, latencies: Mapping[str, Histogram]) -> None:
        begin = self._span(at)
        for stage, histogram in latencies.items():
            spans = self._spans.setdefault(name, {}).setdefault(stage, defaultdict(Histogram))
            spans[begin] += histogram

    def _span(self, at: datetime) -> datetime:
        return datetime.fromtimestamp(at.timestamp() // self._seconds * self._seconds, UTC)


class WatchedHistory(LatencyHistory):
    """A history that looks from a thread while its block lasts, and once more at the end."""

    def __init__(self, lake: str, since: datetime) -> None:
        super().__init__(lake, since)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="latencies", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self.look_again()

    def look_again(self) -> None:
        """Take in the commits since the last look; a table that is just being made is read at the next one."""
        with suppress(DeltaError, OSError):
            self.look()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.look_again()
