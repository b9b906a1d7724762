"""The deployed pipeline files, executed against the signatures that Databricks documents, and against open-source Spark's own."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pyspark
import pytest
from pyspark import pipelines as open_source
from pyspark.pipelines.graph_element_registry import GraphElementRegistry, graph_element_registration_context
from pyspark.pipelines.output import MaterializedView, StreamingTable, TemporaryView
from pyspark.sql import functions as F

from pitlake.mining.databricks.definitions import PIPELINE_FILE, refusing_conditions, stored_tables
from pitlake.pipelines.definitions import CdcFlow, DatasetKind
from tests.mining.databricks.lakeflow import Lakeflow

QUARANTINE_FILE, REALTIME_FILE = (PIPELINE_FILE.parent / "databricks" / name for name in ("quarantine.py", "realtime.py"))
EXPECTATIONS = [f"{kind}{action}" for kind in ("expect", "expect_all") for action in ("", "_or_drop", "_or_fail")]
SETTINGS = {"mining.kafka.bootstrap_servers": "kafka.test:9092"}


@pytest.fixture
def executed(monkeypatch):
    """What a file calls of Lakeflow; columns stand as their names, as no session is there."""

    def run(file: Path, **more: str) -> Lakeflow:
        settings = SETTINGS | more
        given = SimpleNamespace(conf=SimpleNamespace(get=lambda name, default=None: settings.get(name, default)))
        lakeflow = Lakeflow()
        module = lakeflow.module()
        monkeypatch.setitem(sys.modules, "pyspark.pipelines", module)
        monkeypatch.setattr(pyspark, "pipelines", module)
        monkeypatch.setattr(F, "struct", lambda *names: list(names))
        monkeypatch.setattr(F, "col", lambda name: name)
        runpy.run_path(str(file), init_globals={"spark": given})
        return lakeflow

    return run


def test_the_signatures_refuse_what_is_not_documented():
    module = Lakeflow().module()
    with pytest.raises(TypeError, match="missing"):
        module.create_auto_cdc_flow(target="t", source="s", keys=["k"])
    with pytest.raises(TypeError, match="unexpected"):
        module.update_flow(target="t", once=True)


def test_the_pipeline_file_calls_what_is_documented(executed, pipeline):
    lakeflow = executed(PIPELINE_FILE)
    defined = lakeflow.named("table", "materialized_view", "create_streaming_table")
    assert [call.arguments["name"] for call in defined] == list(stored_tables(pipeline))


def test_the_quarantine_file_keeps_what_the_expectations_of_each_table_drop(executed, pipeline):
    dropping = [name for name, dataset in stored_tables(pipeline).items() if refusing_conditions(dataset)]
    defined = executed(QUARANTINE_FILE).named("table")
    assert [call.arguments["name"] for call in defined] == [f"{name}_quarantine" for name in dropping]


def test_each_real_time_flow_fills_a_sink_that_is_named_after_a_table(executed, pipeline):
    lakeflow = executed(REALTIME_FILE)
    sinks = {call.arguments["name"]: call.arguments for call in lakeflow.named("create_sink")}
    flows = lakeflow.named("update_flow")
    assert {call.arguments["target"] for call in flows} == set(sinks)
    assert {sink["options"]["topic"] for sink in sinks.values()} <= set(stored_tables(pipeline))
    assert all(call.arguments["spark_conf"]["pipelines.trigger"] == "RealTime" for call in flows)


def test_a_service_credential_is_used_where_one_is_named(executed):
    named = executed(REALTIME_FILE, **{"mining.kafka.service_credential": "msk"}).named("create_sink")
    assert {sink.arguments["options"]["databricks.serviceCredential"] for sink in named} == {"msk"}
    assert all("databricks.serviceCredential" not in s.arguments["options"] for s in executed(REALTIME_FILE).named("create_sink"))


class Registered(GraphElementRegistry):
    """What open-source Spark registers."""

    def __init__(self) -> None:
        self.outputs, self.flows, self.cdc_flows = {}, {}, {}

    def register_output(self, output):
        self.outputs[output.name] = output

    def register_flow(self, flow):
        self.flows[flow.name] = flow

    def register_auto_cdc_flow(self, flow):
        self.cdc_flows[flow.name] = flow

    def register_sql(self, sql_text, file_path):
        raise AssertionError(file_path)


@pytest.fixture
def registered(spark, monkeypatch) -> Registered:
    """The pipeline file as open-source Spark takes it in: on the client's side, before a server looks at the queries.

    It has no expectations, so they do nothing. Its CDC flows want Spark Connect's column functions, of which Spark's own will do.
    """
    for name in EXPECTATIONS:
        monkeypatch.setattr(open_source, name, lambda *_: lambda function: function, raising=False)
    connect = ModuleType("pyspark.sql.connect.functions")
    connect.col, connect.expr = F.col, F.expr
    monkeypatch.setitem(sys.modules, connect.__name__, connect)
    monkeypatch.setitem(sys.modules, f"{connect.__name__}.builtin", connect)
    registry = Registered()
    with graph_element_registration_context(registry):
        runpy.run_path(str(PIPELINE_FILE), init_globals={"spark": spark})
    return registry


def test_open_source_spark_registers_the_same_datasets(registered, pipeline):
    kinds = {
        DatasetKind.TABLE: StreamingTable,
        DatasetKind.STREAMING_TABLE: StreamingTable,
        DatasetKind.MATERIALIZED_VIEW: MaterializedView,
        DatasetKind.TEMPORARY_VIEW: TemporaryView,
    }
    assert {name: type(output) for name, output in registered.outputs.items()} == {
        name: kinds[dataset.kind] for name, dataset in pipeline.datasets.items()
    }
    for name, dataset in stored_tables(pipeline).items():
        output = registered.outputs[name]
        assert (output.comment, output.schema) == (dataset.comment, dataset.schema)
        assert dict(output.table_properties) == dataset.table_properties
        assert tuple(output.cluster_by or ()) == dataset.cluster_by


def test_open_source_spark_registers_the_same_flows(registered, pipeline):
    cdc = {flow.name: flow for flow in pipeline.flows if isinstance(flow, CdcFlow)}
    assert set(registered.flows) == {flow.name for flow in pipeline.flows} - set(cdc)
    assert {name: (flow.target, flow.source) for name, flow in registered.cdc_flows.items()} == {
        name: (flow.target, flow.source) for name, flow in cdc.items()
    }
    for name, flow in registered.cdc_flows.items():
        assert [str(key) for key in flow.keys] == [f"Column<'{key}'>" for key in cdc[name].keys]
