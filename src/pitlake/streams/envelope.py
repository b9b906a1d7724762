"""The envelope in which a table's row travels on the table's topic.

value    the row as one JSON object; timestamps are ISO 8601 in UTC with microseconds (`2026-02-15T04:12:09.113000Z`), dates
         `YYYY-MM-DD`, a MAP is a list of `{"key": …, "value": …}`, NULL fields are absent
key      append tables: the lane, to which a query sends landing records in order; other tables: the key columns as JSON
headers  `epoch`   the driver's epoch, ASCII decimal; a record of an older epoch than one seen before is void
         `count`   the row's count, ASCII decimal, where the table has one: rows that a higher one overtakes need not be read
         `failed`  JSON list of the expectations that this kept row failed; absent when there are none
         `op`      `delete` when a CDC row removes its key
         `replica` present where the second query of a replicated flow has sent the row
         `refresh` the refresh that a materialized view's row belongs to, ASCII decimal; the rows replace the table as a whole
                   when the marker of that batch arrives
         `marker`  JSON of `Marker`: no row, but a note that a batch has been committed (the value is empty); sent to every
                   partition of the topic
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
from pydantic import BaseModel, ConfigDict

EPOCH = "epoch"
COUNT = "count"
FAILED = "failed"
OP = "op"
REPLICA = "replica"
REFRESH = "refresh"
MARKER = "marker"
DELETE = b"delete"


class Marker(BaseModel):
    """A flow has committed a batch: every landing record below `offsets` is in the table's topic.

    `offsets` is topic → partition → next offset. Of a refresh, `batch_id` is its id and `rows` the number of its records, which
    all come before the marker in its partition.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    flow: str
    batch_id: int
    offsets: dict[str, dict[str, int]]
    rows: int | None = None


def encode_epoch(epoch: int) -> bytes:
    """The value of the `epoch` header."""
    return str(epoch).encode()


def epoch_of(headers: Mapping[str, bytes]) -> int | None:
    """The record's epoch, or None when it bears none. Raises ValueError when the header is no number."""
    value = headers.get(EPOCH)
    return None if value is None else int(value)


def count_of(headers: Mapping[str, bytes]) -> int | None:
    """The count of the record's row, or None when it bears none. Raises ValueError when the header is no number."""
    value = headers.get(COUNT)
    return None if value is None else int(value)


def encode_failed(names: Sequence[str]) -> bytes:
    """The value of the `failed` header."""
    return orjson.dumps(list(names))


def failed_of(headers: Mapping[str, bytes]) -> tuple[str, ...]:
    """The names of the expectations that the record's row failed. Raises ValueError when the header is no JSON."""
    value = headers.get(FAILED)
    return () if value is None else tuple(orjson.loads(value))


def encode_refresh(refresh: int) -> bytes:
    """The value of the `refresh` header."""
    return str(refresh).encode()


def refresh_of(headers: Mapping[str, bytes]) -> int | None:
    """The refresh that the record's row belongs to; None when it bears none. Raises ValueError when the header is no number."""
    value = headers.get(REFRESH)
    return None if value is None else int(value)


def is_delete(headers: Mapping[str, bytes]) -> bool:
    """Whether the record removes its key."""
    return headers.get(OP) == DELETE


def is_of_replica(headers: Mapping[str, bytes]) -> bool:
    """Whether the second query of a replicated flow sent the record."""
    return REPLICA in headers


def encode_marker(marker: Marker) -> bytes:
    """The value of the `marker` header."""
    return marker.model_dump_json().encode()


def marker_of(headers: Mapping[str, bytes]) -> Marker | None:
    """The marker that the record is, or None when it is a row. Raises ValueError when the header is no marker."""
    value = headers.get(MARKER)
    return None if value is None else Marker.model_validate_json(value)
