"""A pipeline's graph as one self-contained SVG, legible on light and on dark ground."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from pitlake.cli.layers import Edge, Layers, laid_out
from pitlake.cli.outline import Graph, Kind

_ROW, _HEIGHT, _GAP, _MARGIN = 62.0, 42.0, 70.0, 16.0
_LETTER = 7.4
"""Pixels. The widest usual letters at 13 px: text is not measured, so boxes are a little wide."""

_CLASSES = {Kind.LANDING: "topic", Kind.DIMENSION: "dimension", Kind.VIEW: "view", Kind.TABLE: "table", Kind.SINK: "sink"}
# Class → (fill, line), on light and on dark ground; written out, as not every reader of SVG knows CSS variables.
_LIGHT = {
    "topic": ("#fdf0d5", "#b7791f"),
    "dimension": ("#e8f5e9", "#38804a"),
    "view": ("#f4f4f6", "#7b8794"),
    "table": ("#e3effb", "#2b6cb0"),
    "sink": ("#f7e6f3", "#97266d"),
    "edge": ("none", "#7d8d9d"),
    "arrow": ("#7d8d9d", "none"),
    "text": ("#1c2733", "none"),
    "mode": ("#5b6b7b", "none"),
}
_DARK = {
    "topic": ("#3f3215", "#e0a84a"),
    "dimension": ("#183323", "#68b87c"),
    "view": ("#2b3038", "#9aa5b1"),
    "table": ("#17314d", "#63a4e8"),
    "sink": ("#40213a", "#d97fbd"),
    "edge": ("none", "#8a9aaa"),
    "arrow": ("#8a9aaa", "none"),
    "text": ("#e8edf2", "none"),
    "mode": ("#a3b1bf", "none"),
}


def _colours(palette: Mapping[str, tuple[str, str]]) -> str:
    return "\n".join(f".graph .{name} {{ fill: {fill}; stroke: {line}; }}" for name, (fill, line) in palette.items())


_STYLE = f"""
.graph text {{ font: 13px system-ui, sans-serif; text-anchor: middle; }}
.graph .mode {{ font-size: 11px; }}
.graph .key {{ font-size: 12px; text-anchor: start; }}
.graph .node, .graph .edge {{ stroke-width: 1.6; }}
.graph .static {{ stroke-dasharray: 5 4; }}
{_colours(_LIGHT)}
@media (prefers-color-scheme: dark) {{
{_colours(_DARK)}
}}
"""


def graph_as_svg(graph: Graph) -> str:
    """The graph: topics are drums, dimensions slanted, views round, sinks flags; a dashed edge is read as it stands."""
    edges = [(name, reader) for reader, names in graph.reads.items() for name in names]
    layers = laid_out(list(graph.kinds), edges)
    boxes = _boxes(layers, {name: max(len(name), len(graph.labels.get(name, ""))) * _LETTER + 30 for name in graph.kinds})
    key_y = _MARGIN + (layers.rows + 1) * _ROW + 14
    width = max(max((box.right for box in boxes.values()), default=0), _KEY_WIDTH) + _MARGIN
    parts = [
        *(_edge(edge, boxes, layers, is_static=edge[0] in graph.static) for edge in edges),
        *(part for name, kind in graph.kinds.items() for part in _node(name, kind, graph.labels.get(name), boxes[name])),
        *_key(key_y),
    ]
    return _svg(width, key_y + 18 + _MARGIN, parts)


class _Box:
    """A node's place in the picture, in pixels, around its middle."""

    def __init__(self, x: float, y: float, width: float) -> None:
        self.x, self.y, self.width = x, y, width

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width / 2


def _boxes(layers: Layers, widths: Mapping[str, float]) -> dict[str, _Box]:
    columns = sorted({column for column, _ in layers.nodes.values()})
    broadest = {c: max(widths[name] for name, (column, _) in layers.nodes.items() if column == c) for c in columns}
    middles, left = {}, _MARGIN
    for column in columns:
        middles[column] = left + broadest[column] / 2
        left += broadest[column] + _GAP
    return {name: _Box(middles[column], _y(row), widths[name]) for name, (column, row) in layers.nodes.items()}


def _y(row: float) -> float:
    return _MARGIN + _HEIGHT / 2 + row * _ROW


def _edge(edge: Edge, boxes: Mapping[str, _Box], layers: Layers, *, is_static: bool) -> str:
    start, end = (boxes[name] for name in edge)
    columns = {layers.nodes[name][0]: box for name, box in boxes.items()}
    halves = {c: max(b.width for n, b in boxes.items() if layers.nodes[n][0] == c) / 2 for c in columns}
    path, x, y = f"M{start.right:.1f},{start.y:.1f}", start.right, start.y
    for column, row in layers.bends[edge]:
        middle, half = columns[column].x, halves[column]
        path += _curve(x, y, middle - half, _y(row)) + f" H{middle + half:.1f}"
        x, y = middle + half, _y(row)
    path += _curve(x, y, end.left - 7, end.y)
    style = "edge static" if is_static else "edge"
    return f'<path class="{style}" d="{path}" marker-end="url(#arrow)"/>'


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    bend = (to_x - x) / 2
    return f" C{x + bend:.1f},{y:.1f} {to_x - bend:.1f},{to_y:.1f} {to_x:.1f},{to_y:.1f}"


def _node(name: str, kind: Kind, mode: str | None, box: _Box) -> Iterator[str]:
    yield _shape(kind, box.left, box.y - _HEIGHT / 2, box.width, _HEIGHT)
    text_y = box.y - 2 if mode else box.y + 4.5
    yield f'<text class="text" x="{box.x:.1f}" y="{text_y:.1f}">{escape(name)}</text>'
    if mode:
        yield f'<text class="text mode" x="{box.x:.1f}" y="{box.y + 13:.1f}">{escape(mode)}</text>'


def _shape(kind: Kind, x: float, y: float, width: float, height: float) -> str:
    style, right, bottom, slant = f'class="node {_CLASSES[kind]}"', x + width, y + height, min(10.0, height / 3)
    if kind is Kind.DIMENSION:
        return f'<path {style} d="M{x + slant:.1f},{y:.1f} H{right:.1f} L{right - slant:.1f},{bottom:.1f} H{x:.1f} Z"/>'
    if kind is Kind.SINK:
        return f'<path {style} d="M{x:.1f},{y:.1f} H{right:.1f} V{bottom:.1f} H{x:.1f} L{x + slant:.1f},{y + height / 2:.1f} Z"/>'
    if kind is Kind.LANDING:
        arc = f"A{slant / 2:.1f},{height / 2:.1f} 0 0"
        drum = f"M{x + slant / 2:.1f},{y:.1f} H{right - slant / 2:.1f} {arc} 1 {right - slant / 2:.1f},{bottom:.1f}"
        lid = f"M{x + slant / 2:.1f},{y:.1f} {arc} 1 {x + slant / 2:.1f},{bottom:.1f}"
        return f'<path {style} d="{drum} H{x + slant / 2:.1f} {arc} 1 {x + slant / 2:.1f},{y:.1f} Z {lid}"/>'
    radius = height / 2 if kind is Kind.VIEW else 4
    return f'<rect {style} x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:.1f}"/>'


_KEY_STEP = 124.0
_KEY_WIDTH = _MARGIN + (len(Kind) + 2) * _KEY_STEP


def _key(y: float) -> Iterator[str]:
    for at, kind in enumerate(Kind):
        x = _MARGIN + at * _KEY_STEP
        yield _shape(kind, x, y - 8, 24, 16)
        yield f'<text class="text key" x="{x + 31:.1f}" y="{y + 4:.1f}">{kind}</text>'
    for at, (style, text) in enumerate((("edge", "as a stream"), ("edge static", "as it stands")), start=len(Kind)):
        x = _MARGIN + at * _KEY_STEP
        yield f'<path class="{style}" d="M{x:.1f},{y:.1f} h22" marker-end="url(#arrow)"/>'
        yield f'<text class="text key" x="{x + 35:.1f}" y="{y + 4:.1f}">{text}</text>'


def _svg(width: float, height: float, parts: Iterable[str]) -> str:
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    head = '<marker id="arrow" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="5" markerHeight="5" orient="auto">'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="graph" role="img" {size}>',
        "<title>Who reads whom in the pipeline</title>",
        f"<style>{_STYLE}</style>",
        f'<defs>{head}<path class="arrow" d="M0,0 L8,4 L0,8 Z"/></marker></defs>',
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"
