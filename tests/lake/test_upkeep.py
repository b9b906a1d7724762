"""Upkeep between commits, its clock set by hand."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from pitlake.lake.layout import MERGED_TOGETHER
from pitlake.lake.rewrite import data_files
from pitlake.lake.upkeep import COMPACT_EVERY, COOLING, EXPIRE_EVERY, TURN, VACUUM_EVERY, Schedule, Task
from tests.support.writing import Clock, append_spec, delta, landing, open_writer, reading, record, stored, upsert_spec


@pytest.fixture(name="clock")
def _clock():
    return Clock()


def _task(done, name, minutes):
    return Task(timedelta(minutes=minutes), lambda: done.append(name))


def test_nothing_is_due_before_its_interval_has_passed(clock):
    done = []
    schedule = Schedule([_task(done, "a", 5)], clock)
    clock.forward(minutes=4)
    assert not schedule.tick()
    clock.forward(minutes=1)
    assert schedule.tick()
    assert not schedule.tick()
    assert done == ["a"]


def test_one_tick_does_one_task_the_most_overdue_first(clock):
    done = []
    schedule = Schedule([_task(done, "late", 5), _task(done, "later", 3)], clock)
    clock.forward(minutes=10)
    assert [schedule.tick(), schedule.tick(), schedule.tick()] == [True, True, False]
    assert done == ["later", "late"]


def test_a_task_with_more_to_do_is_due_again_at_once(clock):
    left = [True, True, False]
    schedule = Schedule([Task(timedelta(minutes=1), lambda: left.pop(0))], clock)
    clock.forward(minutes=1)
    assert [schedule.tick() for _ in range(4)] == [True, True, True, False]


def _files(lake, spec):
    return data_files(delta(lake, spec), spec.window)


def _set_property(writer, name, value):
    writer._log.table.alter.set_table_properties({name: value})
    writer._log.follow()


def _maintain(writer):
    for _ in range(10):
        writer.maintain()


def test_small_files_of_an_append_table_are_merged_and_sorted_by_its_clustering(tmp_path, clock):
    spec = append_spec(cluster_by=("value",))
    writer = open_writer(tmp_path, spec, clock=clock)
    for offset in range(MERGED_TOGETHER):
        writer.write([record(offset, landing(offset, value=-float(offset)))])
    clock.forward(seconds=COMPACT_EVERY.total_seconds())
    _maintain(writer)
    assert len(_files(tmp_path, spec)) == 1
    assert delta(tmp_path, spec).to_pyarrow_table().column("value").to_pylist() == sorted(
        -float(each) for each in range(MERGED_TOGETHER)
    )


def test_upkeep_waits_while_another_table_of_the_process_is_at_its_own_and_commits_go_on(tmp_path, clock):
    spec = append_spec()
    writer = open_writer(tmp_path, spec, clock=clock)
    for offset in range(MERGED_TOGETHER):
        writer.write([record(offset, landing(offset))])
    clock.forward(seconds=COMPACT_EVERY.total_seconds())
    with TURN:
        _maintain(writer)
        writer.write([record(MERGED_TOGETHER, landing(MERGED_TOGETHER))])
    assert len(_files(tmp_path, spec)) == MERGED_TOGETHER + 1
    _maintain(writer)
    assert len(_files(tmp_path, spec)) == 1


def test_rows_go_on_once_after_a_merge_of_files(tmp_path, clock):
    spec = append_spec()
    writer = open_writer(tmp_path, spec, clock=clock)
    for offset in range(MERGED_TOGETHER):
        writer.write([record(offset, landing(offset))])
    clock.forward(seconds=COMPACT_EVERY.total_seconds())
    _maintain(writer)
    writer.write([record(8, landing(7)), record(9, landing(8))])
    open_writer(tmp_path, spec).write([record(10, landing(8)), record(11, landing(9))])
    assert len(stored(tmp_path, spec)) == MERGED_TOGETHER + 2


def test_closed_windows_are_cut_off_from_those_that_still_change(tmp_path, clock):
    spec = upsert_spec()
    writer = open_writer(tmp_path, spec, clock=clock)
    writer.write([record(minute, reading("a", 1, minute=minute)) for minute in range(4)])
    clock.forward(seconds=COOLING.total_seconds())
    writer.write([record(4, reading("a", 2, minute=2)), record(5, reading("a", 2, minute=3))])
    clock.forward(seconds=COMPACT_EVERY.total_seconds())
    _maintain(writer)
    assert sorted((file.low.minute, file.high.minute) for file in _files(tmp_path, spec)) == [(12, 13), (14, 15)]
    assert [row["readings"] for row in stored(tmp_path, spec)] == [1, 1, 2, 2]


def test_a_window_that_was_repaired_counts_as_open_until_it_has_cooled(tmp_path, clock):
    spec = upsert_spec()
    writer = open_writer(tmp_path, spec, clock=clock)
    writer.write([record(minute, reading("a", 1, minute=minute)) for minute in range(4)])
    clock.forward(seconds=COMPACT_EVERY.total_seconds())
    _maintain(writer)
    assert len(_files(tmp_path, spec)) == 1


def test_a_late_row_for_a_closed_hour_is_merged_into_it(tmp_path, clock):
    spec = upsert_spec()
    writer = open_writer(tmp_path, spec, clock=clock)
    for minute in range(0, 120, 10):
        writer.write([record(minute, reading("a", 1, minute=minute))])
        clock.forward(minutes=10)
        _maintain(writer)
    writer.write([record(120, reading("a", 5, minute=20))])
    assert [row["readings"] for row in stored(tmp_path, spec)][2] == 5
    assert len(stored(tmp_path, spec)) == 12


def test_rows_beyond_their_retention_are_deleted(tmp_path, clock):
    spec = upsert_spec(retention_days=1, retention_column="window_start")
    writer = open_writer(tmp_path, spec, clock=clock)
    writer.write([record(0, reading("old", 1, minute=-25 * 60)), record(1, reading("young", 1))])
    clock.forward(seconds=EXPIRE_EVERY.total_seconds())
    _maintain(writer)
    assert [row["machine"] for row in stored(tmp_path, spec)] == ["young"]


def test_files_that_nobody_needs_are_deleted(tmp_path, clock):
    spec = append_spec()
    writer = open_writer(tmp_path, spec, clock=clock)
    _set_property(writer, "delta.deletedFileRetentionDuration", "interval 0 seconds")
    for offset in range(MERGED_TOGETHER):
        writer.write([record(offset, landing(offset))])
    clock.forward(seconds=VACUUM_EVERY.total_seconds())
    _maintain(writer)
    assert len(list(Path(tmp_path, "c/s/silver").glob("*.parquet"))) == 1
    assert len(stored(tmp_path, spec)) == MERGED_TOGETHER


def test_files_of_a_commit_that_was_never_made_are_deleted(tmp_path, clock):
    spec = append_spec()
    writer = open_writer(tmp_path, spec, clock=clock)
    _set_property(writer, "delta.deletedFileRetentionDuration", "interval 0 seconds")
    writer.write([record(0, landing(0))])
    orphan = tmp_path / "c/s/silver/part-00000-orphan.snappy.parquet"
    orphan.write_bytes(b"")
    clock.forward(seconds=VACUUM_EVERY.total_seconds())
    _maintain(writer)
    assert not orphan.exists()
    assert len(stored(tmp_path, spec)) == 1


def test_a_reader_of_the_version_before_is_not_disturbed(tmp_path, clock):
    spec = append_spec()
    writer = open_writer(tmp_path, spec, clock=clock)
    for offset in range(MERGED_TOGETHER):
        writer.write([record(offset, landing(offset))])
    reader = delta(tmp_path, spec)
    clock.forward(seconds=VACUUM_EVERY.total_seconds())
    _maintain(writer)
    assert reader.to_pyarrow_table().num_rows == MERGED_TOGETHER
    shutil.rmtree(tmp_path)
