"""The keys of the newest records of a topic, in a fixed amount of memory."""

from __future__ import annotations

from pitlake.ingest.identity import DIGEST_BYTES

_SLOTS = 32
_FILLED = 12
"""How many of a bucket's digests are counted on: of 12 on average, 32 or more come into one bucket once in a million times."""

_BUCKET_BYTES = _SLOTS * DIGEST_BYTES


class Window:
    """Remembers at least the last `length` digests that were added to it; older ones are forgotten in the order of their coming.

    A digest's hash chooses one of the buckets, which is a ring of places. All of it takes 43 bytes for each of `length`,
    whatever comes.
    """

    def __init__(self, length: int) -> None:
        self._buckets = -(-length // _FILLED)
        self._places = bytearray(self._buckets * _BUCKET_BYTES)
        self._next = bytearray(self._buckets)

    def add(self, digest: bytes) -> bool:
        """Remember a digest; whether it is new."""
        bucket = hash(digest) % self._buckets
        start = bucket * _BUCKET_BYTES
        if self._places.find(digest, start, start + _BUCKET_BYTES) >= 0:
            return False
        place = self._next[bucket]
        at = start + place * DIGEST_BYTES
        self._places[at : at + DIGEST_BYTES] = digest
        self._next[bucket] = (place + 1) % _SLOTS
        return True
