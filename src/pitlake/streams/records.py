"""A record as it was read from a topic."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Record(NamedTuple):
    """One record; `timestamp` is its broker append time in milliseconds since the epoch, UTC.

    A tuple, as there are tens of thousands at a time, and a frozen dataclass takes longer to make.
    """

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes] = MappingProxyType({})
