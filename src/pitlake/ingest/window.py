"""The keys of the newest records of a topic, in a fixed amount of memory."""

from __future__ import annotations

from collections.abc import Iterable

from pitlake.ingest.identity import DIGEST_BYTES

_SLOTS = 32
_FILLED = 12
"""How many of a bucket's digests are counted on: of 12 on average, 32 or more come into one bucket once in a million times."""

_BUCKET_BYTES = _SLOTS * DIGEST_BYTES


class Window:
    """Remembers at least the last `length` digests that were added to it; older ones are forgotten in the order of their coming.

    A digest's hash chooses one of the buckets, which is a ring of places. All of it takes less than 46 bytes for each of
    `length`, whatever comes.
    """

    def __init__(self, length: int) -> None:
        self._buckets = -(-length // _FILLED)
        self._places = bytearray(self._buckets * _BUCKET_BYTES)
        # The first byte of what is in each place, mostly all that is asked: the places are too many for the processor's cache.
        self._tags = bytearray(self._buckets * _SLOTS)
        # Python writes a slice through a view in a third of the time.
        self._writable = memoryview(self._places)
        self._next = bytearray(self._buckets)

    def add(self, digests: Iterable[bytes]) -> list[bytes]:
        """Remember digests; gives those that were known already."""
        buckets, places, tags, writable, next_place = self._buckets, self._places, self._tags, self._writable, self._next
        known = []
        for digest in digests:
            bucket = hash(digest) % buckets
            first, tag = bucket * _SLOTS, digest[0]
            start = first * DIGEST_BYTES
            if tags.find(tag, first, first + _SLOTS) >= 0 and places.find(digest, start, start + _BUCKET_BYTES) >= 0:
                known.append(digest)
            else:
                place = next_place[bucket]
                at = start + place * DIGEST_BYTES
                writable[at : at + DIGEST_BYTES] = digest
                tags[first + place] = tag
                next_place[bucket] = (place + 1) % _SLOTS
        return known
