"""The three shifts, in the site's own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta

TIME_ZONE = "Australia/Perth"

UTC_OFFSET = timedelta(hours=8)
"""Perth keeps no daylight saving time, so code without a time zone database can use the offset."""


@dataclass(frozen=True)
class Shift:
    """From `start_time` up to `end_time` of the local day. One that crosses midnight belongs to the date on which it began."""

    shift_id: str
    shift_name: str
    start_time: time
    end_time: time
    shift_type: str


SHIFTS: tuple[Shift, ...] = (
    Shift("SHIFT_1", "DAY", time(6), time(14), "Day"),
    Shift("SHIFT_2", "AFTERNOON", time(14), time(22), "Evening"),
    Shift("SHIFT_3", "NIGHT", time(22), time(6), "Night"),
)
