"""One table's thread, where things go wrong."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from deltalake.exceptions import DeltaError

from pitlake.errors import BrokerError, LakeError
from pitlake.lake.writer import follower, table
from pitlake.lake.writer.batches import read_batch
from pitlake.lake.writer.follower import Pace, Site, TableFollower, is_full, period
from pitlake.lake.writer.table import TableWriter
from pitlake.streams.producers import Publisher
from pitlake.streams.topics import Topic, ensure_topics
from tests.support.waiting import await_that
from tests.support.writing import Clock, append_spec, landing, record, stored


@pytest.fixture(name="site")
def _site(broker, tmp_path, monkeypatch):
    monkeypatch.setattr(follower, "_FIRST_WAIT_SECONDS", 0.001)
    return Site(broker.bootstrap, str(tmp_path), "this", lambda: datetime.now(UTC))


@pytest.fixture(name="spec")
def _spec(broker):
    spec = append_spec(topic=f"follower-{uuid.uuid4().hex}")
    ensure_topics(broker.bootstrap, [Topic(spec.topic)])
    with Publisher(broker.bootstrap) as publisher:
        publisher.send(spec.topic, record(0, landing(1)).value, key=b"flow/00000")
    return spec


def _failing(monkeypatch, error, times):
    """The writer fails that many times with `error`, then writes."""
    left, write = [error] * times, TableWriter.write

    def failing(self, records):
        if left:
            raise left.pop()
        note = write(self, records)
        done.stop()
        return note

    monkeypatch.setattr(TableWriter, "write", failing)
    done = None

    def run(spec, site):
        nonlocal done
        done = TableFollower(spec, site)
        done.start()
        done.join()
        return done

    return run


def test_a_commit_that_fails_for_a_while_is_made_in_the_end(site, spec, monkeypatch, tmp_path):
    run = _failing(monkeypatch, DeltaError("storage is away"), times=follower._ATTEMPTS - 1)
    assert run(spec, site).failure is None
    assert len(stored(tmp_path, spec)) == 1


def test_a_commit_that_keeps_failing_ends_the_thread_with_what_to_do(site, spec, monkeypatch):
    run = _failing(monkeypatch, DeltaError("the disk is full"), times=100)
    failure = run(spec, site).failure
    assert isinstance(failure, LakeError)
    assert "c.s.silver cannot be written, after 6 attempts: the disk is full" in failure.what


def test_a_fault_of_the_program_ends_the_thread_at_once(site, spec, monkeypatch):
    run = _failing(monkeypatch, ZeroDivisionError("oops"), times=1)
    failure = run(spec, site).failure
    assert isinstance(failure, LakeError)
    assert isinstance(failure.__cause__, ZeroDivisionError)


def test_a_topic_that_never_comes_is_an_error(site, monkeypatch):
    monkeypatch.setattr(follower, "_TOPIC_SECONDS", 0.3)
    missing = TableFollower(append_spec(topic=f"missing-{uuid.uuid4().hex}"), site)
    missing.start()
    missing.join()
    assert isinstance(missing.failure, BrokerError)
    assert "There is no topic" in missing.failure.what


@pytest.mark.parametrize(("duration", "seconds"), [(0.005, 0.25), (0.05, 0.5), (5.0, 2.0)])
def test_commits_become_rarer_where_they_take_long(duration, seconds):
    assert period(duration, interval=0.25) == seconds


def test_an_interval_longer_than_that_is_kept():
    assert period(5.0, interval=3.0) == 3.0


def test_what_rows_take_to_be_read_makes_commits_no_rarer(site, spec, monkeypatch):
    def slowly(*args):
        clock.forward(seconds=10)
        return read_batch(*args)

    clock, durations = Clock(), []
    monkeypatch.setattr(table, "read_batch", slowly)
    monkeypatch.setattr(Pace, "after", lambda _, duration: durations.append(duration) or 0.0)
    run = _failing(monkeypatch, DeltaError(""), times=0)
    assert run(spec, replace(site, now=clock)).failure is None
    assert durations == [0.0]


def test_a_table_that_is_behind_does_not_pause(site, broker, monkeypatch, tmp_path):
    monkeypatch.setattr(follower, "_MOST_ROWS", 1)
    spec = append_spec(topic=f"follower-{uuid.uuid4().hex}", commit_interval_ms=60_000)
    ensure_topics(broker.bootstrap, [Topic(spec.topic)])
    with Publisher(broker.bootstrap) as publisher:
        for number in range(1, 7):
            publisher.send(spec.topic, record(0, landing(number)).value, key=b"flow/00000")
    behind = TableFollower(spec, site)
    behind.start()
    try:
        await_that(lambda: behind.opened.is_set() and len(stored(tmp_path, spec)) == 6, "all rows are stored")
    finally:
        behind.stop()
        behind.join()


@pytest.mark.parametrize("records", [[record(0, b"{}")] * follower._MOST_ROWS, [record(0, b"x" * follower._MUCH_BYTES)]])
def test_a_table_is_behind_when_as_much_came_as_is_taken_at_once(records):
    assert is_full(records)


def test_a_table_is_not_behind_when_little_came():
    assert not is_full([record(0, b"{}")] * 100)


def test_a_single_slow_commit_does_not_make_the_next_ones_rarer():
    pace = Pace(interval=0.25)
    assert [pace.after(duration) for duration in (0.005, 0.005, 0.5, 0.005)] == [0.25] * 4


def test_a_pace_slows_down_where_most_commits_take_long():
    pace = Pace(interval=0.25)
    assert [pace.after(duration) for duration in [0.05] * 9][-1] == 0.5
