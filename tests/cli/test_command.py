"""The command as a process of its own: exit codes, streams, signals, completion."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.definitions import write_file


def _argv(*args):
    return [sys.executable, "-m", "pitlake", *map(str, args)]


def _pitlake(*args, **keywords):
    return subprocess.run(_argv(*args), capture_output=True, text=True, timeout=120, check=False, **keywords)


def test_help_is_a_result_and_wrong_use_is_not():
    well, wrong = _pitlake("--help"), _pitlake("--nonsense")
    assert (well.returncode, well.stderr) == (0, "")
    assert (wrong.returncode, wrong.stdout) == (2, "")


def test_help_imports_no_engine():
    code = "import sys, pitlake.cli.main; print([m for m in ('pyspark', 'deltalake', 'duckdb', 'pydantic') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("module", "foreign"),
    [
        ("demo", ("pyspark", "duckdb", "starlette")),
        ("writer", ("pyspark", "duckdb", "starlette")),
        ("endpoint", ("pyspark", "duckdb", "deltalake")),
        ("simulate", ("pyspark", "duckdb", "deltalake", "starlette")),
    ],
)
def test_a_part_loads_nothing_of_the_others(module, foreign):
    """All of them start at once, and share the processors with Spark."""
    code = f"import sys, pitlake.cli.{module}; print([m for m in {foreign} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_reader_that_has_seen_enough_ends_the_command_quietly(home):
    statement = "SELECT explode(sequence(1, 200000)) AS n"
    with subprocess.Popen(
        _argv("sql", statement, "--format", "csv"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().strip() == "n"
        process.stdout.close()
        assert process.stderr.read() == ""


def test_watching_ends_well_with_ctrl_c(home):
    with subprocess.Popen(
        _argv("status", "--watch", "--json", "--home", home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert json.loads(process.stdout.readline())["tables"]
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_a_pipeline_is_validated_without_a_broker(tmp_path):
    file = write_file(
        tmp_path,
        """
        @dp.table
        def messages():
            return spark.readStream.table("landing").select(F.col("value").cast("string").alias("text"))
        """,
    )
    result = _pitlake("validate", file, "--landing", "landing", "--json")
    assert result.returncode == 0, result.stderr
    assert [(table["name"], table["mode"]) for table in json.loads(result.stdout)["tables"]] == [("messages", "append")]


@pytest.mark.parametrize(
    ("typed", "offered"), [("pitlake st", "status"), ("pitlake demo --st", "--story"), ("pitlake sql --format j", "json")]
)
def test_the_shell_completes_commands_options_and_choices(typed, offered):
    script = Path(sys.executable).with_name("pitlake")
    words = {"_PITLAKE_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    result = subprocess.run([script], env={**os.environ, **words}, capture_output=True, text=True, check=True)
    assert result.stdout.split() == [offered]
