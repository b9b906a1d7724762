from __future__ import annotations

import base64
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from pitlake.errors import BrokerError
from pitlake.mining.simulator import SimulatorConfig, StoryName, StoryStart, WallClock, run_simulator
from pitlake.mining.simulator.gateways import TICK

TEN_SECONDS = timedelta(seconds=10)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_what_is_sent_is_what_the_site_says(clock, sender, sent_within):
    run_simulator(SimulatorConfig(duration=TEN_SECONDS), sender, clock)
    assert sender.sent == [(m.source.encode(), m.value) for m in sent_within(TEN_SECONDS)]


def test_without_a_start_the_run_begins_now_in_whole_milliseconds(clock, sender):
    clock.time = datetime(2026, 2, 15, 4, 0, 0, 123_987, tzinfo=UTC)
    run_simulator(SimulatorConfig(duration=TICK), sender, clock)
    assert json.loads(sender.sent[0][1])["timestamp"] == "2026-02-15T04:00:00.123Z"


def test_a_message_is_sent_at_its_event_time(clock, sender, start):
    run_simulator(SimulatorConfig(start=start, duration=TEN_SECONDS), sender, clock)
    assert clock.waited_for[:3] == [start, start + TICK / 2, start + TICK]


def test_at_ten_times_the_speed_ten_seconds_pass_in_one(clock, sender, start):
    config = SimulatorConfig(start=start - timedelta(hours=1), duration=TEN_SECONDS, speed=10)
    run_simulator(config, sender, clock)
    assert clock.now() - start <= timedelta(seconds=1)


def test_a_fast_run_never_overtakes_the_clock(clock, sender, start):
    run_simulator(SimulatorConfig(start=start - TEN_SECONDS, duration=3 * TEN_SECONDS, speed=1000), sender, clock)
    stamps = [datetime.fromisoformat(json.loads(value)["timestamp"]) for _, value in sender.sent]
    assert all(stamp <= sent for stamp, sent in zip(stamps, clock.waited_for, strict=False))


def test_a_run_stops_when_the_clock_says_so_and_flushes(clock, sender, start):
    clock.stops_at = start + timedelta(seconds=2)
    summary = run_simulator(SimulatorConfig(), sender, clock)
    assert (summary.messages, sender.flushed) == (len(sender.sent), 1)
    assert len(sender.sent) == 8


def test_the_summary_counts_messages_bad_ones_and_readings(clock, sender, sent_within):
    stories = (StoryStart(name=StoryName.BAD_PAYLOADS),)
    summary = run_simulator(SimulatorConfig(duration=TEN_SECONDS, stories=stories), sender, clock)
    messages = sent_within(TEN_SECONDS, stories=stories)
    assert (summary.messages, summary.bad_messages) == (len(messages), 1)
    assert summary.readings == sum(len(m.readings) for m in messages)


def test_the_ledger_has_every_reading_with_its_place(clock, sender, tmp_path, sent_within):
    ledger = tmp_path / "ledger.jsonl"
    run_simulator(SimulatorConfig(duration=TEN_SECONDS, ledger=ledger), sender, clock)
    expected = [
        (r.equipment_id, r.sensor_name, r.value, m.message_id, m.source, 0, offset)
        for offset, m in enumerate(sent_within(TEN_SECONDS))
        for r in m.readings
    ]
    names = ("equipment_id", "sensor_name", "value", "message_id", "source", "landing_partition", "landing_offset")
    assert [tuple(line[name] for name in names) for line in lines(ledger)] == expected


def test_the_ledger_has_the_brokers_append_time(clock, sender, tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    run_simulator(SimulatorConfig(duration=TICK, ledger=ledger), sender, clock)
    assert lines(ledger)[0]["event_timestamp"] == "2026-02-15T04:00:00.000Z"
    assert lines(ledger)[0]["appended_at"] == "2026-02-15T04:00:00.255Z"


def test_the_ledger_has_nothing_that_was_not_delivered(clock, sender, tmp_path):
    ledger = tmp_path / "ledger.jsonl"

    def fail() -> None:
        raise BrokerError("gone", do="Wait.")

    sender.flush = fail
    with pytest.raises(BrokerError):
        run_simulator(SimulatorConfig(duration=TEN_SECONDS, ledger=ledger), sender, clock)
    assert lines(ledger) == []


def test_the_ledger_tells_bad_payloads_with_their_bytes(clock, sender, tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    stories = (StoryStart(name=StoryName.BAD_PAYLOADS),)
    run_simulator(SimulatorConfig(duration=timedelta(seconds=100), ledger=ledger, stories=stories), sender, clock)
    bad = [line for line in lines(ledger) if line["kind"] == "bad-payload"]
    assert [base64.b64decode(line["raw_base64"]) for line in bad] == [v for k, v in sender.sent if k == b"ignition_gateway_03"]


def test_the_ledger_has_a_resent_message_as_a_duplicate_and_its_readings_once(clock, sender, tmp_path, sent_within):
    ledger = tmp_path / "ledger.jsonl"
    stories = (StoryStart(name=StoryName.DUPLICATES),)
    run_simulator(SimulatorConfig(duration=TEN_SECONDS, ledger=ledger, stories=stories), sender, clock)
    written = lines(ledger)
    [duplicate] = [line for line in written if line["kind"] == "duplicate"]
    assert sender.sent[duplicate["landing_offset"]] == sender.sent[duplicate["landing_offset"] - 1]
    assert len(written) - 1 == sum(len(m.readings) for m in sent_within(TEN_SECONDS))


def test_a_second_run_appends_to_the_ledger(clock, sender, tmp_path):
    config = SimulatorConfig(duration=TICK, ledger=tmp_path / "ledger.jsonl")
    run_simulator(config, sender, clock)
    once = len(lines(config.ledger))
    run_simulator(config, sender, clock)
    assert len(lines(config.ledger)) == 2 * once


def test_labels_are_written_before_the_first_message(clock, sender, tmp_path, start):
    labels = tmp_path / "labels.jsonl"
    clock.stops_at = start
    run_simulator(SimulatorConfig(labels=labels, stories=(StoryStart(name=StoryName.BELT_DRIFT),)), sender, clock)
    assert [(line["story"], line["machine"], line["sensor"]) for line in lines(labels)] == [
        ("belt-drift", "CV_001", "Belt_Alignment_MM")
    ]


def test_the_wall_clock_stops_waiting_when_told_to():
    stop = threading.Event()
    clock = WallClock(stop)
    threading.Timer(0.02, stop.set).start()
    assert clock.wait_until(clock.now() + timedelta(hours=1))


def test_the_wall_clock_does_not_wait_for_the_past():
    clock = WallClock(threading.Event())
    assert not clock.wait_until(clock.now() - timedelta(hours=1))
