"""What tells records apart, and which of them keep their order."""

from __future__ import annotations

import pytest

from pitlake.ingest.identity import DIGEST_BYTES, digests, source_of


def test_records_of_two_gateways_that_both_start_at_one_differ():
    assert len(set(digests([b'{"source":"a","message_id":"1"}', b'{"source":"b","message_id":"1"}']))) == 2


def test_records_with_the_same_id_and_another_content_differ():
    assert len(set(digests([b'{"message_id":"1","v":1}', b'{"message_id":"1","v":2}']))) == 2


def test_a_record_that_comes_again_has_the_digest_it_had():
    record = b'{"message_id":"1","v":1}'
    assert list(digests([record])) == list(digests([record]))


def test_a_digest_is_as_long_as_the_window_takes_it():
    assert [len(digest) for digest in digests([b"", b"{}"])] == [DIGEST_BYTES] * 2


@pytest.mark.parametrize(
    ("value", "source"),
    [
        (b'{"source":"g1","batch":[]}', b"g1"),
        (b'{"event_id":"1","source_system" : "g2"}', b"g2"),
        (b'{"resource":"x"}', b"client"),
        (b'{"source":5}', b"client"),
        (b"\xff not json", b"client"),
    ],
)
def test_a_record_goes_with_its_source_or_else_with_its_client(value, source):
    assert source_of(value, b"client") == source
