"""The command run in this process, away from the settings of whoever runs the tests, and a lake to ask."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pitlake.cli.main import app
from tests.support.writing import append_spec, landing, open_writer, record

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("PITLAKE_") and name != "PITLAKE_CACHE"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run() -> Run:
    """Run a command line, with a text on standard input if one is given."""
    return lambda *args, **keywords: CliRunner().invoke(app, [str(arg) for arg in args], **keywords)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose lake has one table, `c.s.silver`: three rows, of which one failed the expectation `positive`."""
    writer = open_writer(tmp_path / "home" / "lake", append_spec(expectations=("positive",)))
    writer.write([record(0, landing(0)), record(1, landing(1), failed=b'["positive"]'), record(2, landing(2))])
    return tmp_path / "home"
