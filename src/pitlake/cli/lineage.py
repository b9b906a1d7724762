"""A pipeline's graph as its last update has told it to the event log: nothing is planned for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from pitlake.cli.outline import Graph, Kind, sink_label
from pitlake.cli.settings import Settings
from pitlake.engine.events import EVENT_LOG, FLOW_TYPES, VIEW
from pitlake.errors import QueryError
from pitlake.lake.spec import WriteMode
from pitlake.lake.sql import query
from pitlake.pipelines.names import bare_name

_DEFINITIONS = f"""
    SELECT origin.update_id AS update_id, origin.sink_name AS sink, details FROM {EVENT_LOG}
    WHERE event_type IN ('create_update', 'flow_definition', 'sink_definition') ORDER BY sequence.data_plane_id.seq_no
"""  # noqa: S608 (a name of our own)
_MODES = {flow_type: str(mode) for mode, flow_type in FLOW_TYPES.items()}


def told_graph(settings: Settings, file: Path, landing: Collection[str]) -> Graph | None:
    """The graph of the last update of the pipeline `file`; None where none has been told.

    Of the names that it only reads, those in `landing` are topics. Raises LakeError.
    """
    try:
        answer = query(settings.lake_url, _DEFINITIONS, catalog=settings.catalog, schema=settings.schema_)
    except QueryError:  # no update has run on the home
        return None
    events = [event | {"details": orjson.loads(event["details"])} for event in answer.to_pylist()]
    updates = [event["update_id"] for event in events if _is_of(file, event["details"])]
    told = [event for event in events if event["update_id"] in updates[-1:]]
    formats = {event["sink"]: sink["format"] for event in told if (sink := event["details"].get("sink_definition"))}
    flows = [_flow(flow, settings) for event in told if (flow := event["details"].get("flow_definition"))]
    return _graph(flows, formats, landing) if flows else None


@dataclass(frozen=True)
class _Flow:
    """A flow as it was told: by bare names what it writes and reads."""

    target: str
    kind: str
    inputs: tuple[str, ...]


def _is_of(file: Path, details: Mapping[str, Any]) -> bool:
    return {"file": str(file)} in details.get("create_update", {}).get("config", {}).get("libraries", [])


def _flow(told: Mapping[str, Any], settings: Settings) -> _Flow:
    def bare(name: str) -> str:
        return bare_name(name, settings.catalog, settings.schema_)

    inputs = tuple(bare(each["name"]) for each in told["input_datasets"])
    return _Flow(told.get("output_sink") or bare(told["output_dataset"]), told["flow_type"], inputs)


def _graph(flows: Sequence[_Flow], formats: Mapping[str, str], landing: Collection[str]) -> Graph:
    made = {flow.target: _kind_of(flow, formats) for flow in flows}
    only_read = {name for flow in flows for name in flow.inputs} - made.keys()
    kinds = made | {name: Kind.LANDING if name in landing else Kind.DIMENSION for name in only_read}
    refreshed = [flow for flow in flows if flow.kind == FLOW_TYPES[WriteMode.REFRESH]]
    standing = {flow.target for flow in refreshed} | {name for flow in refreshed for name in flow.inputs}
    reads: dict[str, tuple[str, ...]] = {}
    for flow in flows:
        reads[flow.target] = tuple(sorted({*reads.get(flow.target, ()), *flow.inputs}))
    return Graph(
        kinds=dict(sorted(kinds.items())),
        reads=dict(sorted(reads.items())),
        static=tuple(
            name for name, kind in sorted(kinds.items()) if kind is Kind.DIMENSION or (kind is Kind.TABLE and name in standing)
        ),
        labels={flow.target: _label(flow, formats) for flow in flows if flow.kind != VIEW},
    )


def _kind_of(flow: _Flow, formats: Mapping[str, str]) -> Kind:
    if flow.kind == VIEW:
        return Kind.VIEW
    return Kind.SINK if flow.target in formats else Kind.TABLE


def _label(flow: _Flow, formats: Mapping[str, str]) -> str:
    return sink_label(formats[flow.target]) if flow.target in formats else _MODES[flow.kind]
