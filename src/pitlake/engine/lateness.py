"""How late a flow is: what Kafka holds that it has not read."""

from __future__ import annotations

import time
from collections.abc import Callable

from pitlake.engine.batches import Offsets
from pitlake.streams.consumers import waiting_since


def waited_seconds(bootstrap: str, offsets: Offsets, clock: Callable[[], float] = time.time) -> float:
    """For how long the oldest record at or after these offsets has waited since Kafka appended it; 0 when there is none.

    `clock` gives seconds since the epoch. Raises BrokerError, also for offsets that Kafka no longer has.
    """
    places = {topic: {int(partition): offset for partition, offset in its.items()} for topic, its in offsets.items()}
    since = waiting_since(bootstrap, places)
    return 0.0 if since is None else clock() - since / 1000
