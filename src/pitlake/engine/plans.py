"""Facts read off an analyzed query plan: what it groups by, where a column comes from.

Spark's Python API does not show a plan, so its JVM objects are walked through py4j. Nothing is executed. Each question to the JVM
takes a third of a millisecond, and a mine's plans have 250 operators with 20 columns each: so a question is put only when its
answer is asked for, and columns are told by their ids, which the JVM writes down for a whole operator at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql.types import DataType, LongType, TimestampNTZType, TimestampType

JvmObject = Any
"""An object behind py4j, which has no types."""

_WINDOW_TYPE = "struct<start:timestamp"
_PROCESSING_TIME = {"CurrentTimestamp", "CurrentTimestampExpression", "Now", "LocalTimestamp"}
_EXPRESSIONS = {"Project": "projectList", "Aggregate": "aggregateExpressions"}
"""The operators that compute columns, and how they name what they compute."""
_SEPARATOR = "\x01"
# As AttributeReference.toString writes it in Spark 4.3: name#id, an L behind the id of a long, and the delay of a watermark.
_ATTRIBUTE = re.compile(r"#(\d+)L?(?:-T\d+ms)?$")


def _seq(items: JvmObject) -> list[JvmObject]:
    return [items.apply(i) for i in range(items.size())]


def _class_name(node: JvmObject) -> str:
    return str(node.nodeName())  # one call over py4j, where the class and its name are two


def _id(attribute: JvmObject) -> int:
    return int(attribute.exprId().id())


def _ids(attributes: JvmObject) -> list[int]:
    """The ids of a Seq of attributes, in its order."""
    found = [_ATTRIBUTE.search(text) for text in str(attributes.mkString(_SEPARATOR)).split(_SEPARATOR)]
    ids = [int(each[1]) for each in found if each]
    return ids if len(ids) == len(found) else [_id(attribute) for attribute in _seq(attributes)]


class _Node(NamedTuple):
    """A plan's operator with what is asked of each."""

    jvm: JvmObject
    name: str
    is_leaf: bool


def _plan_nodes(plan: JvmObject) -> Iterator[_Node]:
    children = _seq(plan.children())
    yield _Node(plan, _class_name(plan), is_leaf=not children)
    for child in reversed(children):  # WITH lists its common tables before the query that reads them
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


class PlanFacts:
    """What pitlake needs to know of a query. Each fact is read off the plan when it is first asked for; nothing is executed."""

    def __init__(self, frame: DataFrame) -> None:
        plan = frame._jdf.queryExecution().analyzed()  # noqa: SLF001  (the only way to a plan from Python)
        self._nodes = list(_plan_nodes(plan))
        self._schema = frame.schema
        self._output = dict(zip(self._schema.names, _ids(plan.output()), strict=True))
        self._expressions: dict[int, JvmObject | None] = {}

    @cached_property
    def streams(self) -> int:
        """How many streams it reads, 0 for a batch query."""
        return len(self._streaming_leaves)

    @cached_property
    def topics(self) -> frozenset[str]:
        """The names of those streams that are Kafka topics."""
        relations = [node.jvm for node in self._streaming_leaves if node.name == "StreamingRelationV2"]
        return frozenset(str(topic) for node in relations if (topic := node.extraOptions().get("subscribe")) is not None)

    @cached_property
    def aggregations(self) -> int:
        """How many aggregations of streams are stacked in it."""
        return len(self._aggregates)

    @cached_property
    def groupings(self) -> tuple[Grouping, ...]:
        """The keys of its outermost aggregation of a stream, none for a query that does not aggregate."""
        return tuple(self._grouping(key, node) for node in self._aggregates[:1] for key in _seq(node.groupingExpressions()))

    @cached_property
    def row_count(self) -> str | None:
        """The output column that is each group's `count(*)`."""
        return next((name for name in self._columns(LongType) if _is_row_count(self._source(name))), None)

    @cached_property
    def processing_time(self) -> tuple[str, ...]:
        """The output columns that are `current_timestamp()`, which Spark freezes for a whole real-time batch."""
        times = {name: self._source(name) for name in self._columns(TimestampType, TimestampNTZType)}
        return tuple(n for n, e in times.items() if e is not None and _class_name(e) in _PROCESSING_TIME)

    def static_among(self, columns: Iterable[str]) -> list[str]:
        """Those of some output columns that have an input from a side that is not a stream."""
        return [name for name in columns if self._is_static(self._output[name])]

    def key_column(self, grouping: Grouping) -> str | None:
        """The first output column that carries a grouping key: for a window the one that is its start."""
        origin = replace(grouping.origin, ordinal=0) if grouping.window and grouping.origin else grouping.origin
        return next((name for name, attribute in self._output.items() if self._origin(attribute) == origin), None)

    def window_column(self) -> str | None:
        """The output column that is the start of the window grouped by, if the plan groups by one."""
        return next((self.key_column(grouping) for grouping in self.groupings if grouping.window), None)

    @cached_property
    def _streaming_leaves(self) -> list[_Node]:
        return [node for node in self._nodes if node.is_leaf and node.jvm.isStreaming()]

    @cached_property
    def _aggregates(self) -> list[JvmObject]:
        return [node.jvm for node in self._nodes if node.name == "Aggregate" and node.jvm.isStreaming()]

    @cached_property
    def _definitions(self) -> dict[int, tuple[_Node, int]]:
        """Of each column the lowest operator that gives it, as those above pass it on, and its place among that one's columns."""
        return {
            attribute: (node, index)
            for node in self._nodes
            if node.name in _EXPRESSIONS
            for index, attribute in enumerate(_ids(node.jvm.output()))
        }

    @cached_property
    def _static(self) -> dict[int, bool]:
        """Whether a column has an input that is no stream, as far as it is known: many columns have the same ancestors."""
        sides = [node for node in self._nodes if node.is_leaf and not node.jvm.isStreaming()]
        return {attribute: True for node in sides for attribute in _ids(node.jvm.output())}

    def _columns(self, *types: type[DataType]) -> list[str]:
        return [each.name for each in self._schema if isinstance(each.dataType, types)]

    def _expression(self, attribute: int) -> JvmObject | None:
        """What a column is computed by; None for one that a source or an operator of another kind gives."""
        if attribute not in self._expressions:
            self._expressions[attribute] = self._look_up(attribute)
        return self._expressions[attribute]

    def _source(self, column: str) -> JvmObject | None:
        """What an output column is computed by, under whatever name."""
        return self._expression(self._origin(self._output[column]).attribute)

    def _look_up(self, attribute: int) -> JvmObject | None:
        if attribute not in self._definitions:
            return None
        node, index = self._definitions[attribute]
        named = getattr(node.jvm, _EXPRESSIONS[node.name])().apply(index)
        return named.child() if _class_name(named) == "Alias" else None

    def _origin(self, attribute: int) -> Origin:
        """Follow plain renames, and one step into a struct, down to the attribute that a column is."""
        ordinal = None
        while (expression := self._expression(attribute)) is not None:
            kind = _class_name(expression)
            if kind == "GetStructField" and _class_name(expression.child()) == "AttributeReference" and ordinal is None:
                ordinal = int(expression.ordinal())
                attribute = _id(expression.child())
            elif kind == "AttributeReference":
                attribute = _id(expression)
            else:
                break
        return Origin(attribute, ordinal)

    def _is_static(self, attribute: int) -> bool:
        if attribute not in self._static:
            expression = self._expression(attribute)
            self._static[attribute] = expression is not None and self._reads_static(expression)
        return self._static[attribute]

    def _reads_static(self, expression: JvmObject) -> bool:
        return any(self._is_static(attribute) for attribute in _ids(expression.references().toSeq()))

    def _grouping(self, key: JvmObject, aggregate: JvmObject) -> Grouping:
        """A key of an aggregation: an attribute, or an expression that the aggregation may select under a name."""
        selected = [
            e for e in _seq(aggregate.aggregateExpressions()) if _class_name(e) == "Alias" and e.child().semanticEquals(key)
        ]
        named = key if _class_name(key) == "AttributeReference" else selected[0] if selected else None
        return Grouping(
            name=str(named.name() if named is not None else key.sql()),
            origin=self._origin(_id(named)) if named is not None else None,
            static=self._reads_static(key),
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
