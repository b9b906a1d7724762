"""The headers of the envelope."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitlake.streams import envelope
from pitlake.streams.envelope import COUNT, DELETE, EPOCH, FAILED, MARKER, OP, REPLICA, Marker


@given(st.integers(0))
def test_an_epoch_is_read_as_it_was_written(epoch):
    assert envelope.epoch_of({EPOCH: envelope.encode_epoch(epoch)}) == epoch


@given(st.lists(st.text(st.characters(codec="utf-8"))))
def test_failed_expectations_are_read_as_they_were_written(names):
    assert envelope.failed_of({FAILED: envelope.encode_failed(names)}) == tuple(names)


def test_a_marker_is_read_as_it_was_written():
    marker = Marker(flow="flow", batch_id=7, offsets={"landing": {"0": 12}})
    assert envelope.marker_of({MARKER: envelope.encode_marker(marker)}) == marker


def test_a_record_without_headers_is_a_plain_row():
    assert envelope.epoch_of({}) is None
    assert envelope.count_of({}) is None
    assert envelope.failed_of({}) == ()
    assert envelope.marker_of({}) is None
    assert not envelope.is_delete({})
    assert not envelope.is_of_replica({})


def test_a_delete_says_so():
    assert envelope.is_delete({OP: DELETE})
    assert not envelope.is_delete({OP: b"update"})


def test_a_replica_s_record_says_so():
    assert envelope.is_of_replica({REPLICA: b""})


@pytest.mark.parametrize(
    ("read", "headers"),
    [
        (envelope.epoch_of, {EPOCH: b"new"}),
        (envelope.count_of, {COUNT: b"many"}),
        (envelope.failed_of, {FAILED: b"["}),
        (envelope.marker_of, {MARKER: b"{}"}),
    ],
)
def test_a_header_that_is_not_as_it_should_be_is_an_error(read, headers):
    with pytest.raises(ValueError):  # noqa: PT011 - the reader's own
        read(headers)
