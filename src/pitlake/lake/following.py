"""Following a table's log: for who asks again and again, each time only what is new is read."""

from __future__ import annotations

from datetime import datetime

from deltalake import DeltaTable

from pitlake.lake.commits import Commit, commits


class FollowedTable:
    """One Delta table at `path`, and its commits that bear a note since it was last asked for them."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._table: DeltaTable | None = None
        self._seen = -1

    def advance(self) -> tuple[DeltaTable, list[Commit]]:
        """The table as it is now, and its new commits, newest first: at first all that the log remembers.

        Raises deltalake's errors for a table that is not there, or is just being made; the next call tells the same commits then.
        """
        # One that cannot be read is opened anew: it may have been deleted and made again.
        table, self._table = self._table, None
        if table is not None:
            table.update_incremental()
        if table is None or not table.history(1):  # a deleted table seems to have nothing new, and even its last commit is gone
            table = DeltaTable(self._path)
        newest = table.version()
        unseen = newest - self._seen if newest >= self._seen else newest + 1
        found = list(commits(table, unseen)) if unseen else []
        self._table, self._seen = table, newest
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
