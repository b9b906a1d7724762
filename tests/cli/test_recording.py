"""What is gathered of a run for its report."""

from __future__ import annotations

from datetime import UTC, datetime

from pitlake.cli.recording import Recording
from pitlake.cli.settings import Settings
from pitlake.cli.system import MINING_PIPELINE
from pitlake.engine.events import flow_defined
from pitlake.lake import history
from tests.support.waiting import await_that
from tests.support.writing import append_spec

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_a_run_is_told_in_the_file(home, tell, tmp_path):
    tell(MINING_PIPELINE, flow_defined("silver", append_spec(), {"mining_ot_stream"}))
    run = Recording(Settings(home=home), LONG_AGO)
    with run:
        pass
    run.close(LONG_AGO)
    run.write(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert ("silver" in page, "positive" in page, "mining_ot_stream" in page) == (True, True, True)


def test_latencies_are_gathered_while_the_run_lasts(home, monkeypatch):
    monkeypatch.setattr(history, "LOOK_SECONDS", 0.01)
    run = Recording(Settings(home=home), LONG_AGO)
    with run:
        await_that(lambda: any(each.history for each in run._history._followed.values()), "the table was looked at")


def test_a_run_before_whose_end_no_table_was_made_is_told_too(tmp_path):
    run = Recording(Settings(home=tmp_path / "home"), LONG_AGO)
    run.close(LONG_AGO)
    run.write(tmp_path / "report.html")
    assert "0 of 0" in (tmp_path / "report.html").read_text()
