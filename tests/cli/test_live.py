"""A mine that is watched until it rests, or until Ctrl-C."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from pitlake.cli import live
from pitlake.cli.live import watch_mine
from pitlake.cli.settings import Settings
from pitlake.cli.status import read_statuses
from pitlake.errors import ConfigurationError
from pitlake.lake.following import Arrivals
from pitlake.lake.names import TableName
from pitlake.lake.status import LakeStatus


@pytest.fixture
def settings(home):
    return Settings(home=home)


@pytest.fixture
def mine(monkeypatch):
    """Run a mine of no processes, which is watched by `watch`."""

    def of(watch):
        @contextmanager
        def running(settings, on_event, report, begin):
            system = SimpleNamespace(settings=settings, supervisor=SimpleNamespace(watch=watch))
            begin(system)
            yield system

        monkeypatch.setattr(live, "running_mine", running)

    return of


def test_ctrl_c_is_a_good_end_with_a_summary_on_standard_output(settings, mine, capsys):
    def interrupted(stop):
        raise KeyboardInterrupt

    mine(interrupted)
    watch_mine(settings)
    printed = capsys.readouterr()
    assert ["silver", "3"] in [line.split()[:2] for line in printed.out.splitlines()]
    assert "Stopping." in printed.err
    assert "Ended. The tables stay" in "".join(printed.err.split("\n"))


def test_a_run_is_told_in_the_report(settings, mine, tmp_path, capsys):
    mine(lambda stop: None)
    watch_mine(settings, report=tmp_path / "report.html")
    assert "silver" in (tmp_path / "report.html").read_text()
    assert "The run is told in" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_refused_before_anything_starts(settings, mine, tmp_path):
    mine(lambda stop: pytest.fail("it was started"))
    with pytest.raises(ConfigurationError, match="cannot be written"):
        watch_mine(settings, report=tmp_path / "none" / "report.html")


def test_what_the_mine_begins_with_is_started_once_it_runs(settings, mine):
    systems = []
    mine(lambda stop: None)
    watch_mine(settings, systems.append)
    assert [system.settings for system in systems] == [settings]


def test_an_error_of_a_process_is_not_swallowed(settings, mine):
    def died(stop):
        raise LookupError("a part died")

    mine(died)
    before = set(threading.enumerate())
    with pytest.raises(LookupError):
        watch_mine(settings)
    assert set(threading.enumerate()) <= before


def test_it_ends_when_the_time_is_over_and_no_table_grows(settings, mine, monkeypatch):
    [table] = read_statuses(LakeStatus(settings.lake_url))
    rows = iter([3, 4, 5, 5, 6])
    seen = []

    def growing(_, since=None):
        if threading.current_thread() is not threading.main_thread():
            seen.append(next(rows))
        return [replace(table, rows=seen[-1])]

    monkeypatch.setattr(live, "present_statuses", growing)
    monkeypatch.setattr(live, "_have_grown", lambda *_: len(seen) > 1)
    monkeypatch.setattr(live, "REFRESH_SECONDS", 0.01)
    mine(lambda stop: stop.wait())
    began = time.monotonic()
    watch_mine(settings, seconds=0.2)
    assert time.monotonic() - began >= 0.2
    assert seen == [3, 4, 5, 5]


def test_gold_of_an_earlier_run_is_not_taken_for_this_ones(settings):
    [table] = read_statuses(LakeStatus(settings.lake_url))
    gold = Arrivals(table.name.path(settings.lake_url))
    published = gold.newest()
    assert live._has_come(gold, published - timedelta(seconds=1))
    assert not live._has_come(gold, published)


def test_a_timed_run_waits_for_rows_of_its_own(settings):
    [table] = statuses = read_statuses(LakeStatus(settings.lake_url))
    there = settings.model_copy(update={"catalog": table.name.catalog, "schema_": table.name.schema})
    assert live._have_grown(there, statuses, table.published - timedelta(seconds=1), table.name.name)
    assert not live._have_grown(there, statuses, table.published, table.name.name)


def test_gold_that_is_not_made_yet_has_not_come(settings):
    gold = Arrivals(TableName(settings.catalog, settings.schema_, live.GOLD).path(settings.lake_url))
    assert not live._has_come(gold, datetime(2026, 2, 15, tzinfo=UTC))


def test_it_ends_after_a_while_even_if_tables_keep_growing(settings, mine, monkeypatch):
    [table] = read_statuses(LakeStatus(settings.lake_url))
    monkeypatch.setattr(live, "present_statuses", lambda _, since=None: [replace(table, rows=time.monotonic_ns())])
    monkeypatch.setattr(live, "REFRESH_SECONDS", 0.01)
    monkeypatch.setattr(live, "DRAIN_SECONDS", 0.05)
    mine(lambda stop: stop.wait())
    watch_mine(settings, seconds=0.0)


@pytest.mark.parametrize(("lasted", "left_out"), [(30, 10), (180, 60), (3600, 60)])
def test_latencies_are_told_without_those_of_warming_up(lasted, left_out):
    ready = datetime(2026, 2, 15, tzinfo=UTC)
    assert live.measured_from(ready, ready + timedelta(seconds=lasted)) == ready + timedelta(seconds=left_out)
