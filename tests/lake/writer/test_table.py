"""One table's writer: rows, offsets and standing in one commit, and what follows from that."""

from __future__ import annotations

import logging
import shutil

import pytest
from deltalake.exceptions import CommitFailedError

from pitlake.errors import LakeError
from pitlake.lake.commits import Tally, commits, newest_note
from pitlake.lake.layout import MERGED_TOGETHER
from pitlake.lake.upkeep import COMPACT_EVERY, EXPIRE_EVERY
from pitlake.streams.envelope import Marker, encode_epoch, encode_marker
from tests.support.writing import (
    Clock,
    append_spec,
    cdc_spec,
    delta,
    landing,
    open_writer,
    reading,
    record,
    status,
    stored,
    upsert_spec,
)

SPEC = append_spec(expectations=("positive",))


def _rows(*offsets, **headers):
    return [record(offset, landing(offset), **headers) for offset in offsets]


def _note(lake, spec=SPEC):
    return newest_note(delta(lake, spec))


def test_a_commit_holds_rows_and_offsets_together(tmp_path):
    open_writer(tmp_path, SPEC).write(_rows(0, 1, 2))
    table = delta(tmp_path, SPEC)
    assert (table.to_pyarrow_table().num_rows, table.transaction_version("silver/0")) == (3, 3)


def test_a_writer_resumes_at_the_offset_of_the_newest_commit(tmp_path):
    open_writer(tmp_path, SPEC, partitions=(0, 1)).write([*_rows(7), record(4, landing(8), partition=1)])
    assert open_writer(tmp_path, SPEC, partitions=(0, 1)).offsets == {0: 8, 1: 5}


def test_a_new_table_has_no_offset_to_resume_at(tmp_path):
    assert open_writer(tmp_path, SPEC).offsets == {}


def test_epochs_outlive_the_process(tmp_path):
    open_writer(tmp_path, SPEC).write(_rows(0, epoch=encode_epoch(2)))
    note = open_writer(tmp_path, SPEC).write(_rows(1, epoch=encode_epoch(1)))
    assert (note.void, note.rows, len(stored(tmp_path, SPEC))) == (1, 0, 1)


def test_void_records_are_logged_once_with_their_epochs(tmp_path, caplog):
    writer = open_writer(tmp_path, SPEC)
    with caplog.at_level(logging.ERROR):
        writer.write([*_rows(0, epoch=encode_epoch(3)), *_rows(1, 2, epoch=encode_epoch(1)), *_rows(3, epoch=encode_epoch(2))])
    assert [each.getMessage() for each in caplog.records] == [
        "c.s.silver: 3 records of the older epochs [1, 2] are void, now in [3]"
    ]


def test_a_marker_moves_the_offset_and_is_no_row(tmp_path):
    marker = encode_marker(Marker(flow="flow", batch_id=3, offsets={"landing": {"0": 42}}))
    note = open_writer(tmp_path, SPEC).write([record(0, b"", marker=marker)])
    assert (note.rows, open_writer(tmp_path, SPEC).offsets) == (0, {0: 1})


def test_expectations_are_tallied_over_the_rows_stored(tmp_path):
    writer = open_writer(tmp_path, SPEC)
    writer.write([*_rows(0), *_rows(1, failed=b'["positive"]')])
    assert writer.write([*_rows(1, failed=b'["positive"]'), *_rows(2)]).expectations == {"positive": Tally(passed=1)}


def test_totals_add_up_over_commits_and_processes(tmp_path):
    open_writer(tmp_path, SPEC).write([*_rows(0), *_rows(1, failed=b'["positive"]')])
    open_writer(tmp_path, SPEC).write([*_rows(2), record(3, b"garbage")])
    totals = _note(tmp_path).totals
    assert (totals.rows, totals.rejected, totals.expectations) == (3, 1, {"positive": Tally(passed=2, failed=1)})


def test_a_batch_of_replays_still_moves_the_offset(tmp_path):
    open_writer(tmp_path, SPEC).write(_rows(0, 1))
    open_writer(tmp_path, SPEC).write([record(2, landing(0)), record(3, landing(1))])
    assert open_writer(tmp_path, SPEC).offsets == {0: 4}


@pytest.mark.parametrize(
    ("spec", "rows"),
    [(upsert_spec(), [reading("a", 2), reading("a", 1)]), (cdc_spec(), [status("a", 2), status("a", 1)])],
)
def test_a_merge_that_changes_nothing_still_moves_the_offset(spec, rows, tmp_path):
    writer = open_writer(tmp_path, spec)
    for offset, row in enumerate(rows):
        writer.write([record(offset, row)])
    assert open_writer(tmp_path, spec).offsets == {0: 2}


def test_many_commits_by_one_writer_are_all_there(tmp_path):
    writer = open_writer(tmp_path, SPEC)
    for offset in range(60):
        writer.write(_rows(offset))
    assert len(stored(tmp_path, SPEC)) == 60


def test_a_second_writer_cannot_commit_on_what_it_has_not_seen(tmp_path):
    first, second = (open_writer(tmp_path, SPEC, writer=name) for name in ("first", "second"))
    first.write(_rows(0, 1))
    with pytest.raises(CommitFailedError):
        second.write(_rows(0, 1, 2))
    assert len(stored(tmp_path, SPEC)) == 2


def test_nor_where_its_partition_is_another(tmp_path):
    first, second = (open_writer(tmp_path, SPEC, writer=name, partitions=(0, 1)) for name in ("first", "second"))
    first.write(_rows(0))
    with pytest.raises(CommitFailedError):
        second.write([record(0, landing(0), partition=1)])


def test_upkeep_does_not_take_over_what_a_second_writer_stored(tmp_path):
    clock = Clock()
    first = open_writer(tmp_path, SPEC, writer="first", clock=clock)
    for offset in range(MERGED_TOGETHER):
        first.write(_rows(offset))
    open_writer(tmp_path, SPEC, writer="second").write(_rows(MERGED_TOGETHER))
    clock.forward(seconds=COMPACT_EVERY.total_seconds())
    with pytest.raises((LakeError, CommitFailedError)):
        first.maintain()
    assert len(stored(tmp_path, SPEC)) == MERGED_TOGETHER + 1


@pytest.mark.parametrize("spec", [append_spec(), upsert_spec(), cdc_spec()], ids=lambda spec: spec.mode.value)
def test_every_commit_of_upkeep_carries_the_standing_on(spec, tmp_path):
    clock = Clock()
    retained = {"append": "landing_id", "upsert": "window_start", "cdc": "at"}[spec.mode.value]
    spec = spec.model_copy(update={"retention_days": 0, "retention_column": retained} if spec.mode != "append" else {})
    row = {"append": landing, "upsert": lambda n: reading(f"m{n}", 1), "cdc": lambda n: status(f"m{n}", 1)}[spec.mode.value]
    writer = open_writer(tmp_path, spec, clock=clock)
    for offset in range(12):
        writer.write([record(offset, row(offset), epoch=encode_epoch(3))])
    standing = _note(tmp_path, spec)
    clock.forward(seconds=EXPIRE_EVERY.total_seconds())
    for _ in range(5):
        writer.maintain()
    upkeep = [commit.note for commit in commits(delta(tmp_path, spec)) if commit.note.upkeep and commit.version > 0]
    assert {note.upkeep for note in upkeep} & {"compact", "expire"}
    for note in upkeep:
        assert (note.fence, note.epochs, note.totals) == (standing.fence, {0: 3}, standing.totals)
    assert open_writer(tmp_path, spec).offsets == {0: 12}


def test_a_table_whose_log_lost_the_standing_is_not_written(tmp_path):
    open_writer(tmp_path, SPEC).write(_rows(0))
    table = delta(tmp_path, SPEC)
    table.create_checkpoint()
    log = tmp_path / "c/s/silver/_delta_log"
    for entry in log.glob("*.json"):
        entry.write_text(entry.read_text().replace('"pitlake":', '"someone":'))
    with pytest.raises(LakeError, match="no longer tells where its rows end"):
        open_writer(tmp_path, SPEC)


def test_a_spec_that_grew_is_followed_without_losing_the_place(tmp_path):
    open_writer(tmp_path, SPEC).write(_rows(0))
    grown = SPEC.model_copy(update={"columns": (*SPEC.columns, SPEC.columns[-1].model_copy(update={"name": "other"}))})
    writer = open_writer(tmp_path, grown)
    writer.write([*_rows(0), record(1, {**landing(1), "other": 2.5})])
    assert [row["other"] for row in stored(tmp_path, grown)] == [None, 2.5]


def test_the_note_says_how_long_the_commit_took(tmp_path):
    open_writer(tmp_path, SPEC, clock=Clock()).write(_rows(0))
    newest = next(commits(delta(tmp_path, SPEC)))
    assert newest.seconds > 0
    shutil.rmtree(tmp_path)
