"""Latencies over a run, drawn."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

from pitlake.cli.plots import latency_grid
from pitlake.lake.latency import Histogram

BEGIN = datetime(2026, 2, 15, 4, 12, tzinfo=UTC)


def _drawn(spans, seconds=600):
    svg = latency_grid({"gold<1>": {"event_to_visible": spans}}, BEGIN, BEGIN + timedelta(seconds=seconds))
    return ET.fromstring(svg)  # noqa: S314 (our own)


def _spans(*latencies):
    return {BEGIN + timedelta(seconds=10 * at): Histogram.of([latency]) for at, latency in enumerate(latencies)}


def _points(drawn, line="p50"):
    [found] = [element for element in drawn.iter("polyline") if element.get("class") == line]
    return [tuple(map(float, point.split(","))) for point in found.get("points").split()]


def test_a_slow_span_is_drawn_above_a_quick_one():
    (first, high), (second, low) = _points(_drawn(_spans(3.0, 0.03)))
    assert (first < second, high < low) == (True, True)


def test_only_the_stages_that_are_measured_have_a_panel():
    drawn = _drawn(_spans(0.1))
    assert len([element for element in drawn.iter("rect") if element.get("class") == "panel"]) == 1


def test_a_long_run_has_as_many_points_as_can_be_told_apart():
    assert len(_points(_drawn(_spans(*[0.1] * 2000), seconds=20_000))) <= 91


def test_spans_without_rows_leave_no_point():
    assert len(_points(_drawn({**_spans(0.1, 0.1), BEGIN + timedelta(seconds=30): Histogram()}))) == 2


def test_what_is_slower_than_the_axis_is_long_is_drawn_at_its_edge():
    [(_, top)], [(_, same)] = _points(_drawn(_spans(60.0))), _points(_drawn(_spans(6000.0)))
    assert abs(top - same) < 1


def test_names_are_escaped():
    assert "gold<1>" in [text.text for text in _drawn(_spans(0.1)).iter("text")]
