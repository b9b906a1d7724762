"""A graph without circles laid out in columns, so that every edge leads to the right: Sugiyama's method, for a few dozen nodes.

The columns are ordered by the barycenters of their neighbours; within a column, nodes lie as near to their neighbours as the room
between them allows, which is an isotonic regression.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise
from statistics import fmean

SWEEPS = 12
NODE_ROOM, BEND_ROOM = 1.0, 0.45
"""Rows between two nodes, and between an edge that passes a column and its neighbours."""

Edge = tuple[str, str]


@dataclass(frozen=True)
class _Point:
    """A node's place in a column, or, with an edge, the place where that passes the column."""

    column: int
    node: str = ""
    edge: Edge | None = None

    @property
    def room(self) -> float:
        return NODE_ROOM if self.edge is None else BEND_ROOM


@dataclass(frozen=True)
class Layers:
    """Where nodes are and where edges pass, as (column, row); rows begin at 0."""

    nodes: Mapping[str, tuple[int, float]]
    bends: Mapping[Edge, Sequence[tuple[int, float]]]

    @property
    def rows(self) -> float:
        """The last row in which there is something."""
        bends = (row for points in self.bends.values() for _, row in points)
        return max((*(row for _, row in self.nodes.values()), *bends), default=0.0)


def laid_out(nodes: Collection[str], edges: Collection[Edge]) -> Layers:
    """Give every node a place. The graph has no circle."""
    columns = _columns(nodes, edges)
    chains = {edge: _chain(edge, columns) for edge in sorted(edges)}
    points = dict.fromkeys(_Point(columns[node], node) for node in sorted(nodes))
    points |= dict.fromkeys(point for chain in chains.values() for point in chain)
    neighbours: dict[_Point, list[_Point]] = defaultdict(list)
    for one, other in (pair for chain in chains.values() for pair in pairwise(chain)):
        neighbours[one].append(other)
        neighbours[other].append(one)
    ordered = _ordered(_by_column(points), neighbours)
    rows = _rows(ordered, neighbours)
    return Layers(
        nodes={point.node: (point.column, rows[point]) for point in points if point.edge is None},
        bends={edge: [(point.column, rows[point]) for point in chain[1:-1]] for edge, chain in chains.items()},
    )


def _columns(nodes: Collection[str], edges: Collection[Edge]) -> dict[str, int]:
    """As far left as what a node is reached from allows; what is reached from nothing, as far right as its readers allow."""
    sources: dict[str, set[str]] = {node: set() for node in sorted(nodes)}
    readers = defaultdict(set)
    for source, reader in edges:
        sources[reader].add(source)
        readers[source].add(reader)
    columns: dict[str, int] = {}
    for node in TopologicalSorter(sources).static_order():
        columns[node] = max((columns[source] + 1 for source in sources[node]), default=0)
    roots = {node: min(columns[reader] for reader in readers[node]) - 1 for node in nodes if readers[node] and not sources[node]}
    return columns | roots


def _chain(edge: Edge, columns: Mapping[str, int]) -> list[_Point]:
    start, end = (_Point(columns[node], node) for node in edge)
    return [start, *(_Point(column, edge=edge) for column in range(start.column + 1, end.column)), end]


def _by_column(points: Collection[_Point]) -> list[list[_Point]]:
    return [[p for p in points if p.column == column] for column in range(max((p.column for p in points), default=-1) + 1)]


def _ordered(columns: list[list[_Point]], neighbours: Mapping[_Point, Sequence[_Point]]) -> list[list[_Point]]:
    best = columns
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        columns = [list(column) for column in columns]
        for index in range(len(columns)) if forward else reversed(range(len(columns))):
            place = {point: float(at) for column in columns for at, point in enumerate(column)}
            side = -1 if forward else 1
            columns[index].sort(key=lambda p: _mean(p, [n for n in neighbours[p] if n.column == p.column + side], place))
        if _crossings(columns, neighbours) < _crossings(best, neighbours):
            best = columns
    return best


def _mean(point: _Point, neighbours: Sequence[_Point], place: Mapping[_Point, float]) -> float:
    return fmean(place[neighbour] for neighbour in neighbours) if neighbours else place[point]


def _crossings(columns: Sequence[Sequence[_Point]], neighbours: Mapping[_Point, Sequence[_Point]]) -> int:
    place = {point: at for column in columns for at, point in enumerate(column)}
    count = 0
    for column in columns:
        spans = [(place[p], place[n]) for p in column for n in neighbours[p] if n.column == p.column + 1]
        count += sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for i, a in enumerate(spans) for b in spans[:i])
    return count


def _rows(columns: Sequence[Sequence[_Point]], neighbours: Mapping[_Point, Sequence[_Point]]) -> dict[_Point, float]:
    rows = {point: row for column in columns for point, row in zip(column, _offsets(column), strict=True)}
    for _ in range(SWEEPS):
        for column in columns:
            wanted = [_mean(point, neighbours[point], rows) for point in column]
            rows |= zip(column, _apart(wanted, _offsets(column)), strict=True)
    top = min(rows.values(), default=0.0)
    return {point: row - top for point, row in rows.items()}


def _offsets(column: Sequence[_Point]) -> list[float]:
    """The rows of a column's points when they lie as close as they may."""
    offsets = [0.0]
    for one, other in pairwise(column):
        offsets.append(offsets[-1] + (one.room + other.room) / 2)
    return offsets[: len(column)]


def _apart(wanted: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """The rows nearest to those wanted (least squares) that keep order and room: adjacent violators are pooled."""
    pools: list[list[float]] = []
    for row, offset in zip(wanted, offsets, strict=True):
        pools.append([row - offset])
        while len(pools) > 1 and fmean(pools[-2]) > fmean(pools[-1]):
            pools[-2].extend(pools.pop())
    level = [fmean(pool) for pool in pools for _ in pool]
    return [row + offset for row, offset in zip(level, offsets, strict=True)]
