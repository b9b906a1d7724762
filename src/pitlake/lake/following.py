"""Following a table's log: for who asks again and again, each time only what is new is read."""

from __future__ import annotations

from datetime import datetime

from deltalake import DeltaTable

from pitlake.lake.commits import Commit, commits
from pitlake.lake.creation import LOG_RETENTION

# Commits that come while the log is read are in it too, and push older ones out of what is asked for.
_MEANWHILE = 4


class FollowedTable:
    """One Delta table at `path`, and its commits that bear a note.

    `history` is what is known of them, newest first: at first all that the log has, then what it need not forget yet.
    """

    def __init__(self, path: str) -> None:
        self.history: list[Commit] = []
        self._path = path
        self._table: DeltaTable | None = None
        self._version = -1

    def advance(self) -> tuple[DeltaTable, list[Commit]]:
        """The table as it is now, and its new commits, newest first: at first, and of a table made anew, all that its log has.

        Raises deltalake's errors for a table that is not there, or is just being made; the next call tells the same commits then.
        """
        # One that cannot be read is opened anew: it may have been deleted and made again.
        table, self._table = self._table, None
        if table is not None:
            table.update_incremental()
        if table is None or not table.history(1):  # a deleted table seems to have nothing new, but its last commit is gone
            table = DeltaTable(self._path)
        history = list(commits(table, max(1, table.version() - self._version + _MEANWHILE)))
        known = next((i for i, commit in enumerate(history) if self.history and _is_same(commit, self.history[0])), None)
        # Where the newest known one is not among them the log has forgotten it with all older ones, or it was another table's.
        found, older = (history, []) if known is None else (history[:known], self.history)
        self.history = [*found, *_remembered(older)]
        self._table, self._version = table, table.version()
        return table, found


class Arrivals:
    """When rows last came to one table."""

    def __init__(self, path: str) -> None:
        self._followed = FollowedTable(path)

    def newest(self) -> datetime | None:
        """When the newest row was published (UTC), None while there is none. Raises as FollowedTable does.

        By the last commit with rows: what its writer found in the topic may be of long before.
        """
        self._followed.advance()
        return next((commit.published for commit in self._followed.history if commit.note.rows), None)


def _is_same(one: Commit, other: Commit) -> bool:
    """By time and note: delta-rs counts versions down from the table's own, also where the log has newer commits."""
    return (one.at, one.note) == (other.at, other.note)


def _remembered(history: list[Commit]) -> list[Commit]:
    """Those of a table's commits, newest first, that its log need not forget yet, and in any case the newest one with rows."""
    newest_with_rows = next((commit for commit in history if commit.note.rows), None)
    return [
        commit
        for commit in history
        if commit is history[0] or commit is newest_with_rows or history[0].at - commit.at < LOG_RETENTION
    ]
