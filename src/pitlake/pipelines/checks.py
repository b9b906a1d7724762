"""What can be wrong with a pipeline's definitions before any query is looked at."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from pitlake.errors import DefinitionError
from pitlake.pipelines.definitions import CdcFlow, Dataset, DatasetKind, Flow, Location, Pipeline, Sink, SinkFormat
from pitlake.pipelines.locations import error_at
from pitlake.pipelines.names import suggestion

AnyFlow = Flow | CdcFlow

# A table's name is a folder's and a topic's, a flow's is its checkpoint's.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


def check_pipeline(pipeline: Pipeline) -> None:
    """Raises DefinitionError for the first definition that cannot stand, with its file and line."""
    for named in (*pipeline.datasets.values(), *pipeline.sinks.values(), *pipeline.flows):
        _check_name(named.name, named.location)
    _check_flow_names(pipeline.flows)
    for flow in pipeline.flows:
        _check_target(flow, pipeline)
        if isinstance(flow, CdcFlow):
            _check_cdc(flow)
    flows_of = defaultdict(list)
    for flow in pipeline.flows:
        flows_of[flow.target].append(flow)
    for dataset in pipeline.datasets.values():
        _check_writers(dataset, flows_of[dataset.name])
        _check_expectation_names(dataset)
    for sink in pipeline.sinks.values():
        _check_has_flow(sink, flows_of[sink.name])


def _check_name(name: str, location: Location) -> None:
    if not _NAME.fullmatch(name):
        raise error_at(location, f"{name!r} cannot be a name", "Name it with name=, of letters, digits, '_' and '-'.")


def _check_flow_names(flows: Sequence[AnyFlow]) -> None:
    seen: dict[str, AnyFlow] = {}
    for flow in flows:
        first = seen.setdefault(flow.name, flow)
        if first is not flow:
            raise error_at(
                flow.location,
                f"two flows are named {flow.name}, the first at {first.location.file}:{first.location.line}",
                "Give one of them another name=: a flow's name is its checkpoint's.",
            )


def _check_target(flow: AnyFlow, pipeline: Pipeline) -> None:
    if (sink := pipeline.sinks.get(flow.target)) is not None:
        _check_sink_takes(flow, sink)
        return
    target = pipeline.datasets.get(flow.target)
    if target is None:
        raise _unknown_target(flow, pipeline)
    if isinstance(flow, Flow) and flow.updates:
        raise error_at(
            flow.location,
            f"the update flow {flow.name} has the target {flow.target}, which is no sink",
            "Write a table with @dp.append_flow or @dp.table: a row of an aggregation replaces the one before it there.",
        )
    own = isinstance(flow, Flow) and flow.name == target.name
    if not own and target.kind in (DatasetKind.TEMPORARY_VIEW, DatasetKind.MATERIALIZED_VIEW):
        raise error_at(flow.location, f"{flow.target} is a view, which no flow can write", "Make the target a streaming table.")


def _unknown_target(flow: AnyFlow, pipeline: Pipeline) -> DefinitionError:
    updates = isinstance(flow, Flow) and flow.updates
    tables = [] if updates else [d.name for d in pipeline.datasets.values() if d.kind is not DatasetKind.TEMPORARY_VIEW]
    near = suggestion(flow.target, [*tables, *pipeline.sinks], what="sinks" if updates else "targets")
    define = "dp.create_sink" if updates else "dp.create_streaming_table or dp.create_sink"
    return error_at(
        flow.location, f"the flow {flow.name} has the unknown target {flow.target}", f"{near} Define it with {define}."
    )


def _check_sink_takes(flow: AnyFlow, sink: Sink) -> None:
    if isinstance(flow, CdcFlow):
        what = f"{sink.name} is a sink, which no CDC flow can write"
        raise error_at(flow.location, what, "Make the target a streaming table, and write the sink with an append flow.")
    if flow.updates and sink.format is SinkFormat.DELTA:
        what = f"the update flow {flow.name} has the target {sink.name}, a delta sink, which only takes new rows"
        raise error_at(flow.location, what, "Define it with @dp.append_flow, or make the target a table or a kafka sink.")


def _check_cdc(flow: CdcFlow) -> None:
    if not flow.keys:
        raise error_at(flow.location, f"the CDC flow {flow.name} has no keys", "Name the columns that identify a row: keys=[…].")
    if not flow.sequence_by:
        raise error_at(flow.location, f"the CDC flow {flow.name} has no sequence", "Name what orders its rows: sequence_by=….")
    if flow.columns is not None and flow.except_columns is not None:
        raise error_at(flow.location, f"{flow.name} has column_list and except_column_list", "Keep one of the two.")


def _check_has_flow(target: Dataset | Sink, flows: Sequence[AnyFlow]) -> None:
    if not flows:
        raise error_at(target.location, f"{target.name} has no flow that writes it", f"Add one with target={target.name!r}.")


def _check_writers(dataset: Dataset, flows: Sequence[AnyFlow]) -> None:
    _check_has_flow(dataset, flows)
    if len(flows) == 1 or (dataset.kind is DatasetKind.STREAMING_TABLE and not any(isinstance(f, CdcFlow) for f in flows)):
        return
    raise error_at(
        flows[-1].location,
        f"{dataset.name} has two writers, {flows[0].name} and {flows[-1].name}",
        "Define it with dp.create_streaming_table and write it with append flows, or with one CDC flow alone.",
    )


def _check_expectation_names(dataset: Dataset) -> None:
    names = [expectation.name for expectation in dataset.expectations]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise error_at(dataset.location, f"{dataset.name} has two expectations named {twice}", "Give one of them another name.")
