"""A planned pipeline in outline: which tables it makes, how rows get into them, and who reads whom; as text, JSON and Mermaid."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

import orjson
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pitlake.engine.events import told_options
from pitlake.engine.planning import UpdatePlan
from pitlake.lake.names import TableName
from pitlake.lake.spec import QUARANTINE_SUFFIX, TableSpec, WriteMode
from pitlake.pipelines.definitions import Expectation, Pipeline, Sink


class Kind(StrEnum):
    """What a name in a pipeline stands for; a `DIMENSION` is a table of the lake that the pipeline only reads."""

    LANDING = "landing topic"
    DIMENSION = "dimension"
    VIEW = "view"
    TABLE = "table"
    SINK = "sink"


@dataclass(frozen=True)
class Graph:
    """Who reads whom: what each name is, the edges (reader → names read), and for some names what is written below them.

    `static` are the names that are read as they stand at each batch, not followed as streams.
    """

    kinds: Mapping[str, Kind]
    reads: Mapping[str, tuple[str, ...]]
    static: tuple[str, ...]
    labels: Mapping[str, str]


@dataclass(frozen=True)
class TableOutline:
    """A table of the pipeline.

    `keys` tell its rows apart, and of two versions of a row the one with the higher `count` (upsert) or `sequence` (cdc) stands.
    `quarantine` is the table for rows that a dropping expectation refuses. `reads` are the names that its queries read,
    `intervals` how often each flow into it makes a checkpoint, or a materialized view is refreshed. `left_out` are the properties
    of Delta that the local table does not get. Where it `is_replicated`, two queries compute it in real time.
    """

    name: str
    mode: WriteMode
    keys: tuple[str, ...]
    count: str | None
    sequence: tuple[str, ...]
    expectations: tuple[Expectation, ...]
    quarantine: str | None
    reads: tuple[str, ...]
    intervals: Mapping[str, str]
    comment: str | None
    left_out: tuple[str, ...] = ()
    is_replicated: bool = False


@dataclass(frozen=True)
class SinkOutline:
    """A place outside of the pipeline that its flows write to; what is secret in `options` is covered."""

    name: str
    format: str
    options: Mapping[str, str]
    reads: tuple[str, ...]
    intervals: Mapping[str, str]


@dataclass(frozen=True)
class Outline:
    """Tables and sinks in the order of their flows, what each name is that is read or made, and the edges (reader → names read).

    `static` are the names that are read as they stand at each batch, not followed as streams.
    """

    tables: tuple[TableOutline, ...]
    sinks: tuple[SinkOutline, ...]
    kinds: Mapping[str, Kind]
    reads: Mapping[str, tuple[str, ...]]
    static: tuple[str, ...]

    @property
    def graph(self) -> Graph:
        """The graph alone; below a table stands how rows get into it."""
        modes = {table.name: str(table.mode) for table in self.tables}
        return Graph(self.kinds, self.reads, self.static, modes | {sink.name: sink_label(sink.format) for sink in self.sinks})


def sink_label(sink_format: str) -> str:
    """What stands with a sink's name."""
    return f"{sink_format} sink"


def outline(pipeline: Pipeline, plan: UpdatePlan, landing: Collection[str]) -> Outline:
    """The outline of a plan; of the names that are no dataset of the pipeline, those in `landing` are topics."""
    reads = {reader: tuple(sorted(names)) for reader, names in plan.reads.items()}
    made = {flow.target: flow.spec for flow in plan.flows if flow.target in pipeline.datasets}
    names = dict.fromkeys([*(name for read in reads.values() for name in read), *reads, *made])
    kinds = {name: _kind(name, pipeline, made, landing) for name in sorted(names)}
    awaited = {table.name for table in plan.awaited}
    return Outline(
        tables=tuple(_table(pipeline, plan, spec, reads.get(name, ())) for name, spec in made.items()),
        sinks=tuple(_sink(sink, plan, reads.get(name, ())) for name, sink in pipeline.sinks.items()),
        kinds=kinds,
        reads=dict(sorted(reads.items())),
        static=tuple(name for name, kind in kinds.items() if kind is Kind.DIMENSION or name in awaited),
    )


def _table(pipeline: Pipeline, plan: UpdatePlan, spec: TableSpec, reads: tuple[str, ...]) -> TableOutline:
    name = TableName.parse(spec.name).name
    flows = [flow for flow in plan.flows if flow.target == name]
    return TableOutline(
        name=name,
        mode=spec.mode,
        keys=spec.keys,
        count=spec.count,
        sequence=spec.sequence,
        expectations=pipeline.datasets[name].expectations,
        quarantine=name + QUARANTINE_SUFFIX if any(flow.quarantines for flow in flows) else None,
        reads=reads,
        intervals={flow.name: flow.interval for flow in flows},
        comment=spec.comment,
        left_out=plan.left_out.get(name, ()),
        is_replicated=any(flow.is_replicated for flow in flows),
    )


def _sink(sink: Sink, plan: UpdatePlan, reads: tuple[str, ...]) -> SinkOutline:
    flows = [flow for flow in plan.plans if flow.target == sink.name]
    intervals = {flow.name: flow.interval for flow in flows}
    return SinkOutline(sink.name, sink.format, told_options(sink.options), reads, intervals)


def _kind(name: str, pipeline: Pipeline, made: Mapping[str, TableSpec], landing: Collection[str]) -> Kind:
    if name in made:
        return Kind.TABLE
    if name in pipeline.sinks:
        return Kind.SINK
    if name in pipeline.datasets:
        return Kind.VIEW
    return Kind.LANDING if name in landing else Kind.DIMENSION


def print_outline(result: Outline, console: Console) -> None:
    """Print each table and sink with what is known of it, and at the end how many there are."""
    for table in result.tables:
        console.print(_block(table.name, table.mode, _facts(table)))
    for sink in result.sinks:
        console.print(_block(sink.name, sink_label(sink.format), _sink_facts(sink)))
    flows = sum(len(table.intervals) for table in result.tables) + sum(len(sink.intervals) for sink in result.sinks)
    counts = [("table", len(result.tables)), *([("sink", len(result.sinks))] if result.sinks else []), ("flow", flows)]
    told = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts)
    console.print(f"{told}: the pipeline can run", highlight=False)


def _block(name: str, kind: str, facts: Iterable[tuple[str, str]]) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for fact, text in facts:
        table.add_row(fact, Text(text))
    return Group(Text.assemble((name, "bold"), "  ", kind), Padding(table, (0, 0, 1, 2), expand=False))


def _facts(table: TableOutline) -> Iterator[tuple[str, str]]:
    if table.comment:
        yield "is", table.comment
    yield "reads", ", ".join(table.reads)
    if table.keys or table.mode is WriteMode.APPEND:
        yield "keys", ", ".join(table.keys) or "none: a replay stores rows twice"
    if table.count:
        yield "newer by", f"a count in {table.count} that is not lower"
    if table.sequence:
        yield "newer by", f"a sequence in {', '.join(table.sequence)} that is not lower"
    for expectation in table.expectations:
        yield "expects", f"{expectation.name} ({expectation.action}): {expectation.condition}"
    if table.quarantine:
        yield "quarantine", table.quarantine
    if table.left_out:
        yield "without", f"{', '.join(table.left_out)}: for Databricks only"
    if table.is_replicated:
        yield "replicas", "2 in real time: one goes on while the other is between two batches"
    what = "refreshed" if table.mode is WriteMode.REFRESH else "checkpoint"
    for flow, interval in table.intervals.items():
        yield what, f"every {interval}{f' ({flow})' if flow != table.name else ''}"


def _sink_facts(sink: SinkOutline) -> Iterator[tuple[str, str]]:
    yield "reads", ", ".join(sink.reads)
    for name, value in sink.options.items():
        yield "option", f"{name} = {value}"
    yield "stores", "each row at least once"
    for flow, interval in sink.intervals.items():
        yield "checkpoint", f"every {interval} ({flow})"


def outline_as_json(result: Outline) -> str:
    """The outline for programs: `tables`, `sinks`, `kinds` of names, `reads` (reader → names), names read as `static` sides."""
    return orjson.dumps(asdict(result), option=orjson.OPT_INDENT_2).decode()


_SHAPES = {
    Kind.LANDING: ("[(", ")]"),
    Kind.DIMENSION: ("[/", "/]"),
    Kind.VIEW: ("([", "])"),
    Kind.TABLE: ("[", "]"),
    Kind.SINK: (">", "]"),
}


def graph_as_mermaid(graph: Graph) -> str:
    """The graph as a Mermaid flowchart: topics are drums, dimensions slanted, views round, sinks flags.

    An edge is dashed where a name is read as it stands, and not followed as a stream.
    """
    labels = {name: f"<br>{label}" for name, label in graph.labels.items()}
    nodes = [f'    {_id(n)}{_SHAPES[k][0]}"{n}{labels.get(n, "")}"{_SHAPES[k][1]}' for n, k in graph.kinds.items()]
    edges = [
        f"    {_id(name)} {'-.->' if name in graph.static else '-->'} {_id(reader)}"
        for reader, names in graph.reads.items()
        for name in names
    ]
    return "\n".join(["flowchart LR", *nodes, *edges])


def _id(name: str) -> str:
    """A name as Mermaid takes it; the prefix keeps it from being one of Mermaid's own words, such as `end`."""
    return "n_" + re.sub(r"\W", "_", name)
