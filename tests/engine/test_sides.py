"""Static sides, on a real session and real Delta tables."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql.types import StringType, StructType

from pitlake.engine import sides
from pitlake.engine.sides import StaticSide, StaticSides
from pitlake.errors import LakeError
from tests.support.waiting import await_that

MACHINES = StructType().add("id", StringType()).add("place", StringType())
EVERY_TYPE = {
    "small": pa.array([1], pa.int8()),
    "large": pa.array([2], pa.int64()),
    "double": pa.array([0.5], pa.float64()),
    "flag": pa.array([True]),
    "day": pa.array([date(2026, 2, 15)]),
    "at": pa.array([datetime(2026, 2, 15, 4, 12, 9, 113456, UTC)], pa.timestamp("us", "UTC")),
    "price": pa.array([Decimal("1.50")], pa.decimal128(10, 2)),
    "raw": pa.array([b"x"]),
    "tags": pa.array([[("k", "v")]], pa.map_(pa.string(), pa.string())),
    "parts": pa.array([[{"name": "n"}]], pa.list_(pa.struct([("name", pa.string())]))),
}


@pytest.fixture(name="path")
def _path(tmp_path):
    path = str(tmp_path / "machines")
    write_deltalake(path, pa.table({"id": ["a"], "place": ["pit"]}))
    return path


@pytest.fixture(name="side")
def _side(spark, tmp_path, path):
    side = StaticSide(spark, path, MACHINES, tmp_path / "copy")
    yield side
    side.release()


@pytest.fixture(name="held")
def _held(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(sides, "POLL_SECONDS", 0.05)
    with StaticSides(spark, tmp_path / "home") as held:
        yield held


def _place(frame):
    """What a batch that is planned now reads."""
    [row] = frame.select("*").collect()
    return row.place


def test_rows_are_held_until_the_table_changes(path, side):
    assert side.refresh()
    DeltaTable(path).update({"place": "'port'"})
    assert _place(side.frame) == "pit"
    assert side.refresh()
    assert _place(side.frame) == "port"


def test_a_query_that_was_planned_before_reads_what_is_held_now(path, side):
    side.refresh()
    query = side.frame.selectExpr("upper(place) as place")
    DeltaTable(path).update({"place": "'port'"})
    side.refresh()
    assert _place(query) == "PORT"


def test_a_batch_that_was_planned_before_a_change_reads_what_was_held_then(path, side):
    side.refresh()
    planned = side.frame.select("*")
    assert planned.collect()[0].place == "pit"
    DeltaTable(path).update({"place": "'port'"})
    side.refresh()
    assert planned.collect()[0].place == "pit"


def test_a_table_that_has_not_changed_is_not_read_again(side):
    side.refresh()
    assert not side.refresh()


def test_a_table_made_anew_at_the_same_version_is_read_again(path, side):
    side.refresh()
    shutil.rmtree(path)
    write_deltalake(path, pa.table({"id": ["a"], "place": ["port"]}))
    assert side.refresh()
    assert _place(side.frame) == "port"


def test_a_copy_that_fails_leaves_what_was_held(path, side, monkeypatch):
    side.refresh()
    DeltaTable(path).update({"place": "'port'"})
    with monkeypatch.context() as broken:
        broken.setattr(sides, "rows_as", _fails)
        with pytest.raises(OSError, match="the disk is away"):
            side.refresh()
    assert _place(side.frame) == "pit"
    assert side.refresh()
    assert _place(side.frame) == "port"


def test_every_type_is_what_it_is_in_the_table(tmp_path, held):
    path, rows = str(tmp_path / "types"), pa.table(EVERY_TYPE)
    write_deltalake(path, rows)
    frame = held.open(path)
    held.keep([path])
    [row] = frame.collect()
    expected = rows.to_pylist()[0] | {"raw": bytearray(b"x"), "tags": {"k": "v"}, "at": row["at"]}
    assert row.asDict(recursive=True) == expected
    assert frame.selectExpr("at = timestamp'2026-02-15 04:12:09.113456Z' as same").collect()[0].same


def test_tables_are_held_when_streams_begin_and_no_longer_than_they_run(spark, tmp_path, path):
    with StaticSides(spark, tmp_path / "home") as held:
        frame = held.open(path)
        held.keep([path])
        assert frame.is_cached
        assert _place(frame) == "pit"
    assert not frame.is_cached
    assert list((tmp_path / "home").iterdir()) == []


def test_a_change_is_seen_while_streams_run(path, held):
    frame = held.open(path)
    held.keep([path])
    DeltaTable(path).update({"place": "'port'"})
    await_that(lambda: _place(frame) == "port", "the change is seen")


def test_a_table_has_one_frame_however_often_it_is_opened(path, held):
    assert held.open(path) is held.open(path)


def test_a_table_that_turns_out_to_be_joined_to_no_stream_is_held_no_longer(path, held):
    frame = held.open(path)
    held.hold([path])
    assert frame.is_cached
    held.keep([])
    await_that(lambda: not frame.is_cached, "it is given up")


def test_a_table_of_the_pipeline_can_be_opened_before_it_exists(tmp_path, held):
    path = str(tmp_path / "later")
    frame = held.open(path, MACHINES)
    assert frame.columns == ["id", "place"]
    write_deltalake(path, pa.table({"id": ["a"], "place": ["pit"]}))
    held.keep([path])
    assert _place(frame) == "pit"


def test_rows_are_those_of_the_moment_at_which_they_are_asked_for(path, held):
    frame = held.open(path)
    held.hold([path])
    DeltaTable(path).update({"place": "'port'"})
    held.keep([path])
    assert _place(frame) == "port"


def test_a_table_that_could_not_be_read_before_is_read_when_it_is_asked_for(path, held, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(sides, "rows_as", _fails)
        frame = held.open(path)
        with pytest.raises(LakeError, match="the disk is away"):
            held.hold([path])
    held.keep([path])
    assert _place(frame) == "pit"


def test_a_copy_may_lie_in_a_folder_of_any_name(spark, tmp_path, path):
    with StaticSides(spark, tmp_path / "Tagebau Süd [露天矿] 100%") as held:
        frame = held.open(path)
        held.keep([path])
        assert _place(frame) == "pit"


def test_copies_that_a_killed_process_has_left_are_removed(spark, tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    left = tmp_path / f"sides-{ended.pid}"
    left.mkdir()
    with StaticSides(spark, tmp_path):
        assert not left.exists()


def test_a_file_goes_a_while_after_it_is_no_longer_read(path, side, tmp_path, monkeypatch):
    side.refresh()
    for place, kept in (("port", 2), ("mill", 3), ("yard", 2)):
        if place == "yard":
            monkeypatch.setattr(sides, "_KEPT_SECONDS", -1.0)
        DeltaTable(path).update({"place": f"'{place}'"})
        side.refresh()
        assert len(list((tmp_path / "copy").glob("*.parquet"))) == kept


def test_streams_are_not_joined_with_a_table_that_cannot_be_read(tmp_path, held):
    path = str(tmp_path / "never")
    held.open(path, MACHINES)
    with pytest.raises(LakeError, match="never cannot be read, and streams are joined with it"):
        held.keep([path])


def test_a_table_that_cannot_be_read_while_streams_run_keeps_its_rows_and_is_told_once(path, held, monkeypatch, caplog):
    frame = held.open(path)
    held.keep([path])
    looks = []

    def fails(_side):
        looks.append(1)
        raise OSError("the disk is away")

    monkeypatch.setattr(StaticSide, "refresh", fails)
    await_that(lambda: len(looks) > 2, "it is tried again")
    assert len([record for record in caplog.records if "the disk is away" in record.getMessage()]) == 1
    assert _place(frame) == "pit"


def _fails(*_):
    raise OSError("the disk is away")
