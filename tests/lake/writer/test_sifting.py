"""What the headers say."""

from __future__ import annotations

import pytest

from pitlake.lake.writer.sifting import sift
from pitlake.streams.envelope import Marker, encode_epoch, encode_marker
from tests.support.writing import landing, record


def _row(offset, epoch=None, partition=0, **headers):
    return record(
        offset, landing(offset), partition=partition, **({} if epoch is None else {"epoch": encode_epoch(epoch)}), **headers
    )


_MARKER = encode_marker(Marker(flow="flow", batch_id=1, offsets={"landing": {"0": 7}}))


def _offsets(sifted):
    return [row.offset for row in sifted.rows]


def test_a_record_of_an_older_epoch_is_void():
    sifted = sift([_row(0, 2), _row(1, 1), _row(2, 2), _row(3, 3)], {})
    assert (_offsets(sifted), sifted.void, sifted.epochs) == ([0, 2, 3], [1], {0: 3})


def test_the_epoch_seen_in_an_earlier_batch_counts():
    assert sift([_row(0, 1)], {0: 2}).void == [1]


def test_each_partition_has_its_own_epoch():
    assert _offsets(sift([_row(0, 2, partition=0), _row(1, 1, partition=1)], {})) == [0, 1]


def test_a_record_without_an_epoch_is_a_row():
    assert _offsets(sift([_row(0, 5), _row(1)], {})) == [0, 1]


def test_a_marker_is_no_row():
    sifted = sift([record(0, b"", marker=_MARKER)], {})
    assert (sifted.rows, sifted.rejected) == ([], [])


def test_a_marker_of_an_older_epoch_is_void():
    assert sift([record(0, b"", epoch=encode_epoch(1), marker=_MARKER)], {0: 2}).void == [1]


@pytest.mark.parametrize("headers", [{"epoch": b"new"}, {"marker": b"{}"}, {"failed": b"["}, {"count": b"many"}])
def test_a_record_whose_headers_cannot_be_read_is_rejected(headers):
    sifted = sift([_row(0, **headers)], {})
    assert (sifted.rows, len(sifted.rejected)) == ([], 1)
