"""The decorators and functions of a pipeline file, under both of their names.

    from pyspark import pipelines as dp
    import dlt

Signatures and meanings are Databricks'. An argument that has no meaning outside Databricks is either without effect, which its
function says, or refused with what to do instead; an unknown argument is refused with the nearest known name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql.types import StructType

from pitlake.pipelines.columns import ColumnNames, column_names
from pitlake.pipelines.conditions import check_condition
from pitlake.pipelines.definitions import (
    Action,
    CdcFlow,
    Dataset,
    DatasetKind,
    Expectation,
    Flow,
    Location,
    QueryFunction,
    Sink,
)
from pitlake.pipelines.locations import caller_location, error_at, function_location
from pitlake.pipelines.names import suggestion
from pitlake.pipelines.reading import current_reader
from pitlake.pipelines.registry import current_registry
from pitlake.pipelines.sinks import sink_format, sink_options

__all__ = [
    "append_flow",
    "apply_changes",
    "create_auto_cdc_flow",
    "create_sink",
    "create_streaming_table",
    "expect",
    "expect_all",
    "expect_all_or_drop",
    "expect_all_or_fail",
    "expect_or_drop",
    "expect_or_fail",
    "materialized_view",
    "read",
    "readStream",
    "read_stream",
    "table",
    "temporary_view",
    "update_flow",
    "view",
]

Decorator = Callable[[QueryFunction], QueryFunction]
Conditions = Mapping[str, str]


def __getattr__(name: str) -> Any:
    """Tell what a misspelt decorator may have meant. Raises AttributeError."""
    raise AttributeError(f"there is no {name} in the pipeline language. {suggestion(name, __all__, what='names')}")


def table(
    query_function: QueryFunction | None = None,
    /,
    *,
    name: str | None = None,
    comment: str | None = None,
    spark_conf: Mapping[str, str] | None = None,
    table_properties: Mapping[str, str] | None = None,
    path: str | None = None,
    partition_cols: Sequence[str] | None = None,
    cluster_by_auto: bool = False,
    cluster_by: Sequence[str] | None = None,
    schema: str | StructType | None = None,
    row_filter: str | None = None,
    private: bool = False,
    temporary: bool = False,
    **unknown: Any,
) -> QueryFunction | Decorator:
    """Define a table by the function that gives its rows: a streaming table when it reads a stream.

    `name` defaults to the function's. `schema` is DDL text or a StructType; DDL may hold comments, NOT NULL and a PRIMARY KEY. Of
    the properties, `pipelines.trigger.interval` sets the checkpoint interval and `pitlake.*` what docs/architecture.md lists.
    `cluster_by_auto`, `private` and `temporary` have no effect here; `path` and `row_filter` are refused.
    """
    _refuse(table, unknown, path=path, row_filter=row_filter)
    del cluster_by_auto, private, temporary
    details = _Details(name, comment, spark_conf, table_properties, partition_cols, cluster_by, schema)
    return _decorated(query_function, lambda function: _define(function, DatasetKind.TABLE, details))


def materialized_view(
    query_function: QueryFunction | None = None,
    /,
    *,
    name: str | None = None,
    comment: str | None = None,
    spark_conf: Mapping[str, str] | None = None,
    table_properties: Mapping[str, str] | None = None,
    path: str | None = None,
    partition_cols: Sequence[str] | None = None,
    cluster_by_auto: bool = False,
    cluster_by: Sequence[str] | None = None,
    schema: str | StructType | None = None,
    row_filter: str | None = None,
    private: bool = False,
    refresh_policy: str | None = None,
    **unknown: Any,
) -> QueryFunction | Decorator:
    """Define a table that is the result of a batch query over other tables.

    Arguments are those of `table`; `refresh_policy` has no effect here. The query is computed anew every trigger interval, and
    its rows replace those before all at once; they pass through the driver's memory.
    """
    _refuse(materialized_view, unknown, path=path, row_filter=row_filter)
    del cluster_by_auto, private, refresh_policy
    details = _Details(name, comment, spark_conf, table_properties, partition_cols, cluster_by, schema)
    return _decorated(query_function, lambda function: _define(function, DatasetKind.MATERIALIZED_VIEW, details))


def temporary_view(
    query_function: QueryFunction | None = None,
    /,
    *,
    name: str | None = None,
    comment: str | None = None,
    spark_conf: Mapping[str, str] | None = None,
    **unknown: Any,
) -> QueryFunction | Decorator:
    """Define a view: a query that other queries of the pipeline read, and that is stored nowhere.

    A row that fails a dropping expectation of a view is left out, one that fails a failing expectation stops the flow that reads
    it; nothing is counted and nothing is quarantined, as there is no table to which that would belong.
    """
    _refuse(temporary_view, unknown)
    details = _Details(name, comment, spark_conf)
    return _decorated(query_function, lambda function: _define(function, DatasetKind.TEMPORARY_VIEW, details))


view = temporary_view


def create_streaming_table(
    name: str,
    comment: str | None = None,
    spark_conf: Mapping[str, str] | None = None,
    table_properties: Mapping[str, str] | None = None,
    path: str | None = None,
    partition_cols: Sequence[str] | None = None,
    cluster_by_auto: bool = False,  # noqa: FBT001, FBT002  (Databricks' signature)
    cluster_by: Sequence[str] | None = None,
    schema: str | StructType | None = None,
    expect_all: Conditions | None = None,
    expect_all_or_drop: Conditions | None = None,
    expect_all_or_fail: Conditions | None = None,
    row_filter: str | None = None,
    **unknown: Any,
) -> None:
    """Define a streaming table without a query: the target of append flows or of a CDC flow.

    Arguments are those of `table`; the three `expect_all*` take `{name: condition}`.
    """
    _refuse(create_streaming_table, unknown, path=path, row_filter=row_filter)
    del cluster_by_auto
    location = caller_location()
    details = _Details(name, comment, spark_conf, table_properties, partition_cols, cluster_by, schema)
    expectations = (
        *_expectations(expect_all, Action.WARN, location),
        *_expectations(expect_all_or_drop, Action.DROP, location),
        *_expectations(expect_all_or_fail, Action.FAIL, location),
    )
    current_registry().add_dataset(details.dataset(name, DatasetKind.STREAMING_TABLE, location, expectations))


def append_flow(
    query_function: QueryFunction | None = None,
    /,
    *,
    target: str,
    name: str | None = None,
    once: bool = False,
    depends_on: str | Sequence[str] | None = None,
    spark_conf: Mapping[str, str] | None = None,
    comment: str | None = None,
    import_checkpoint: str | None = None,
    **unknown: Any,
) -> QueryFunction | Decorator:
    """Define a flow whose rows are appended to `target`, a streaming table or a sink; several flows may have one target.

    A flow's name (by default the function's) is its checkpoint's: renaming it starts it from the beginning.
    `once`, `depends_on` and `import_checkpoint` are refused.
    """
    _refuse(append_flow, unknown, once=once or None, depends_on=depends_on, import_checkpoint=import_checkpoint)
    return _decorated(query_function, lambda function: _define_flow(function, target, name, spark_conf, comment))


def update_flow(
    query_function: QueryFunction | None = None,
    /,
    *,
    target: str,
    name: str | None = None,
    depends_on: str | Sequence[str] | None = None,
    spark_conf: Mapping[str, str] | None = None,
    comment: str | None = None,
    **unknown: Any,
) -> QueryFunction | Decorator:
    """Define a flow into the sink `target` that sends a row of an aggregation again whenever it changes.

    Of `spark_conf`, `pipelines.trigger` (`RealTime`) and `pipelines.trigger.interval`, how often the flow checkpoints, have a
    meaning here. A flow's name (by default the function's) is its checkpoint's. `depends_on` is refused.
    """
    _refuse(update_flow, unknown, depends_on=depends_on)
    return _decorated(query_function, lambda function: _define_flow(function, target, name, spark_conf, comment, updates=True))


def create_sink(name: str, format: str, options: Mapping[str, str] | None = None, **unknown: Any) -> None:  # noqa: A002  (Databricks' name)
    """Define a place outside of the pipeline as the target of append and update flows.

    `format="kafka"`: `topic`, unless each row names its own, and `kafka.*` for the producer; without `kafka.bootstrap.servers` it
    is the pipeline's own Kafka. Rows need a `value`, and may have `key`, `headers`, `topic` and `partition`.
    `format="delta"`, for append flows: either `tableName`, in full where it lies outside of the pipeline's schema, or `path`.
    A sink has no expectations; it takes each row at least once.
    """
    _refuse(create_sink, unknown)
    location = caller_location()
    kind = sink_format(name, format, location)
    current_registry().add_sink(Sink(_bare(name), kind, sink_options(name, kind, options or {}, location), location))


def create_auto_cdc_flow(
    target: str,
    source: str,
    keys: ColumnNames,
    sequence_by: str | Column,
    *,
    ignore_null_updates: bool = False,
    apply_as_deletes: str | Column | None = None,
    column_list: ColumnNames | None = None,
    except_column_list: ColumnNames | None = None,
    stored_as_scd_type: str | int = 1,
    name: str | None = None,
    **unsupported: Any,
) -> None:
    """Define a change-data-capture flow (SCD type 1) from `source` into the streaming table `target`.

    Of the rows with one value of `keys`, the one with the highest `sequence_by` stands; a row for which `apply_as_deletes` is
    true removes its key. Keys and sequence are columns of the source and are stored in the table; `struct("a", "b")` sequences by
    several. Refused: SCD type 2, `ignore_null_updates` and the arguments that only those use. What follows `sequence_by` is given
    by name, as its order is not the same everywhere.
    """
    location = caller_location()
    unknown = {argument: value for argument, value in unsupported.items() if argument not in _CDC_UNSUPPORTED}
    refused = {argument: value for argument, value in unsupported.items() if argument not in unknown and value is not False}
    _refuse(create_auto_cdc_flow, unknown, ignore_null_updates=ignore_null_updates or None, **refused)
    if str(stored_as_scd_type) != "1":
        raise error_at(location, f"stored_as_scd_type={stored_as_scd_type!r} is not supported", "Use stored_as_scd_type=1.")
    if isinstance(apply_as_deletes, str):
        check_condition(apply_as_deletes, f"apply_as_deletes of {target}", location)
    current_registry().add_flow(
        CdcFlow(
            name=name or _bare(target),
            target=_bare(target),
            source=source,
            keys=column_names(keys, f"keys of {target}", location),
            sequence_by=column_names(sequence_by, f"sequence_by of {target}", location),
            location=location,
            delete_when=apply_as_deletes,
            columns=_optional_names(column_list, "column_list", location),
            except_columns=_optional_names(except_column_list, "except_column_list", location),
        )
    )


_CDC_UNSUPPORTED = (
    "apply_as_truncates",
    "columns_to_update",
    "ignore_null_updates_column_list",
    "ignore_null_updates_except_column_list",
    "once",
    "system_sequence_by",
    "track_history_column_list",
    "track_history_except_column_list",
)


def apply_changes(*args: Any, flow_name: str | None = None, **kwargs: Any) -> None:
    """The older name of `create_auto_cdc_flow`; `flow_name` is its `name`."""
    if flow_name is not None:
        kwargs["name"] = flow_name
    create_auto_cdc_flow(*args, **kwargs)


def read(name: str) -> DataFrame:
    """The older form of `spark.read.table(name)`."""
    return current_reader().batch(name)


def read_stream(name: str) -> DataFrame:
    """The older form of `spark.readStream.table(name)`."""
    return current_reader().stream(name)


readStream = read_stream  # noqa: N816  (Databricks' name)


def expect(description: str, constraint: str) -> Decorator:
    """Expect of each row that the SQL expression `constraint` is true; a row that fails, NULL included, is kept and counted.

    `description` is the expectation's name; a dataset has each name once.
    """
    return _expecting({description: constraint}, Action.WARN)


def expect_or_drop(description: str, constraint: str) -> Decorator:
    """Expect as `expect` does, and put a row that fails into `<table>_quarantine` instead of the table."""
    return _expecting({description: constraint}, Action.DROP)


def expect_or_fail(description: str, constraint: str) -> Decorator:
    """Expect as `expect` does, and stop the flow at a row that fails."""
    return _expecting({description: constraint}, Action.FAIL)


def expect_all(expectations: Conditions) -> Decorator:
    """Several of `expect`, as `{name: condition}`."""
    return _expecting(expectations, Action.WARN)


def expect_all_or_drop(expectations: Conditions) -> Decorator:
    """Several of `expect_or_drop`, as `{name: condition}`."""
    return _expecting(expectations, Action.DROP)


def expect_all_or_fail(expectations: Conditions) -> Decorator:
    """Several of `expect_or_fail`, as `{name: condition}`."""
    return _expecting(expectations, Action.FAIL)


class _Details:
    """The arguments that all datasets have in common."""

    def __init__(
        self,
        name: str | None,
        comment: str | None,
        spark_conf: Mapping[str, str] | None = None,
        table_properties: Mapping[str, str] | None = None,
        partition_cols: Sequence[str] | None = None,
        cluster_by: Sequence[str] | None = None,
        schema: str | StructType | None = None,
    ) -> None:
        self.name = name
        self._comment = comment
        self._spark_conf = dict(spark_conf or {})
        self._properties = {key: str(value) for key, value in (table_properties or {}).items()}
        self._partition_cols = tuple(partition_cols or ())
        self._cluster_by = tuple(cluster_by or ())
        self._schema = schema

    def dataset(self, name: str, kind: DatasetKind, location: Location, expectations: tuple[Expectation, ...] = ()) -> Dataset:
        if self._partition_cols and self._cluster_by:
            raise error_at(location, f"{name} has partition_cols and cluster_by", "Keep cluster_by alone.")
        return Dataset(
            name=_bare(name),
            written_as=name,
            kind=kind,
            location=location,
            comment=self._comment,
            schema=self._schema,
            table_properties=self._properties,
            spark_conf=self._spark_conf,
            partition_cols=self._partition_cols,
            cluster_by=self._cluster_by,
            expectations=expectations,
        )


def _define(function: QueryFunction, kind: DatasetKind, details: _Details) -> None:
    name = details.name or function.__name__
    location = function_location(function)
    registry = current_registry()
    dataset = details.dataset(name, kind, location)
    registry.add_dataset(dataset, function)
    registry.add_flow(Flow(dataset.name, dataset.name, function, location))


def _define_flow(
    function: QueryFunction,
    target: str,
    name: str | None,
    spark_conf: Mapping[str, str] | None,
    comment: str | None,
    *,
    updates: bool = False,
) -> None:
    location = function_location(function)
    conf = dict(spark_conf or {})
    current_registry().add_flow(Flow(name or function.__name__, _bare(target), function, location, conf, comment, updates))


def _decorated(function: QueryFunction | None, define: Callable[[QueryFunction], None]) -> QueryFunction | Decorator:
    def decorate(decorated: QueryFunction) -> QueryFunction:
        if not inspect.isfunction(decorated):
            raise error_at(caller_location(), f"{decorated!r} is no function", "Decorate a function that returns a DataFrame.")
        define(decorated)
        return decorated

    return decorate if function is None else decorate(function)


def _expecting(conditions: Conditions, action: Action) -> Decorator:
    expectations = _expectations(conditions, action, caller_location())

    def decorate(function: QueryFunction) -> QueryFunction:
        current_registry().expect(function, expectations)
        return function

    return decorate


def _expectations(conditions: Conditions | None, action: Action, location: Location) -> list[Expectation]:
    for name, condition in (conditions or {}).items():
        check_condition(condition, f"the expectation {name}", location)
    return [Expectation(name, condition, action) for name, condition in (conditions or {}).items()]


def _optional_names(given: ColumnNames | None, what: str, location: Location) -> tuple[str, ...] | None:
    return None if given is None else column_names(given, what, location)


def _bare(name: str) -> str:
    """A dataset's own name; its catalog and schema are the pipeline's."""
    return name.replace("`", "").split(".")[-1]


def _refuse(function: Callable[..., object], unknown: Mapping[str, object], **refused: object) -> None:
    """Raise for arguments that the function does not know, or that cannot be honoured here."""
    location = caller_location()
    name = function.__name__
    known = [p for p in inspect.signature(function).parameters if p not in ("unknown", "unsupported", "query_function")]
    for argument in unknown:
        raise error_at(location, f"{name} has no argument {argument}", suggestion(argument, known, what="arguments"))
    for argument, value in refused.items():
        if value is not None:
            raise error_at(
                location, f"{name} does not support {argument} here", f"Leave {argument} out: {_INSTEAD.get(argument, _NOT_YET)}."
            )


_NOT_YET = "pitlake has no counterpart of it"
_INSTEAD = {
    "path": "a table lies in the lake, under its name",
    "row_filter": "it needs Unity Catalog; filter in the query",
    "import_checkpoint": "a flow's checkpoint is kept under the home",
}
