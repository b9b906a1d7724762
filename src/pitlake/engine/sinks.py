"""What flows write to sinks: records that Kafka takes, and the spec of a Delta table outside of the pipeline."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pitlake.engine.events import EVENT_LOG
from pitlake.engine.plans import PlanFacts
from pitlake.engine.specs import table_spec
from pitlake.errors import LakeError
from pitlake.lake.names import TableName
from pitlake.lake.spec import TableSpec
from pitlake.pipelines.definitions import Dataset, DatasetKind, Flow, Pipeline, Sink, SinkFormat
from pitlake.pipelines.locations import error_at
from pitlake.pipelines.names import bare_name, suggestion

# As Spark's Kafka sink takes them.
_HEADERS = "array<struct<key:string,value:binary>>"
_COLUMNS = {
    "value": ("string", "binary"),
    "key": ("string", "binary"),
    "headers": (_HEADERS,),
    "topic": ("string",),
    "partition": ("int",),
}


def kafka_records(flow: Flow, sink: Sink, rows: DataFrame, facts: PlanFacts) -> DataFrame:
    """The rows of a flow as records of a Kafka sink. Raises DefinitionError for rows that are none."""
    if facts.aggregations and not flow.updates:
        what = f"the append flow {flow.name} aggregates, and a sink would take its rows again whenever they change"
        raise error_at(flow.location, what, "Define it with @dp.update_flow.")
    for name, kind in rows.dtypes:
        if name not in _COLUMNS:
            what = f"{flow.name} gives {name}, which is no column of a Kafka record"
            near = suggestion(name, _COLUMNS, what="columns")
            raise error_at(flow.location, what, f"{near} A row goes into `value`, by to_json.")
        if kind not in _COLUMNS[name]:
            wanted = " or ".join(kind.upper() for kind in _COLUMNS[name])
            what = f"{flow.name} gives {name} as {kind.upper()}, and a Kafka record has it as {wanted}"
            raise error_at(flow.location, what, "Cast it, or make text of it with to_json.")
    if "value" not in rows.columns:
        raise error_at(flow.location, f"{flow.name} gives no value", "Put a row into a column `value`: to_json(struct('*')).")
    if "topic" not in rows.columns and "topic" not in sink.options:
        what = f"neither {sink.name} nor its flow {flow.name} names a topic"
        raise error_at(sink.location, what, "Give the sink the option topic, or its rows a column `topic`.")
    return rows.select(*(F.col(name) for name in rows.columns))


def delta_spec(flow: Flow, sink: Sink, rows: DataFrame, facts: PlanFacts, catalog: str, schema: str) -> TableSpec:
    """The table of a Delta sink: it has no keys, so that a row is stored as often as it comes. Raises DefinitionError."""
    if facts.aggregations:
        what = f"the flow {flow.name} aggregates, and the delta sink {sink.name} would store a row again whenever it changes"
        raise error_at(flow.location, what, "Make the target a table, whose rows are replaced, or a kafka sink.")
    described = Dataset(sink.name, DatasetKind.STREAMING_TABLE, sink.location)
    name = delta_table(sink, catalog, schema)
    return table_spec(name, flow, described, rows, facts).model_copy(update={"location": sink.options.get("path")})


def delta_table(sink: Sink, catalog: str, schema: str) -> TableName:
    """The table of a Delta sink; one with a path has the sink's name. Raises DefinitionError."""
    written = sink.options.get("tableName", sink.name)
    bare = bare_name(written, catalog, schema)
    try:
        return TableName.parse(bare) if "." in bare else TableName(catalog, schema, bare)
    except LakeError as error:
        raise error_at(sink.location, f"the sink {sink.name} names no table: {error.what.rstrip('.')}", error.do) from error


def check_sinks(pipeline: Pipeline, quarantines: Collection[str], catalog: str, schema: str) -> None:
    """Raises DefinitionError for a Delta sink whose table is one of the pipeline's own, or another sink's."""
    own = {*pipeline.datasets, *quarantines, EVENT_LOG}
    taken = {TableName(catalog, schema, name): f"the pipeline's own table {name}" for name in own}
    for sink in pipeline.sinks.values():
        if sink.format is not SinkFormat.DELTA:
            continue
        table = delta_table(sink, catalog, schema)
        if table in taken:
            do = "Name another table; a table of the pipeline is written by a flow with that target."
            raise error_at(sink.location, f"the sink {sink.name} writes {table}, which is {taken[table]}", do)
        taken[table] = f"the table of the sink {sink.name}"
