"""What tells one record from another, and whose it is.

A record is known by a digest of its bytes. They hold the source and the `message_id` or `event_id`, so two gateways that both
start at "1" differ, and so do two records to which a gateway gave the same id by mistake.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from itertools import repeat

from xxhash import xxh3_128_digest

DIGEST_BYTES = 16

# Another in each process, so that two records that were once taken for one are not always.
_SEED = secrets.randbits(64)
_find_source = re.compile(rb'"source(?:_system)?"\s*:\s*"([^"\\]{1,256})"').search


def digests(values: Iterable[bytes]) -> Iterator[bytes]:
    """128 bits for each record: that among 10¹² one is taken for another has a chance below 10⁻¹⁴, unless somebody made it so.

    XXH3 is no cryptographic hash. Who wants to may find records that are taken for one, and loses one of their own. Never store a
    digest: the next process has others.
    """
    return map(xxh3_128_digest, values, repeat(_SEED))


def source_of(value: bytes, default: bytes) -> bytes:
    """The first `source` or `source_system` that the JSON text names: records of one source stay in order, in one partition.

    The text is searched and not parsed. One that names none goes with `default`.
    """
    found = _find_source(value)
    return found[1] if found else default
