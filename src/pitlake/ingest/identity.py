"""What tells one record from another, and whose it is.

A record is known by a digest of its bytes. They hold the source and the `message_id` or `event_id`, so two gateways that both
start at "1" differ, and so do two records to which a gateway gave the same id by mistake.
"""

from __future__ import annotations

import re
from hashlib import sha256

DIGEST_BYTES = 16

_SOURCE = re.compile(rb'"source(?:_system)?"\s*:\s*"([^"\\]{1,256})"')


def digest(value: bytes) -> bytes:
    """128 bits of SHA-256: that among 10¹² records one is taken for another has a chance below 10⁻¹⁴."""
    return sha256(value).digest()[:DIGEST_BYTES]


def source_of(value: bytes, default: bytes) -> bytes:
    """The first `source` or `source_system` that the JSON text names: records of one source stay in order, in one partition.

    The text is searched and not parsed. One that names none goes with `default`.
    """
    found = _SOURCE.search(value)
    return found[1] if found else default
