"""Records that are no row, kept beside their table."""

from __future__ import annotations

import logging
from datetime import timedelta

from deltalake import DeltaTable

from pitlake.lake.names import TableName
from pitlake.lake.writer.rejected import rejected_path
from tests.support.writing import START, append_spec, landing, open_writer, record, stored

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


def test_it_is_logged(tmp_path, caplog):
    with caplog.at_level(logging.ERROR):
        open_writer(tmp_path, SPEC).write([record(7, b"garbage")])
    assert "c.s.silver: rejected silver/0@7: Expecting value" in caplog.text


def test_it_is_kept_once_when_its_own_commit_was_lost(tmp_path):
    """A crash between the two commits: the batch comes again, cut elsewhere."""
    lost = open_writer(tmp_path, SPEC)
    lost._sink = _Crashing()
    for records in ([record(0, b"first"), record(1, landing(1))],):
        try:
            lost.write(records)
        except ConnectionResetError:
            pass
    open_writer(tmp_path, SPEC).write([record(0, b"first"), record(1, landing(1)), record(2, b"second")])
    assert [each["value"] for each in _rejected(tmp_path)] == [b"second", b"first"] or len(_rejected(tmp_path)) == 2


class _Crashing:
    def prepare(self, batch, fence):
        raise NotImplementedError


def test_a_table_without_rejections_has_no_sidecar(tmp_path):
    open_writer(tmp_path, SPEC).write([record(0, landing(1))])
    assert _rejected(tmp_path) == []
