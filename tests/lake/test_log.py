"""Commits straight into a table's log, as delta-rs reads them."""

from __future__ import annotations

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from pitlake.errors import LakeError
from pitlake.lake.commits import CommitNote, newest_note
from pitlake.lake.log import TableLog

SCHEMA = pa.schema([pa.field("site", pa.string()), pa.field("value", pa.int64())])
NOTE = CommitNote(writer="this", started=0)


def _rows(*rows):
    return pa.Table.from_pylist([{"site": site, "value": value} for site, value in rows], schema=SCHEMA)


@pytest.fixture(name="log")
def _log(tmp_path):
    return TableLog(DeltaTable.create(str(tmp_path), SCHEMA, partition_by=["site"]))


def _content(path):
    return sorted(DeltaTable(str(path)).to_pyarrow_table().to_pylist(), key=str)


def test_a_commit_holds_files_note_and_offsets(log, tmp_path):
    log.commit(log.write(_rows(("Pit 1/ä%", 1), (None, 2))), [], NOTE, {"topic/0": 7})
    table = DeltaTable(str(tmp_path))
    assert _content(tmp_path) == [{"site": "Pit 1/ä%", "value": 1}, {"site": None, "value": 2}]
    assert (table.transaction_version("topic/0"), newest_note(table)) == (7, NOTE)


def test_files_are_replaced_in_one_commit(log, tmp_path):
    first = log.write(_rows(("a", 1)))
    log.commit(first, [], NOTE, {})
    log.commit(log.write(_rows(("a", 2))), [each.file for each in first], NOTE, {})
    assert _content(tmp_path) == [{"site": "a", "value": 2}]
    assert log.table.version() == 2


def test_of_two_logs_only_one_makes_the_next_version(log, tmp_path):
    other = TableLog(DeltaTable(str(tmp_path)))
    other.commit([], [], NOTE, {})
    with pytest.raises(CommitFailedError, match="Somebody else has made version 1"):
        log.commit(log.write(_rows(("a", 1))), [], NOTE, {})
    assert _content(tmp_path) == []


def test_a_table_that_asks_for_more_is_refused(tmp_path):
    table = DeltaTable.create(str(tmp_path), SCHEMA)
    table.alter.add_constraint({"positive": "value > 0"})
    with pytest.raises(LakeError, match=r"delta\.constraints\.positive"):
        TableLog(table)
