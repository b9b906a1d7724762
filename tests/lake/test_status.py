"""How tables stand, by their own commits."""

from __future__ import annotations

from pitlake.lake.commits import Tally
from pitlake.lake.status import lake_status
from pitlake.streams.envelope import encode_failed
from tests.support.writing import append_spec, landing, open_writer, record


def test_rows_in_quarantine_count_in_their_tables_expectations(tmp_path):
    spec = append_spec(expectations=("known",))
    quarantine = spec.model_copy(update={"name": "c.s.silver_quarantine", "topic": "silver_quarantine"})
    open_writer(tmp_path, spec).write([record(0, landing(0))])
    open_writer(tmp_path, quarantine).write([record(0, landing(1), failed=encode_failed(["known"]))])
    assert {status.name.name: status.expectations for status in lake_status(str(tmp_path))} == {
        "silver": {"known": Tally(passed=1, failed=1)},
        "silver_quarantine": {},
    }
