"""Latencies over time, out of commits that the log forgets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pitlake.lake.history import LatencyHistory
from pitlake.lake.names import TableName
from pitlake.lake.spec import Column
from tests.support.writing import START, append_spec, landing, open_writer, record, stamp

NAME = TableName("c", "s", "silver")
COLUMNS = (*append_spec().columns, Column(name="at", type="TIMESTAMP"))
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(name="write")
def _write(tmp_path):
    writer = open_writer(tmp_path, append_spec(columns=COLUMNS, event_time="at"))
    rows = iter(range(1000))

    def write(count=1):
        numbers = [next(rows) for _ in range(count)]
        early = stamp(START - timedelta(seconds=1))
        writer.write([record(n, landing(n) | {"at": early}) for n in numbers])

    return write


def _count(history):
    return sum(h.count for stage, spans in history.tables[NAME].items() if stage == "event_to_visible" for h in spans.values())


def test_each_commit_is_taken_in_once(write, tmp_path):
    history = LatencyHistory(str(tmp_path), LONG_AGO)
    write(2)
    history.look()
    write(3)
    history.look()
    history.look()
    assert _count(history) == 5


def test_spans_begin_at_whole_multiples_of_their_length(write, tmp_path):
    history = LatencyHistory(str(tmp_path), LONG_AGO, seconds=10)
    write()
    history.look()
    assert {at.second % 10 for spans in history.tables[NAME].values() for at in spans} == {0}


def test_what_was_committed_before_is_left_out(write, tmp_path):
    write()
    history = LatencyHistory(str(tmp_path), datetime.now(UTC) + timedelta(hours=1))
    history.look()
    assert history.tables == {}


def test_stages_are_added_up_from_a_moment_on(write, tmp_path):
    history = LatencyHistory(str(tmp_path), LONG_AGO)
    write(4)
    history.look()
    assert history.stages(NAME, LONG_AGO)["event_to_visible"].count == 4
    within = min(history.tables[NAME]["event_to_visible"])
    assert history.stages(NAME, within + timedelta(seconds=9))["event_to_visible"].count == 4
    assert history.stages(NAME, datetime.now(UTC) + timedelta(hours=1))["event_to_visible"].count == 0
    assert history.stages(TableName("c", "s", "other"), LONG_AGO) == {}
