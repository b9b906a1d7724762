"""Static sides, on a real session and a real Delta table."""

from __future__ import annotations

import shutil

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pitlake.engine import sides
from pitlake.engine.sides import StaticSide, StaticSides
from pitlake.lake.source import DeltaTableSource
from tests.support.waiting import await_that


@pytest.fixture(name="path")
def _path(tmp_path):
    path = str(tmp_path / "machines")
    write_deltalake(path, pa.table({"id": ["a"], "place": ["pit"]}))
    return path


@pytest.fixture(name="frame")
def _frame(spark, path):
    spark.dataSource.register(DeltaTableSource)
    frame = spark.read.format(DeltaTableSource.name()).load(path)
    yield frame
    frame.unpersist()


def _place(frame):
    return frame.collect()[0].place


def test_rows_are_held_until_the_table_changes(path, frame):
    side = StaticSide(path, frame)
    assert side.refresh()
    DeltaTable(path).update({"place": "'port'"})
    assert _place(frame) == "pit"
    assert side.refresh()
    assert _place(frame) == "port"


def test_a_table_that_has_not_changed_is_not_read_again(path, frame):
    side = StaticSide(path, frame)
    side.refresh()
    assert not side.refresh()


def test_a_change_is_seen_while_the_sides_are_held(path, frame, monkeypatch):
    monkeypatch.setattr(sides, "POLL_SECONDS", 0.05)
    with StaticSides() as held:
        held.keep({path: frame})
        DeltaTable(path).update({"place": "'port'"})
        await_that(lambda: _place(frame) == "port", "the change is seen")
    assert not frame.is_cached


def test_tables_that_exist_are_held_when_streams_begin(path, frame):
    with StaticSides() as held:
        held.keep({path: frame})
        assert frame.is_cached
    assert not frame.is_cached


def test_a_table_that_turns_out_to_be_joined_to_no_stream_is_held_no_longer(path, frame):
    with StaticSides() as held:
        held.hold(path, frame)
        held.keep({})
        assert not frame.is_cached


def test_a_table_is_held_once_however_often_it_is_asked_for(path, frame, monkeypatch):
    held_times = []
    monkeypatch.setattr(StaticSide, "refresh", lambda _: held_times.append(1))
    with StaticSides() as held:
        held.hold(path, frame)
        held.keep({path: frame})
    assert len(held_times) == 1


def test_a_table_that_is_yet_to_come_is_held_once_it_is_there(spark, path, frame, monkeypatch, caplog):
    monkeypatch.setattr(sides, "POLL_SECONDS", 0.05)
    rows = DeltaTable(path).to_pyarrow_table()
    shutil.rmtree(path)
    with StaticSides() as held:
        held.keep({path: frame})
        assert not frame.is_cached
        write_deltalake(path, rows)
        await_that(lambda: frame.is_cached, "the side is held")
    assert not caplog.records


def test_a_table_that_cannot_be_read_now_is_left_to_the_streams(path, frame, monkeypatch, caplog):
    def fails(_side):
        raise OSError("the disk is away")

    monkeypatch.setattr(StaticSide, "refresh", fails)
    with StaticSides() as held:
        held.keep({path: frame})
        await_that(lambda: "the disk is away" in caplog.text, "it is told")


def test_a_table_made_anew_at_the_same_version_is_read_again(path, frame):
    side = StaticSide(path, frame)
    side.refresh()
    shutil.rmtree(path)
    write_deltalake(path, pa.table({"id": ["a"], "place": ["port"]}))
    assert side.refresh()
    assert _place(frame) == "port"
