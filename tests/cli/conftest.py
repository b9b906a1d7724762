"""The command run in this process, away from the settings of whoever runs the tests, and a lake to ask."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pitlake.cli.main import app
from pitlake.cli.settings import Settings
from pitlake.engine.event_log import event_log_spec
from pitlake.engine.events import Event, Update, event_row, update_created
from tests.support.writing import START, append_spec, landing, open_writer, record

Run = Callable[..., Result]
Tell = Callable[..., None]


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
def tell(tmp_path: Path) -> Tell:
    """Have an update of a pipeline file told in the event log of `home`, with further events; later epochs are told later."""

    def update_of(file: Path, *events: Event, epoch: int = 1) -> None:
        settings = Settings(home=tmp_path / "home")
        update = Update(settings.catalog, settings.schema_, epoch)
        created = update_created(update, {"libraries": [{"file": str(file)}]}, "somebody")
        rows = [event_row(event, update, number, START) for number, event in enumerate((created, *events))]
        writer = open_writer(tmp_path / "home" / "lake", event_log_spec(settings.catalog, settings.schema_))
        first = (writer.offsets or {}).get(0, 0)
        writer.write([record(first + number, row) for number, row in enumerate(rows)])

    return update_of


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose lake has one table, `c.s.silver`: three rows, of which one failed the expectation `positive`."""
    writer = open_writer(tmp_path / "home" / "lake", append_spec(expectations=("positive",)))
    writer.write([record(0, landing(0)), record(1, landing(1), failed=b'["positive"]'), record(2, landing(2))])
    return tmp_path / "home"
