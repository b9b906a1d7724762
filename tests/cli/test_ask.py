"""The verdicts of `pitlake check`."""

from __future__ import annotations

import io
import json
import uuid

from rich.console import Console

from pitlake.cli.ask import Checked, checks_as_json, print_checks, run_check
from pitlake.cli.settings import Settings
from pitlake.ingest.tables import landing_tables
from pitlake.mining.validation import VALIDATION_QUERIES, Verdict

CHECKS = [Checked(query, Verdict(ok=place != 1, reason=f"reason {place}")) for place, query in enumerate(VALIDATION_QUERIES)]


def test_each_query_is_printed_with_its_table_and_the_full_reason():
    console = Console(file=io.StringIO(), width=80)
    print_checks(CHECKS, console)
    lines = console.file.getvalue().splitlines()
    assert lines[:4] == [
        "✓ bronze receives (ot_telemetry_bronze)",
        "  reason 0",
        "✗ silver is complete (ot_sensors_normalized)",
        "  reason 1",
    ]
    assert lines[-1] == f"{len(CHECKS) - 1} of {len(CHECKS)} queries passed"


def test_json_has_the_statement_too():
    [first, second, *_] = json.loads(checks_as_json(CHECKS))
    assert list(first) == ["name", "reads", "ok", "reason", "sql"]
    assert (first["ok"], second["ok"]) == (True, False)


def test_a_query_that_cannot_run_has_failed(home):
    checks = run_check(Settings(home=home))
    assert [check.verdict.ok for check in checks] == [False] * len(VALIDATION_QUERIES)
    assert "There is no table" in checks[0].verdict.reason


def test_a_check_that_fails_is_exit_code_1(run, home):
    result = run("check", "--json", "--home", home)
    assert result.exit_code == 1
    assert {check["ok"] for check in json.loads(result.stdout)} == {False}


def test_an_empty_lake_is_said_once(run):
    result = run("check")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "holds no tables yet" in result.stderr


def test_create_table_makes_a_landing_table(run, broker, monkeypatch, tmp_path):
    monkeypatch.setenv("PITLAKE_KAFKA", broker.bootstrap)
    name = f"t{uuid.uuid4().hex}"
    done = run("sql", f"CREATE TABLE {name} (a STRING)", "--format", "json", "--home", tmp_path)
    assert json.loads(done.output) == [{"landing_table": f"field_engineering.mining_demo.{name}", "topic": name}]
    assert f"field_engineering.mining_demo.{name}" in landing_tables(broker.bootstrap)
    again = run("sql", f"CREATE TABLE {name}", "--home", tmp_path)
    assert again.exit_code == 2
    assert run("sql", f"CREATE TABLE IF NOT EXISTS {name}", "--home", tmp_path).exit_code == 0
