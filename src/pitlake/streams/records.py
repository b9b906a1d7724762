"""A record as it was read from a topic."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Record(NamedTuple):
    """One record; `timestamp` is its broker append time in milliseconds since the epoch, UTC.

    A tuple of plain values, as there are tens of thousands at a time: it is made in a third of the time that a dataclass takes,
    and Python's garbage collector soon leaves it alone.
    """

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes] = MappingProxyType({})
