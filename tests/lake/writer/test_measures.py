"""Tallies and latencies of stored rows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pitlake.lake.commits import Tally
from pitlake.lake.spec import Column
from pitlake.lake.writer.batches import Layout, read_batch
from pitlake.lake.writer.measures import latencies, tallies
from tests.support.writing import START, append_spec, landing, record, stamp

TIMES = (Column(name="event", type="TIMESTAMP"), Column(name="ingested", type="TIMESTAMP"))
SPEC = append_spec(
    columns=(*append_spec().columns, *TIMES), event_time="event", ingestion_time="ingested", expectations=("a", "b")
)


def _batch(*records):
    return read_batch(records, Layout.of(SPEC))[0]


def _timed(offset, event, ingested, processed):
    times = {"event": stamp(START + timedelta(seconds=event)), "ingested": stamp(START + timedelta(seconds=ingested))}
    return record(offset, {**landing(offset), **times}, at=START + timedelta(seconds=processed))


def test_every_expectation_is_tallied_over_the_stored_rows():
    batch = _batch(record(0, landing(0), failed=b'["a"]'), record(1, landing(1)), record(2, landing(2), failed=b'["a","b"]'))
    assert tallies(SPEC, batch) == {"a": Tally(passed=1, failed=2), "b": Tally(passed=2, failed=1)}


def test_each_stage_is_measured_in_seconds():
    commit = int((START + timedelta(seconds=10)).timestamp() * 1000)
    found = latencies(SPEC, _batch(_timed(0, event=1, ingested=3, processed=7)), commit)
    assert {stage: histogram.percentile(0.5) for stage, histogram in found.items()} == {
        "event_to_ingestion": pytest.approx(2, rel=0.05),
        "ingestion_to_processed": pytest.approx(4, rel=0.05),
        "processed_to_commit": pytest.approx(3, rel=0.05),
        "event_to_commit": pytest.approx(9, rel=0.05),
    }


def test_a_row_without_a_time_is_left_out_of_its_stages():
    found = latencies(SPEC, _batch(record(0, landing(0))), int(START.timestamp() * 1000))
    assert {stage: histogram.count for stage, histogram in found.items()} == {
        "event_to_ingestion": 0,
        "ingestion_to_processed": 0,
        "processed_to_commit": 1,
        "event_to_commit": 0,
    }


def test_no_rows_have_no_latency():
    assert latencies(SPEC, _batch(), 0) == {}
