"""How the tables stand, read from a lake that nothing runs on."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import datetime
from types import SimpleNamespace

import pytest

from pitlake.cli import status
from pitlake.cli.settings import Settings
from pitlake.cli.status import present_statuses, read_statuses
from pitlake.errors import LakeError
from pitlake.lake.status import LakeStatus


def test_rows_and_expectations_are_shown(run, home):
    result = run("status", "--home", home)
    lines = [line.split() for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert lines[1][:2] == ["silver", "3"]
    assert ["positive", "2", "1", "66.66", "%"] in lines


def test_stages_are_shown_when_asked_for(run, home):
    assert "computed → in Delta" not in run("status", "--home", home).stdout
    assert "computed → in Delta" in run("status", "--stages", "--home", home).stdout


def test_json_has_everything_in_seconds_and_shares(run, home):
    found = json.loads(run("status", "--json", "--home", home).stdout)
    [table] = found["tables"]
    assert (table["name"], table["rows"]) == ("c.s.silver", 3)
    assert table["expectations"] == {"positive": {"passed": 2, "failed": 1, "pass_rate": pytest.approx(2 / 3)}}
    assert set(table["latency_seconds"]["processed_to_visible"]) == {"rows", "p50", "p95", "p99"}
    age = datetime.fromisoformat(found["at"]) - datetime.fromisoformat(table["last_commit"])
    assert table["age_seconds"] == age.total_seconds()


def test_an_empty_lake_is_a_failure_that_says_so(run):
    result = run("status")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "No pipeline has made a table" in result.stderr


def test_a_table_that_is_just_being_made_is_waited_for(home):
    (home / "lake" / "c" / "s" / "next" / "_delta_log").mkdir(parents=True)
    with pytest.raises(LakeError, match="cannot be read"):
        read_statuses(LakeStatus(Settings(home=home).lake_url))
    assert present_statuses(LakeStatus(Settings(home=home).lake_url)) == []


def _stopping(monkeypatch, *, after):
    """Have the command told to stop in the pause that comes after so many others."""
    told = iter([False] * after + [True])
    monkeypatch.setattr(status, "stop_on_signal", lambda: nullcontext(SimpleNamespace(wait=lambda _seconds: next(told))))


def test_watching_repeats_until_it_is_told_to_stop(run, home, monkeypatch):
    _stopping(monkeypatch, after=2)
    result = run("status", "--watch", "--json", "--home", home)
    assert result.exit_code == 0
    assert [json.loads(line)["tables"][0]["rows"] for line in result.stdout.splitlines()] == [3, 3, 3]


def test_watching_begins_before_there_are_tables(run, monkeypatch):
    _stopping(monkeypatch, after=0)
    result = run("status", "--watch", "--json")
    assert (result.exit_code, json.loads(result.stdout)["tables"]) == (0, [])
