from __future__ import annotations

from datetime import UTC, datetime

import pytest

from benchmarks.windows import (
    Differences,
    Row,
    Sighting,
    Window,
    differences,
    expected_readings,
    latencies,
    sink_summary,
    window_of,
)
from pitlake.mining.simulator.messages import Message, Reading, Value

MINUTE = datetime(2026, 2, 15, 4, 12, tzinfo=UTC)
START_US = int(MINUTE.timestamp()) * 1_000_000
ROW = (START_US, "CR_002", "Vibration_MM_S")
SENT = {ROW: [(10.0, 1.0), (11.0, 3.0)]}
ALL = Window(2, 2.0, 1.0, 3.0, 2.0**0.5)


def message(second: int, value: Value, sensor: str = "Vibration_MM_S") -> Message:
    at = datetime.fromtimestamp(MINUTE.timestamp() + second, UTC)
    return Message(at, "gateway", f"m{second}", b"", (Reading("CR_002", sensor, value, at),))


def test_readings_are_expected_in_the_minute_of_their_event() -> None:
    readings = expected_readings([message(59, 1.0), message(60, 2.0), message(61, 3.0)])
    start = MINUTE.timestamp()
    assert readings == {
        ROW: [(start + 59, 1.0)],
        (START_US + 60_000_000, *ROW[1:]): [(start + 60, 2.0), (start + 61, 3.0)],
    }


def test_texts_are_in_no_window() -> None:
    assert expected_readings([message(0, "RUNNING", "Status")]) == {}


def test_a_reading_was_seen_when_the_count_first_reached_it() -> None:
    readings = {ROW: [(10.0, 1.0), (11.0, 1.0), (12.0, 1.0)]}
    sightings = [Sighting(10.5, ROW, 1), Sighting(12.25, ROW, 3)]
    assert list(latencies(sightings, readings, unseen_at=99.0)) == [(10.0, 0.5, True), (11.0, 1.25, True), (12.0, 0.25, True)]


def test_a_count_that_falls_back_shows_nothing_new() -> None:
    readings = {ROW: [(10.0, 1.0), (11.0, 1.0)]}
    sightings = [Sighting(11.5, ROW, 2), Sighting(12.0, ROW, 1), Sighting(13.0, ROW, 2)]
    assert list(latencies(sightings, readings, unseen_at=99.0)) == [(10.0, 1.5, True), (11.0, 0.5, True)]


def test_a_reading_that_nobody_saw_is_as_late_as_the_end() -> None:
    readings = {ROW: [(10.0, 1.0), (11.0, 1.0)]}
    assert list(latencies([Sighting(10.5, ROW, 1)], readings, unseen_at=71.0)) == [(10.0, 0.5, True), (11.0, 60.0, False)]


def test_what_is_seen_after_the_end_was_not_seen() -> None:
    readings = {ROW: [(10.0, 1.0)]}
    assert list(latencies([Sighting(12.0, ROW, 1)], readings, unseen_at=11.0)) == [(10.0, 1.0, False)]


def test_a_sink_tells_how_many_readings_nobody_saw() -> None:
    readings = {ROW: [(10.0, 1.0), (11.0, 1.0), (12.0, 1.0)]}
    found = sink_summary(latencies([Sighting(10.5, ROW, 1)], readings, unseen_at=72.0))
    assert (found["readings"], found["unseen"], found["unseen_from_ms"], found["max_ms"]) == (3, 2, 60_000.0, 61_000.0)
    assert sink_summary(latencies([Sighting(12.5, ROW, 3)], readings, unseen_at=72.0))["unseen"] == 0


def test_a_row_that_was_never_expected_has_no_latency() -> None:
    assert list(latencies([Sighting(10.5, ROW, 1)], {}, unseen_at=99.0)) == []


def test_the_windows_of_all_readings_do_not_differ() -> None:
    assert differences(SENT, {ROW: ALL}) == Differences([], [])


@pytest.mark.parametrize(
    "stored",
    [
        {ROW: Window(3, 2.0, 1.0, 3.0, 2.0**0.5)},
        {ROW: Window(2, 2.1, 1.0, 3.0, 2.0**0.5)},
        {ROW: Window(2, 2.0, 1.1, 3.0, 2.0**0.5)},
        {ROW: Window(2, 2.0, 1.0, 3.0, None)},
        {ROW: Window(2, 2.0, 1.0, 3.0, float("nan"))},
        {ROW: Window(1, 0.5, 0.5, 0.5, None)},
        {ROW: Window(1, 3.5, 3.5, 3.5, None)},
        {ROW: Window(1, 99.0, 1.0, 1.0, None)},
        {ROW: Window(1, float("nan"), 1.0, 1.0, None)},
        {ROW: ALL, (0, "CR_001", "x"): Window(1, 1.0, 1.0, 1.0, None)},
    ],
)
def test_a_window_that_no_part_of_the_readings_gives_is_wrong(stored: dict[Row, Window]) -> None:
    found = differences(SENT, stored)
    assert (len(found.wrong), len(found.unfinished)) == (1, 0)


@pytest.mark.parametrize("stored", [{}, {ROW: Window(1, 1.0, 1.0, 1.0, None)}, {ROW: Window(1, 3.0, 3.0, 3.0, 0.0)}])
def test_a_window_that_lacks_readings_is_unfinished(stored: dict[Row, Window]) -> None:
    found = differences(SENT, stored)
    assert (len(found.wrong), len(found.unfinished)) == (0, 1)


def test_a_single_reading_has_no_deviation_and_zero_stands_for_none() -> None:
    assert window_of([4.0]) == Window(1, 4.0, 4.0, 4.0, None)
    assert not window_of([4.0]).differs_from(Window(1, 4.0, 4.0, 4.0, 0.0))
