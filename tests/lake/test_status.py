"""How tables stand, by their own commits."""

from __future__ import annotations

from pitlake.lake.commits import Tally
from pitlake.lake.names import TableName
from pitlake.lake.status import Arrivals, lake_status, table_status
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


def test_arrivals_follow_the_commits_with_rows(tmp_path):
    spec = append_spec()
    name = TableName.parse(spec.name)
    writer = open_writer(tmp_path, spec)
    arrivals = Arrivals(str(tmp_path), name)
    assert arrivals.newest() is None
    seen = []
    for offset in range(3):
        writer.write([record(offset, landing(offset))])
        seen.append(arrivals.newest())
        assert seen[-1] == arrivals.newest() == table_status(str(tmp_path), name).last_commit
    assert seen == sorted(set(seen))
