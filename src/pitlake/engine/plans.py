"""Facts read off an analyzed query plan: what it groups by, where a column comes from.

Spark's Python API does not show a plan, so its JVM objects are walked through py4j. Nothing is executed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from pyspark.sql import DataFrame

JvmObject = Any
"""An object behind py4j, which has no types."""

_WINDOW_TYPE = "struct<start:timestamp"
_PROCESSING_TIME = {"CurrentTimestamp", "CurrentTimestampExpression", "Now", "LocalTimestamp"}


def _seq(items: JvmObject) -> list[JvmObject]:
    return [items.apply(i) for i in range(items.size())]


def _class_name(node: JvmObject) -> str:
    return str(node.nodeName())  # one call over py4j, where the class and its name are two


def _id(attribute: JvmObject) -> int:
    return int(attribute.exprId().id())


class _Node(NamedTuple):
    """A plan's operator with what is asked of each: every question to the JVM takes a third of a millisecond."""

    jvm: JvmObject
    name: str
    is_leaf: bool


def _plan_nodes(plan: JvmObject) -> Iterator[_Node]:
    children = _seq(plan.children())
    yield _Node(plan, _class_name(plan), is_leaf=not children)
    for child in children:
        yield from _plan_nodes(child)


@dataclass(frozen=True)
class Origin:
    """Where an output column's value comes from: an attribute, or the field of a struct attribute at `ordinal`."""

    attribute: int
    ordinal: int | None = None


@dataclass(frozen=True)
class Grouping:
    """A grouping key of the plan's aggregation.

    `origin` is None when the key is an expression that the aggregation does not select. `static` when its value comes from a side
    that is not a stream, `window` when it is a time window, a struct of start and end.
    """

    name: str
    origin: Origin | None
    static: bool
    window: bool


@dataclass(frozen=True)
class PlanFacts:
    """What pitlake needs to know of a query.

    `streams` is how many streams it reads, 0 for a batch query; `topics` names those that are Kafka topics. `groupings` is empty
    for a query that does not aggregate.
    `row_count` names the output column that is each group's `count(*)`.
    `processing_time` names the output columns that are `current_timestamp()`, which Spark freezes for a whole real-time batch.
    `origins` maps each output column to where it comes from.
    """

    streams: int
    aggregations: int
    groupings: tuple[Grouping, ...]
    row_count: str | None
    processing_time: tuple[str, ...]
    static_columns: frozenset[str]
    origins: dict[str, Origin] = field(default_factory=dict)
    topics: frozenset[str] = frozenset()

    def key_column(self, grouping: Grouping) -> str | None:
        """The first output column that carries a grouping key: for a window the one that is its start."""
        origin = replace(grouping.origin, ordinal=0) if grouping.window and grouping.origin else grouping.origin
        return next((name for name, found in self.origins.items() if found == origin), None)

    def window_column(self) -> str | None:
        """The output column that is the start of the window grouped by, if the plan groups by one."""
        return next((self.key_column(grouping) for grouping in self.groupings if grouping.window), None)


class _Lineage:
    """Follows columns of one analyzed plan back to where they come from."""

    def __init__(self, plan: JvmObject) -> None:
        self.nodes = list(_plan_nodes(plan))
        self.aliases: dict[int, JvmObject] = {}
        # Many columns of a plan have the same ancestors.
        self._static: dict[int, bool] = {}
        streams = [node for node in self.nodes if node.is_leaf and node.jvm.isStreaming()]
        self.streams = len(streams)
        relations = [node.jvm for node in streams if node.name == "StreamingRelationV2"]
        self.topics = frozenset(str(topic) for node in relations if (topic := node.extraOptions().get("subscribe")) is not None)
        for node in self.nodes:
            self._collect(node)

    def _collect(self, node: _Node) -> None:
        if node.name in ("Project", "Aggregate"):
            named = node.jvm.projectList() if node.name == "Project" else node.jvm.aggregateExpressions()
            self.aliases.update({_id(e): e.child() for e in _seq(named) if _class_name(e) == "Alias"})
        elif node.is_leaf and not node.jvm.isStreaming():
            self._static.update({_id(attribute): True for attribute in _seq(node.jvm.output())})

    def origin(self, attribute: int) -> Origin:
        """Follow plain renames, and one step into a struct, down to the attribute that a column is."""
        ordinal = None
        while (expression := self.aliases.get(attribute)) is not None:
            kind = _class_name(expression)
            if kind == "GetStructField" and _class_name(expression.child()) == "AttributeReference" and ordinal is None:
                ordinal = int(expression.ordinal())
                attribute = _id(expression.child())
            elif kind == "AttributeReference":
                attribute = _id(expression)
            else:
                break
        return Origin(attribute, ordinal)

    def is_static(self, attribute: int) -> bool:
        """Whether any input of this column is a side that is not a stream."""
        if attribute not in self._static:
            expression = self.aliases.get(attribute)
            self._static[attribute] = expression is not None and self.reads_static(expression)
        return self._static[attribute]

    def reads_static(self, expression: JvmObject) -> bool:
        """Whether any column that an expression refers to has an input that is not a stream."""
        return any(self.is_static(_id(reference)) for reference in _seq(expression.references().toSeq()))

    def grouping(self, key: JvmObject, aggregate: JvmObject) -> Grouping:
        """A key of an aggregation: an attribute, or an expression that the aggregation may select under a name."""
        selected = [
            e for e in _seq(aggregate.aggregateExpressions()) if _class_name(e) == "Alias" and e.child().semanticEquals(key)
        ]
        named = key if _class_name(key) == "AttributeReference" else selected[0] if selected else None
        return Grouping(
            name=str(named.name() if named is not None else key.sql()),
            origin=self.origin(_id(named)) if named is not None else None,
            static=self.reads_static(key),
            window=str(key.dataType().catalogString()).startswith(_WINDOW_TYPE),
        )


def _is_row_count(expression: JvmObject | None) -> bool:
    if expression is None or _class_name(expression) != "AggregateExpression":
        return False
    if expression.isDistinct() or expression.filter().isDefined():
        return False
    function = expression.aggregateFunction()
    # count(*) is count(1): a literal argument counts rows, an attribute would leave NULLs out.
    return _class_name(function) == "Count" and all(_class_name(c) == "Literal" for c in _seq(function.children()))


def plan_facts(frame: DataFrame) -> PlanFacts:
    """Read the facts off a DataFrame's analyzed plan; nothing is executed."""
    plan = frame._jdf.queryExecution().analyzed()  # noqa: SLF001  (the only way to a plan from Python)
    lineage = _Lineage(plan)
    output = {str(attribute.name()): _id(attribute) for attribute in _seq(plan.output())}
    origins = {name: lineage.origin(attribute) for name, attribute in output.items()}
    expressions = {name: lineage.aliases.get(origin.attribute) for name, origin in origins.items()}
    aggregates = [node.jvm for node in lineage.nodes if node.name == "Aggregate" and node.jvm.isStreaming()]
    groupings = tuple(lineage.grouping(key, node) for node in aggregates[:1] for key in _seq(node.groupingExpressions()))
    return PlanFacts(
        streams=lineage.streams,
        aggregations=len(aggregates),
        groupings=groupings,
        row_count=next((name for name, expression in expressions.items() if _is_row_count(expression)), None),
        processing_time=tuple(n for n, e in expressions.items() if e is not None and _class_name(e) in _PROCESSING_TIME),
        static_columns=frozenset(name for name, attribute in output.items() if lineage.is_static(attribute)),
        origins=origins,
        topics=lineage.topics,
    )
