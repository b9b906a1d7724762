"""Following a table's log: for who asks again and again, each time only what is new is read."""

from __future__ import annotations

from datetime import datetime

from deltalake import DeltaTable

from pitlake.lake.commits import Commit, commits

# Commits that come while the log is read are in it too, and would push older ones out of what is asked for.
_MEANWHILE = 4


class FollowedTable:
    """One Delta table at `path`, and its commits that bear a note since it was last asked for them."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._table: DeltaTable | None = None
        self._newest: Commit | None = None

    def advance(self) -> tuple[DeltaTable, list[Commit]]:
        """The table as it is now, and its new commits, newest first: at first, and of a table made anew, all that its log has.

        Raises deltalake's errors for a table that is not there, or is just being made; the next call tells the same commits then.
        """
        table, self._table = self._table, None
        if table is not None:
            table.update_incremental()
        if table is None or not table.history(1):  # a deleted table seems to have nothing new, but its last commit is gone
            table = DeltaTable(self._path)
        seen = self._newest.version if self._newest else -1
        history = list(commits(table, max(1, table.version() - seen + _MEANWHILE)))
        if table.version() < seen or any(each.version == seen and each != self._newest for each in history):
            table, seen = DeltaTable(self._path), -1  # another table of that name
            history = list(commits(table))
        found = [commit for commit in history if commit.version > seen]
        self._table, self._newest = table, found[0] if found else self._newest
        return table, found


class Arrivals:
    """When rows last came into one table."""

    def __init__(self, path: str) -> None:
        self._followed = FollowedTable(path)
        self._newest: datetime | None = None

    def newest(self) -> datetime | None:
        """The time of the newest commit with rows (UTC), None while there is none. Raises as FollowedTable does."""
        _, found = self._followed.advance()
        self._newest = next((commit.at for commit in found if commit.note.rows), self._newest)
        return self._newest
