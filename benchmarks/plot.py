"""A plot of latencies as a self-contained SVG: per contender a line from p50 to the maximum, on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

LEFT, RIGHT, ROW, HEAD, FOOT = 290, 40, 26, 40, 44
WIDTH = 960
_SIZES = (6, 4.5, 4.5, 3.5, 2.5)
_COLOURS = ("#0b4f8a", "#2f7fc1", "#e08214", "#c0392b", "#7f8c8d")
_NAMES = ("p50", "p90", "p99", "p99.9", "max")


@dataclass(frozen=True)
class Bar:
    """A contender's p50, p90, p99, p99.9 and maximum, in milliseconds."""

    title: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Panel:
    """Contenders at one rate and to one sink."""

    title: str
    bars: tuple[Bar, ...]


def plot(panels: Sequence[Panel]) -> str:
    """All panels below each other, on one scale."""
    values = [value for panel in panels for bar in panel.bars for value in bar.values]
    low, high = decades(values)
    height = sum(_height(panel) for panel in panels) + FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    top = 0
    for panel in panels:
        parts += _panel(panel, top, low, high)
        top += _height(panel)
    parts += _legend(top + FOOT / 2)
    return "\n".join([*parts, "</svg>\n"])


def decades(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten between which all values lie."""
    if not values:
        return 0, 3
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def x_of(value: float, low: int, high: int) -> float:
    """Where a value stands between 10^low and 10^high."""
    return LEFT + (math.log10(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT)


def _height(panel: Panel) -> int:
    return HEAD + ROW * (len(panel.bars) + 1)


def _panel(panel: Panel, top: float, low: int, high: int) -> Iterator[str]:
    first, last = top + HEAD, top + HEAD + ROW * len(panel.bars)
    yield f'<text x="12" y="{top + 26:g}" font-weight="bold">{escape(panel.title)}</text>'
    for power in range(low, high + 1):
        x = x_of(10.0**power, low, high)
        yield f'<line x1="{x:.1f}" y1="{first:g}" x2="{x:.1f}" y2="{last:g}" stroke="#dddddd"/>'
        yield f'<text x="{x:.1f}" y="{last + 15:g}" text-anchor="middle" fill="#555555">{_label(power)}</text>'
    for number, bar in enumerate(panel.bars):
        yield from _bar(bar, first + ROW * (number + 0.5), low, high)


def _bar(bar: Bar, y: float, low: int, high: int) -> Iterator[str]:
    yield f'<text x="{LEFT - 14}" y="{y + 4:g}" text-anchor="end">{escape(bar.title)}</text>'
    places = [x_of(value, low, high) for value in bar.values]
    yield f'<line x1="{places[0]:.1f}" y1="{y:g}" x2="{places[-1]:.1f}" y2="{y:g}" stroke="#aaaaaa" stroke-width="2"/>'
    for name, value, x, size, colour in zip(_NAMES, bar.values, places, _SIZES, _COLOURS, strict=True):
        yield f'<circle cx="{x:.1f}" cy="{y:g}" r="{size}" fill="{colour}"><title>{name} {value:g} ms</title></circle>'


def _legend(y: float) -> Iterator[str]:
    for number, (name, size, colour) in enumerate(zip(_NAMES, _SIZES, _COLOURS, strict=True)):
        x = LEFT + number * 90
        yield f'<circle cx="{x}" cy="{y:g}" r="{size}" fill="{colour}"/><text x="{x + 12}" y="{y + 4:g}">{name}</text>'


def _label(power: int) -> str:
    return f"{10.0**power:g} ms" if power < 3 else f"{10.0 ** (power - 3):g} s"
