"""What runs on Databricks imports nothing that its runtime lacks, and nothing of pitlake but the application."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.mining.databricks.deployed import ROOT

SOURCES = ROOT / "src"
IN_THE_RUNTIME = {"pyarrow", "pyspark"}
ROOM = "pitlake.mining"
STARTED = (
    "pitlake.mining.pipeline",
    "pitlake.mining.databricks.quarantine",
    "pitlake.mining.databricks.realtime",
    "pitlake.mining.databricks.task",
    "pitlake.mining.databricks.set_up",
    "pitlake.mining.databricks.check",
    "pitlake.mining.databricks.statements",
)


def file_of(module: str) -> Path | None:
    path = SOURCES / module.replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def imports(source: str) -> set[str]:
    """The modules that executing a source imports: what is under TYPE_CHECKING is left out."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{node.module}: a relative import"
            found |= {node.module, *(name for name in (f"{node.module}.{alias.name}" for alias in node.names) if file_of(name))}
        waiting.extend(ast.iter_child_nodes(node))
    return found


def reached(started: tuple[str, ...]) -> tuple[set[str], set[str]]:
    """The modules of pitlake, and those of others, that are imported when these are."""
    ours: set[str] = set()
    others: set[str] = set()
    waiting = list(started)
    while waiting:
        module = waiting.pop()
        if module in ours:
            continue
        ours.add(module)
        file = file_of(module)
        assert file, f"{module} is not among the sources"
        found = imports(file.read_text()) | {module.rpartition(".")[0]} - {""}
        waiting.extend(name for name in found if name.partition(".")[0] == "pitlake")
        others |= {name.partition(".")[0] for name in found} - {"pitlake"}
    return ours, others


def test_the_runtime_has_every_library_that_is_imported():
    _, others = reached(STARTED)
    assert others - set(sys.stdlib_module_names) - IN_THE_RUNTIME == set()


def test_of_pitlake_only_the_application_is_imported():
    ours, _ = reached(STARTED)
    assert {name for name in ours if name != "pitlake" and not name.startswith(ROOM)} == set()


@pytest.mark.parametrize("module", ["pitlake.mining.databricks.resources", "pitlake.mining.databricks.genie"])
def test_what_runs_when_the_bundle_is_deployed_is_not_deployed_with_it(module):
    assert module not in reached(STARTED)[0]


def test_an_import_that_the_runtime_lacks_would_be_found():
    assert reached(("pitlake.mining.databricks.definitions",))[1] & {"sqlglot"}
