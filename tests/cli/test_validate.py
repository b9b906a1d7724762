"""The dry run of pipeline files, on the tests' own session and without a broker."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest

from pitlake.cli import validate
from pitlake.engine import sources
from tests.support.definitions import write_file

TABLE = """
    @dp.table(schema="landing_id STRING NOT NULL, value BIGINT, PRIMARY KEY (landing_id)")
    def bronze():
        return spark.readStream.table("landing").select("landing_id", "value")
"""


@pytest.fixture(autouse=True)
def _session_of_the_tests(spark, monkeypatch):
    def rates(session, bootstrap, topic):
        return session.readStream.format("rate").load().selectExpr("cast(value AS STRING) AS landing_id", "value")

    monkeypatch.setattr(validate, "_planning_session", lambda: nullcontext(spark))
    monkeypatch.setattr(sources, "landing_stream", rates)


def test_a_good_file_is_printed_and_exit_code_0(run, tmp_path):
    result = run("validate", write_file(tmp_path, TABLE), "--landing", "landing")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0] == "bronze  append"


def test_json_is_for_programs(run, tmp_path):
    result = run("validate", write_file(tmp_path, TABLE), "--landing", "landing", "--json")
    assert [table["name"] for table in json.loads(result.stdout)["tables"]] == ["bronze"]


def test_mermaid_is_for_documents(run, tmp_path):
    result = run("validate", write_file(tmp_path, TABLE), "--landing", "landing", "--mermaid")
    assert result.stdout.startswith("flowchart LR\n")


def test_the_graph_is_drawn_into_a_file(run, tmp_path):
    result = run("validate", write_file(tmp_path, TABLE), "--landing", "landing", "--svg", tmp_path / "graph.svg")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "bronze  append")
    assert (tmp_path / "graph.svg").read_text().startswith("<svg ")


def test_a_file_that_cannot_be_written_is_wrong_use(run, tmp_path):
    result = run("validate", write_file(tmp_path, TABLE), "--landing", "landing", "--svg", tmp_path / "none" / "graph.svg")
    assert result.exit_code == 2
    assert "graph.svg cannot be written: No such file or directory" in result.stderr


def test_a_definition_that_cannot_run_is_two_lines_and_exit_code_2(run, tmp_path):
    file = write_file(tmp_path, TABLE.replace('table("landing")', 'table("landnig")'))
    result = run("validate", file, "--landing", "landing")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error {file}:6: there is no stream named landnig\n   do Did you mean landing?\n"


def test_several_landing_topics_may_be_named(run, tmp_path):
    second = TABLE.replace("bronze", "other").replace('"landing")', '"second")')
    files = [write_file(tmp_path, TABLE), write_file(tmp_path, second, name="second.py")]
    result = run("validate", *files, "--landing", "landing", "--landing", "second", "--json")
    assert [table["reads"] for table in json.loads(result.stdout)["tables"]] == [["landing"], ["second"]]


def test_the_topics_of_a_broker_that_runs_may_be_read(run, tmp_path, monkeypatch):
    monkeypatch.setenv("PITLAKE_KAFKA", "somewhere:9092")
    monkeypatch.setattr(validate, "list_topics", lambda bootstrap: {"landing": 2} if bootstrap == "somewhere:9092" else {})
    assert run("validate", write_file(tmp_path, TABLE)).exit_code == 0


def test_without_a_broker_the_landing_topics_must_be_named(run, tmp_path):
    result = run("validate", write_file(tmp_path, TABLE))
    assert result.exit_code == 2
    assert "--landing" in result.stderr.splitlines()[1]


def test_nothing_is_left_behind(run, tmp_path):
    run("validate", write_file(tmp_path / "files", TABLE), "--landing", "landing")
    assert [path.name for path in tmp_path.iterdir()] == ["files"]
