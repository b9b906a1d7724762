"""The writer's note in each commit."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake

from pitlake.lake.commits import (
    Commit,
    CommitNote,
    Fence,
    Standing,
    Tally,
    Totals,
    app_id,
    carried,
    commits,
    newest_note,
    properties,
    standing_of,
    summed,
)
from pitlake.lake.latency import Histogram

ROWS = pa.table({"a": [1]})
NOTE = CommitNote(
    writer="this",
    started=1_771_128_720_000,
    fence={"flow/00000": Fence(last="00000-0000000000000000007", stored=frozenset({(3, 1.5), (4, "rpm")}))},
    epochs={0: 2},
    rows=4,
    expectations={"known": Tally(passed=3, failed=1)},
    latency={"processed_to_commit": Histogram.of([0.1, 0.2])},
    totals=Totals(rows=10, expectations={"known": Tally(passed=8, failed=2)}),
)


@pytest.fixture(name="table")
def _table(tmp_path):
    return DeltaTable.create(str(tmp_path), ROWS.schema)


def test_a_note_is_read_back_as_it_was_written(table):
    write_deltalake(table, ROWS, mode="append", commit_properties=properties(NOTE, {app_id("silver", 0): 7}))
    assert newest_note(table) == NOTE
    assert table.transaction_version("silver/0") == 7


def test_commits_are_told_newest_first_with_version_and_time(table):
    for rows in (1, 2):
        write_deltalake(table, ROWS, mode="append", commit_properties=properties(NOTE.model_copy(update={"rows": rows})))
    newest, older = commits(table)
    assert [(each.version, each.note.rows) for each in (newest, older)] == [(2, 2), (1, 1)]
    assert newest.at.tzinfo is not None


def test_the_newest_note_is_found_behind_commits_that_bear_none(table):
    write_deltalake(table, ROWS, mode="append", commit_properties=properties(NOTE))
    write_deltalake(table, ROWS, mode="append", commit_properties=CommitProperties())
    assert newest_note(table) == NOTE


def test_a_table_that_the_writer_never_wrote_has_no_note(table):
    assert newest_note(table) is None


def test_upkeep_carries_the_standing_and_nothing_else():
    note = carried(standing_of(NOTE), writer="this", started=1, upkeep="vacuum")
    assert standing_of(note) == standing_of(NOTE)
    assert (note.rows, note.expectations, note.latency, note.upkeep) == (0, {}, {}, "vacuum")


def test_a_first_note_stands_nowhere():
    assert standing_of(CommitNote(writer="this", started=1)) == Standing()


def test_totals_add_up():
    totals = summed(Totals(rows=1, expectations={"a": Tally(passed=1)}), 2, 3, {"a": Tally(failed=1), "b": Tally(passed=1)})
    assert totals == Totals(rows=3, rejected=3, expectations={"a": Tally(passed=1, failed=1), "b": Tally(passed=1)})


def test_latencies_up_to_the_commit_end_with_its_place_in_the_log():
    commit = Commit(1, datetime.fromtimestamp(NOTE.started / 1000 + 1, UTC), NOTE)
    assert commit.seconds == pytest.approx(1)
    assert commit.latencies["processed_to_visible"].percentile(1) == pytest.approx(1.2, rel=0.1)
