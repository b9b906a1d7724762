"""Latencies as mergeable histograms with logarithmic buckets: any percentile to within five per cent, in a few dozen integers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ConfigDict, RootModel

SHORTEST = 1e-4
LONGEST = 30 * 86_400.0
"""Seconds. Shorter (and negative) latencies count as the one, longer as the other."""

_GROWTH = 1.1
_LOG_GROWTH = math.log(_GROWTH)


class Histogram(RootModel[dict[int, int]]):
    """How many latencies fell into each bucket; bucket `k` holds those in `(1.1^(k-1), 1.1^k]` seconds."""

    model_config = ConfigDict(frozen=True)

    root: dict[int, int] = {}

    @classmethod
    def of(cls, seconds: pa.Array | pa.ChunkedArray | Iterable[float]) -> Histogram:
        """The histogram of latencies in seconds; NULL and NaN are left out."""
        values = seconds if isinstance(seconds, (pa.Array, pa.ChunkedArray)) else pa.array(seconds, pa.float64())
        values = values.filter(pc.is_finite(values))
        clamped = pc.min_element_wise(pc.max_element_wise(values, SHORTEST), LONGEST)
        buckets = pc.cast(pc.ceil(pc.divide(pc.ln(clamped), _LOG_GROWTH)), pa.int32())
        return cls({entry["values"]: entry["counts"] for entry in pc.value_counts(buckets).to_pylist()})

    @property
    def count(self) -> int:
        """How many latencies there are."""
        return sum(self.root.values())

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(dict(Counter(self.root) + Counter(other.root)))

    def shifted(self, seconds: float) -> Histogram:
        """Every latency longer by `seconds`: what the histogram would be, had a later stage of one known length been added."""
        moved: Counter[int] = Counter()
        for bucket, count in self.root.items():
            moved[_bucket(_middle(bucket) + seconds)] += count
        return Histogram(dict(moved))

    def percentile(self, share: float) -> float | None:
        """The latency in seconds that `share` (0 to 1) of them do not exceed, or None when there is none."""
        if not self.root:
            return None
        rank = max(1, math.ceil(share * self.count))
        for bucket in sorted(self.root):
            rank -= self.root[bucket]
            if rank <= 0:
                return _middle(bucket)
        return _middle(max(self.root))


def _bucket(seconds: float) -> int:
    return math.ceil(math.log(min(max(seconds, SHORTEST), LONGEST)) / _LOG_GROWTH)


def _middle(bucket: int) -> float:
    """The value whose relative distance to both ends of the bucket is the same."""
    return float(2 * _GROWTH**bucket / (_GROWTH + 1))
