from __future__ import annotations

import sys

import pytest
from pyspark.errors import AnalysisException

from pitlake.mining.databricks import statements, task


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A folder with the module `mine_task`, which prints what it is given."""
    (tmp_path / "mine_task.py").write_text("def main(*arguments):\n    print(*arguments)\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield str(tmp_path)
    sys.modules.pop("mine_task")


def test_a_task_calls_the_module_that_it_names_with_its_arguments(sources, capsys):
    task.main(sources, "mine_task", "a", "b")
    assert capsys.readouterr().out == "a b\n"


def test_statements_run_in_order_until_one_fails(spark, capsys):
    with pytest.raises(AnalysisException):
        statements.main("CREATE OR REPLACE TEMP VIEW one AS SELECT 1", "SELECT * FROM one", "SELECT * FROM nowhere", "SELECT 2")
    assert capsys.readouterr().out.splitlines() == [
        "CREATE OR REPLACE TEMP VIEW one AS SELECT 1",
        "SELECT * FROM one",
        "SELECT * FROM nowhere",
    ]
