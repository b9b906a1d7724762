"""The envelope in which a table's row travels on the table's topic.

value    the row as one JSON object; timestamps are ISO 8601 in UTC with microseconds (`2026-02-15T04:12:09.113000Z`), dates
         `YYYY-MM-DD`, a MAP is a list of `{"key": …, "value": …}`, NULL fields are absent
key      append tables: the lane, within which rows arrive in key order; other tables: the key columns as JSON
headers  `epoch`   the driver's epoch, ASCII decimal; a record of an older epoch than one seen before is void
         `failed`  JSON list of the expectations that this kept row failed; absent when there are none
         `op`      `delete` when a CDC row removes its key
         `marker`  JSON of `Marker`: no row, but a note that a batch has been committed (the value is empty)
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

EPOCH = "epoch"
FAILED = "failed"
OP = "op"
MARKER = "marker"
DELETE = b"delete"


class Marker(BaseModel):
    """A flow has committed a batch: every landing record below `offsets` (topic → partition → next offset) is in the table's topic."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flow: str
    batch_id: int
    offsets: dict[str, dict[str, int]]
