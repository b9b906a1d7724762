"""Records that are no row, kept beside their table."""

from __future__ import annotations

import logging
from datetime import timedelta

from deltalake import DeltaTable

from pitlake.lake.names import TableName
from pitlake.lake.upkeep import COMPACT_EVERY
from pitlake.lake.writer.batches import Rejection
from pitlake.lake.writer.rejected import RejectedRecords, rejected_path
from tests.support.writing import START, Clock, append_spec, landing, open_writer, record, stored

SPEC = append_spec()


def _rejected(lake):
    path = rejected_path(str(lake), TableName.parse(SPEC.name))
    return DeltaTable(path).to_pyarrow_table().to_pylist() if DeltaTable.is_deltatable(path) else []


def test_a_rejected_record_is_kept_verbatim_with_its_place_and_the_reason(tmp_path):
    at = START + timedelta(milliseconds=5)
    note = open_writer(tmp_path, SPEC).write([record(7, b"\xff{", at=at), record(8, landing(1))])
    kept = _rejected(tmp_path)[0]
    assert (kept["topic"], kept["partition"], kept["offset"], kept["timestamp"]) == ("silver", 0, 7, at)
    assert (kept["key"], kept["value"]) == (b"flow/00000", b"\xff{")
    assert "utf-8" in kept["reason"]
    assert (note.rejected, note.totals.rejected, len(stored(tmp_path, SPEC))) == (1, 1, 1)


def test_half_of_a_surrogate_pair_is_kept_too(tmp_path):
    value = b'{"landing_id": "\\ud800", "batch_index": 0}'
    note = open_writer(tmp_path, SPEC).write([record(0, value), record(1, landing(1))])
    assert (note.rejected, note.rows, _rejected(tmp_path)[0]["value"]) == (1, 1, value)


def test_it_is_logged(tmp_path, caplog):
    with caplog.at_level(logging.ERROR):
        open_writer(tmp_path, SPEC).write([record(7, b"garbage")])
    assert "c.s.silver: rejected silver/0@7: Expecting value" in caplog.text


def test_a_record_that_comes_again_after_a_crash_is_kept_once(tmp_path):
    """The table's own commit was lost, and the batch is cut elsewhere the second time."""
    first, second = (Rejection(record(offset, b"garbage"), "no row") for offset in (0, 2))
    for rejections, end in ([first], 2), ([first, second], 3):
        RejectedRecords(str(tmp_path), TableName.parse(SPEC.name), SPEC.topic).keep(rejections, {"silver/0": end})
    assert sorted(each["offset"] for each in _rejected(tmp_path)) == [0, 2]


def test_a_table_without_rejections_has_no_sidecar(tmp_path):
    open_writer(tmp_path, SPEC).write([record(0, landing(1))])
    assert _rejected(tmp_path) == []


def test_many_small_files_become_few(tmp_path):
    clock = Clock()
    writer = open_writer(tmp_path, SPEC, clock=clock)
    for offset in range(25):
        writer.write([record(offset, b"garbage")])
    clock.forward(seconds=COMPACT_EVERY.total_seconds())
    for _ in range(3):
        writer.maintain()
    writer.write([record(25, b"garbage")])
    assert len(_rejected(tmp_path)) == 26
    assert len(DeltaTable(rejected_path(str(tmp_path), TableName.parse(SPEC.name))).file_uris()) == 2
