"""How the lake's tables stand: rows, freshness, latencies per stage, expectations; all read from the tables' own commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pitlake.lake.catalog import list_tables
from pitlake.lake.commits import Commit, Tally, merged
from pitlake.lake.following import FollowedTable
from pitlake.lake.latency import Histogram
from pitlake.lake.names import TableName
from pitlake.lake.spec import QUARANTINE_SUFFIX


@dataclass(frozen=True)
class TableStatus:
    """One table as its log shows it.

    `rows` is what the table holds now. `last_commit` is when rows last arrived (UTC), None when the log shows none. `stages`
    holds, per stage, the latencies of the rows that the log still remembers; `event_to_visible` is the whole way. `expectations`
    counts all rows since the table was created. `published` is when the newest row of the last commit with rows was (UTC).
    """

    name: TableName
    rows: int
    last_commit: datetime | None
    stages: Mapping[str, Histogram]
    expectations: Mapping[str, Tally]
    published: datetime | None = None


class LakeStatus:
    """The status of every table that the writer keeps in the lake at `url`, for who asks once or again and again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._followed: dict[TableName, FollowedTable] = {}

    def read(self, *, since: datetime | None = None) -> list[TableStatus]:
        """How the tables stand now; latencies of the commits after `since` only (UTC).

        At first they are of all commits that the logs have. Who asks again is told of the last two minutes before the newest.

        Rows in a table's quarantine were judged too: they are counted in the table's expectations, and the quarantine has none.
        Raises deltalake's errors for a table that is just being made.
        """
        names = list_tables(self.url)
        self._followed = {name: self._followed.get(name) or FollowedTable(name.path(self.url)) for name in names}
        found = (self._status(name, since) for name in names)
        statuses = {status.name: status for status in found if status is not None}
        for name, status in list(statuses.items()):
            quarantine = statuses.get(replace(name, name=name.name + QUARANTINE_SUFFIX))
            if quarantine is not None:
                judged = merged(status.expectations, quarantine.expectations)
                statuses[name] = replace(status, expectations=judged)
                statuses[quarantine.name] = replace(quarantine, expectations={})
        return list(statuses.values())

    def _status(self, name: TableName, since: datetime | None) -> TableStatus | None:
        """The status of one table, or None for a table that the writer does not keep, such as a dimension."""
        followed = self._followed[name]
        table, _ = followed.advance()
        history = followed.history
        if not history:
            return None
        with_rows = [commit for commit in history if commit.note.rows]
        return TableStatus(
            name=name,
            rows=sum(table.get_add_actions(flatten=True)["num_records"].to_pylist()),
            last_commit=with_rows[0].at if with_rows else None,
            stages=_stages([commit for commit in with_rows if since is None or commit.at > since]),
            expectations=history[0].note.totals.expectations,
            published=with_rows[0].published if with_rows else None,
        )


def _stages(history: list[Commit]) -> dict[str, Histogram]:
    stages: dict[str, Histogram] = {}
    for commit in history:
        for stage, latencies in commit.latencies.items():
            stages[stage] = stages.get(stage, Histogram()) + latencies
    return stages
