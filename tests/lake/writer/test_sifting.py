"""What the headers say."""

from __future__ import annotations

import pytest

from pitlake.lake.writer.sifting import landing_offsets, sift
from pitlake.streams.envelope import Marker, encode_epoch, encode_marker
from tests.support.writing import landing, record


def _row(offset, epoch=None, partition=0, **headers):
    return record(
        offset, landing(offset), partition=partition, **({} if epoch is None else {"epoch": encode_epoch(epoch)}), **headers
    )


def _marker(flow="flow", **offsets):
    return Marker(
        flow=flow, batch_id=1, offsets={"landing": {name.removeprefix("p"): offset for name, offset in offsets.items()}}
    )


def _offsets(sifted):
    return [row.offset for row in sifted.rows]


def test_a_record_of_an_older_epoch_is_void():
    sifted = sift([_row(0, 2), _row(1, 1), _row(2, 2), _row(3, 3)], {}, {})
    assert (_offsets(sifted), sifted.void, sifted.epochs) == ([0, 2, 3], 1, {0: 3})


def test_the_epoch_seen_in_an_earlier_batch_counts():
    assert sift([_row(0, 1)], {0: 2}, {}).void == 1


def test_each_partition_has_its_own_epoch():
    assert _offsets(sift([_row(0, 2, partition=0), _row(1, 1, partition=1)], {}, {})) == [0, 1]


def test_a_record_without_an_epoch_is_a_row():
    assert _offsets(sift([_row(0, 5), _row(1)], {}, {})) == [0, 1]


def test_a_marker_is_no_row_and_is_noted():
    marker = _marker(p0=7)
    sifted = sift([record(0, b"", marker=encode_marker(marker))], {}, {})
    assert (sifted.rows, sifted.rejected, sifted.markers) == ([], [], {0: {"flow": marker}})


def test_a_marker_of_an_older_epoch_is_void():
    sifted = sift([record(0, b"", epoch=encode_epoch(1), marker=encode_marker(_marker(p0=7)))], {0: 2}, {})
    assert (sifted.markers, sifted.void) == ({}, 1)


@pytest.mark.parametrize("headers", [{"epoch": b"new"}, {"marker": b"{}"}, {"failed": b"["}])
def test_a_record_whose_headers_cannot_be_read_is_rejected(headers):
    sifted = sift([_row(0, **headers)], {}, {})
    assert (sifted.rows, len(sifted.rejected)) == ([], 1)


def test_the_landing_offset_is_the_lowest_over_the_partitions():
    markers = {0: {"flow": _marker(p0=7, p1=3)}, 1: {"flow": _marker(p0=5, p1=4)}}
    assert landing_offsets(markers, [0, 1]) == {"flow": {"landing": {"0": 5, "1": 3}}}


def test_a_flow_counts_once_every_partition_has_its_marker():
    assert landing_offsets({0: {"flow": _marker(p0=7)}}, [0, 1]) == {}


def test_flows_have_landing_offsets_of_their_own():
    markers = {0: {"a": _marker("a", p0=7), "b": _marker("b", p0=9)}}
    assert landing_offsets(markers, [0]) == {"a": {"landing": {"0": 7}}, "b": {"landing": {"0": 9}}}
