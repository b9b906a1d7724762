"""The simulator's promise: what its ledger calls a reading is what silver makes of the messages, and nothing else."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from pitlake.mining.simulator.config import StoryStart
from pitlake.mining.simulator.gateways import site_messages
from pitlake.mining.simulator.stories import StoryName

START = datetime(2026, 2, 15, 4, 0, tzinfo=UTC)
EVERY_FAULT = timedelta(seconds=101)


def test_silver_has_exactly_the_readings_of_the_ledger(silver_rows):
    stories = [StoryStart(name=name) for name in StoryName]
    sent = itertools.takewhile(lambda m: m.sent_at < START + EVERY_FAULT, site_messages(1, START, stories))
    messages = [m for m in sent if (m.fault or m.sent_at.second % 10 == 0) and not m.resent]
    rows = silver_rows(*(m.value for m in messages), at=START + timedelta(hours=1))
    found = [
        (
            r.landing_id,
            r.equipment_id,
            r.sensor_name,
            r.sensor_text if r.sensor_value is None else r.sensor_value,
            r.event_timestamp,
        )
        for r in rows
        if r.equipment_id is not None
        and r.event_timestamp is not None
        and (r.sensor_value is not None or r.sensor_text is not None)
    ]
    assert {m.fault for m in messages if m.fault} >= {"truncated-json", "far-future", "invalid-utf8"}
    assert sorted(found) == sorted(
        (f"00000-{n:019d}", r.equipment_id, r.sensor_name, r.value, r.event_timestamp)
        for n, m in enumerate(messages)
        for r in m.readings
    )
