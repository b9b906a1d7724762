"""What is gathered of a run for its report."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pitlake.cli import recording
from pitlake.cli.outline import Kind, Outline
from pitlake.cli.recording import Recording
from pitlake.cli.settings import Settings
from tests.support.waiting import await_that

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _pipeline_without_spark(monkeypatch):
    outline = Outline(tables=(), sinks=(), kinds={"mining_ot_stream": Kind.LANDING}, reads={}, static=())
    monkeypatch.setattr(recording, "validate", lambda settings, files, landing: outline)


def test_a_run_is_told_in_the_file(home, tmp_path):
    run = Recording(Settings(home=home), LONG_AGO)
    with run:
        pass
    run.close(LONG_AGO)
    run.write(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert ("silver" in page, "positive" in page, "mining_ot_stream" in page) == (True, True, True)


def test_latencies_are_gathered_while_the_run_lasts(home, monkeypatch):
    monkeypatch.setattr(recording, "LOOK_SECONDS", 0.01)
    run = Recording(Settings(home=home), LONG_AGO)
    with run:
        await_that(lambda: run._history.tables or run._history._seen, "the table was looked at")


def test_a_run_before_whose_end_no_table_was_made_is_told_too(tmp_path):
    run = Recording(Settings(home=tmp_path / "home"), LONG_AGO)
    run.close(LONG_AGO)
    run.write(tmp_path / "report.html")
    assert "0 of 0" in (tmp_path / "report.html").read_text()
