"""Latencies over a run as one SVG: a row per table, a column per stage, all on the same axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape

from pitlake.cli.durations import brief
from pitlake.cli.summary import STAGES
from pitlake.lake.history import Spans
from pitlake.lake.latency import Histogram

_LEFT, _TOP, _WIDTH, _HEIGHT, _GAP, _ROW = 52.0, 34.0, 238.0, 96.0, 16.0, 138.0
_DECADES = {0.001: "1 ms", 0.01: "10 ms", 0.1: "100 ms", 1.0: "1 s", 10.0: "10 s"}
_LOWEST, _HIGHEST = 0.001, 60.0
"""Seconds. What lies beyond is drawn at the edge."""

PROMISE = 1.0
"""Seconds. The line that the whole way should stay under."""

_MOST_POINTS = 90
_LINES = {"p50": 0.5, "p99": 0.99}


def latency_grid(tables: Mapping[str, Mapping[str, Spans]], begin: datetime, end: datetime) -> str:
    """Per table and stage the p50 and p99 of each span of time from `begin` to `end`, in seconds on a logarithmic scale."""
    length = max(1.0, (end - begin).total_seconds())
    width, height = _LEFT + len(STAGES) * (_WIDTH + _GAP), _TOP + len(tables) * _ROW + 6
    parts = [
        *_headings(),
        *(part for at, (name, stages) in enumerate(tables.items()) for part in _row(at, name, stages, begin, length)),
    ]
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    return "\n".join([f'<svg class="plots" role="img" {size}>', "<title>Latencies over the run</title>", *parts, "</svg>"])


def _headings() -> Iterator[str]:
    for column, label in enumerate(STAGES.values()):
        yield f'<text class="stage" x="{_x(column):.0f}" y="14">{escape(label)}</text>'


def _row(at: int, name: str, stages: Mapping[str, Spans], begin: datetime, length: float) -> Iterator[str]:
    top = _TOP + at * _ROW + 14
    yield f'<text class="name" x="{_LEFT:.0f}" y="{top - 7:.0f}">{escape(name)}</text>'
    for decade, label in _DECADES.items():
        yield f'<text class="tick" x="{_LEFT - 6:.0f}" y="{top + _y(decade) + 4:.1f}">{label}</text>'
    for column, stage in enumerate(STAGES):
        if stage in stages:
            yield from _panel(_x(column), top, stages[stage], begin, length)


def _panel(left: float, top: float, spans: Spans, begin: datetime, length: float) -> Iterator[str]:
    yield f'<rect class="panel" x="{left:.1f}" y="{top:.1f}" width="{_WIDTH}" height="{_HEIGHT}"/>'
    for decade in list(_DECADES)[1:]:
        style = "promise" if decade == PROMISE else "grid"
        yield f'<path class="{style}" d="M{left:.1f},{top + _y(decade):.1f} h{_WIDTH}"/>'
    yield f'<text class="time" x="{left:.1f}" y="{top + _HEIGHT + 13:.1f}">0</text>'
    yield f'<text class="tick" x="{left + _WIDTH:.1f}" y="{top + _HEIGHT + 13:.1f}">{brief(length)}</text>'
    points = _merged(spans, begin, length)
    for name, share in _LINES.items():
        places = [(left + _WIDTH * at, top + _y(h.percentile(share) or _LOWEST)) for at, h in points]
        if places:
            yield f'<polyline class="{name}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>'
        if len(places) == 1:
            yield f'<circle class="{name}" cx="{places[0][0]:.1f}" cy="{places[0][1]:.1f}" r="2"/>'


def _merged(spans: Spans, begin: datetime, length: float) -> Sequence[tuple[float, Histogram]]:
    """The spans of the run, as few as can be told apart in a picture, each with its place from 0 to 1."""
    width = timedelta(seconds=length) / _MOST_POINTS
    merged: dict[float, Histogram] = {}
    for at in sorted(spans):
        place = max(0, (at - begin) // width) / _MOST_POINTS
        merged[place] = merged.get(place, Histogram()) + spans[at]
    return [(place, histogram) for place, histogram in merged.items() if place <= 1 and histogram.count]


def _x(column: int) -> float:
    return _LEFT + column * (_WIDTH + _GAP)


def _y(seconds: float) -> float:
    within = min(max(seconds, _LOWEST), _HIGHEST)
    return _HEIGHT * (1 - math.log(within / _LOWEST) / math.log(_HIGHEST / _LOWEST))
