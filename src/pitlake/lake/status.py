"""How the lake's tables stand: rows, freshness, latencies per stage, expectations; all read from the tables' own commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from deltalake import DeltaTable

from pitlake.lake.catalog import list_tables
from pitlake.lake.commits import Commit, Tally, commits, merged
from pitlake.lake.latency import Histogram
from pitlake.lake.names import TableName
from pitlake.lake.spec import QUARANTINE_SUFFIX


@dataclass(frozen=True)
class TableStatus:
    """One table as its log shows it.

    `rows` is what the table holds now. `last_commit` is when rows last arrived (UTC), None when the log shows none. `stages`
    holds, per stage, the latencies of the rows that the log still remembers; `event_to_visible` is the whole way. `expectations`
    counts all rows since the table was created.
    """

    name: TableName
    rows: int
    last_commit: datetime | None
    stages: Mapping[str, Histogram]
    expectations: Mapping[str, Tally]


def lake_status(lake: str, *, since: datetime | None = None) -> list[TableStatus]:
    """The status of every table that the writer keeps; latencies of the commits after `since` only (UTC).

    Rows in a table's quarantine were judged too: they are counted in the table's expectations, and the quarantine has none.
    """
    found = (table_status(lake, name, since=since) for name in list_tables(lake))
    statuses = {status.name: status for status in found if status is not None}
    for name, status in list(statuses.items()):
        quarantine = statuses.get(replace(name, name=name.name + QUARANTINE_SUFFIX))
        if quarantine is not None:
            judged = merged(status.expectations, quarantine.expectations)
            statuses[name] = replace(status, expectations=judged)
            statuses[quarantine.name] = replace(quarantine, expectations={})
    return list(statuses.values())


def table_status(lake: str, name: TableName, *, since: datetime | None = None) -> TableStatus | None:
    """The status of one table, or None for a table that the writer does not keep, such as a dimension."""
    table = DeltaTable(name.path(lake))
    history = list(commits(table))
    if not history:
        return None
    with_rows = [commit for commit in history if commit.note.rows]
    return TableStatus(
        name=name,
        rows=sum(table.get_add_actions(flatten=True)["num_records"].to_pylist()),
        last_commit=with_rows[0].at if with_rows else None,
        stages=_stages([commit for commit in with_rows if since is None or commit.at > since]),
        expectations=history[0].note.totals.expectations,
    )


class Arrivals:
    """When rows last came into one table, for who asks over and over: each time only what is new in its log is read."""

    def __init__(self, lake: str, name: TableName) -> None:
        self._path = name.path(lake)
        self._table: DeltaTable | None = None
        self._seen = -1
        self._newest: datetime | None = None

    def newest(self) -> datetime | None:
        """The time of the newest commit with rows (UTC), None while there is none.

        Raises deltalake's errors for a table that is not there yet.
        """
        if self._table is None:
            self._table = DeltaTable(self._path)
        else:
            self._table.update_incremental()
        if unseen := self._table.version() - self._seen:
            at = next((commit.at for commit in commits(self._table, unseen) if commit.note.rows), None)
            self._newest = at or self._newest
            self._seen += unseen
        return self._newest


def _stages(history: list[Commit]) -> dict[str, Histogram]:
    stages: dict[str, Histogram] = {}
    for commit in history:
        for stage, latencies in commit.latencies.items():
            stages[stage] = stages.get(stage, Histogram()) + latencies
    return stages
