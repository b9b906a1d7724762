"""Following a table's log."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

import pytest
from deltalake.exceptions import TableNotFoundError

from pitlake.lake import following
from pitlake.lake.commits import Commit, CommitNote, Standing, commits
from pitlake.lake.following import Arrivals, FollowedTable, _remembered
from pitlake.lake.names import TableName
from tests.support.writing import START, append_spec, landing, open_writer, record


@pytest.fixture
def write(tmp_path):
    """Writes one row in a commit of its own."""
    writer = open_writer(tmp_path, append_spec())
    offsets = iter(range(100))
    return lambda: writer.write([record(offset := next(offsets), landing(offset))])


@pytest.fixture
def path(tmp_path):
    return TableName.parse(append_spec().name).path(str(tmp_path))


def test_a_commit_is_told_once_newest_first(path, write):
    followed = FollowedTable(path)
    write()
    write()
    table, first = followed.advance()
    assert [commit.version for commit in first[:2]] == [table.version(), table.version() - 1]
    write()
    table, second = followed.advance()
    assert [commit.version for commit in second] == [table.version()]
    assert followed.advance()[1] == []


def test_a_table_that_was_deleted_and_made_anew_is_followed_from_its_beginning(path, write, tmp_path):
    followed = FollowedTable(path)
    for _ in range(3):
        write()
    followed.advance()
    shutil.rmtree(path)
    with pytest.raises((TableNotFoundError, OSError)):
        followed.advance()
    open_writer(tmp_path, append_spec()).write([record(0, landing(0))])
    table, anew = followed.advance()
    assert anew[0].version == table.version()


def test_a_table_that_was_made_anew_and_has_come_further_is_followed_from_its_beginning(path, write, tmp_path):
    followed = FollowedTable(path)
    write()
    followed.advance()
    shutil.rmtree(path)
    anew = open_writer(tmp_path, append_spec())
    for offset in range(5):
        anew.write([record(offset, landing(offset))])
    table, found = followed.advance()
    assert [commit.version for commit in found if commit.note.rows] == list(range(table.version(), table.version() - 5, -1))


def test_a_commit_that_comes_while_the_log_is_read_is_told_once(path, write, monkeypatch):
    followed = FollowedTable(path)
    write()
    followed.advance()
    write()

    def overtaken(table, limit=None):
        write()
        return commits(table, limit)

    monkeypatch.setattr(following, "commits", overtaken)
    _, first = followed.advance()
    monkeypatch.setattr(following, "commits", commits)
    _, second = followed.advance()
    assert sum(commit.note.rows for commit in (*first, *second)) == 2


def test_the_newest_row_came_when_it_was_published(path, tmp_path):
    writer, arrivals = open_writer(tmp_path, append_spec()), Arrivals(path)
    assert arrivals.newest() is None
    for offset, minutes in enumerate((60, 5)):
        waited = timedelta(minutes=minutes)
        writer.write([record(offset, landing(offset), at=START - waited)])
        assert abs(START - arrivals.newest() - waited) <= 0.05 * waited


def test_what_the_log_has_forgotten_is_forgotten_but_when_rows_last_came_is_not():
    now = datetime(2026, 2, 15, tzinfo=UTC)

    def commit(version, minutes, rows):
        note = CommitNote(**dict(Standing()), writer="w", started=0, rows=rows)
        return Commit(version, now - timedelta(minutes=minutes), note)

    idle = [commit(5, 0, 0), commit(4, 1, 0), commit(3, 2, 0), commit(2, 3, 7), commit(1, 4, 7)]
    assert [each.version for each in _remembered(idle)] == [5, 4, 2]
    assert _remembered([]) == []
