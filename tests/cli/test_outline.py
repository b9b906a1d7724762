"""A planned pipeline in outline."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, replace

import pytest
from rich.console import Console

from pitlake.cli.outline import Kind, graph_as_mermaid, outline, outline_as_json, print_outline
from pitlake.engine.planning import SinkPlan, UpdatePlan
from pitlake.lake.names import TableName
from pitlake.lake.spec import TableSpec, WriteMode
from pitlake.pipelines.definitions import Action, Dataset, DatasetKind, Expectation, Location, Pipeline, Sink, SinkFormat
from tests.support.writing import append_spec, cdc_spec, upsert_spec

HERE = Location("pipeline.py", 1)
POSITIVE = Expectation("positive", "value > 0", Action.DROP)


@dataclass(frozen=True)
class Planned:
    """What an outline takes of a flow's plan."""

    name: str
    spec: TableSpec
    interval: str = "1 minute"
    quarantines: bool = False
    is_replicated: bool = False

    @property
    def target(self):
        return TableName.parse(self.spec.name).name


FLOWS = (
    Planned("silver", append_spec(comment="Readings"), quarantines=True),
    Planned("gold", upsert_spec(), interval="30 seconds"),
    Planned("apply_status", cdc_spec()),
)
READS = {
    "silver": frozenset({"landing", "machines"}),
    "gold": frozenset({"silver"}),
    "status": frozenset({"changes"}),
    "changes": frozenset({"silver"}),
}


def _plan(flows=FLOWS, reads=READS, awaited=()):
    return UpdatePlan(flows=flows, specs=(), reads=reads, awaited={TableName("c", "s", name): () for name in awaited})


def _dataset(name, kind=DatasetKind.TABLE, **changes):
    return Dataset(name, kind, HERE, **changes)


PIPELINE = Pipeline(
    {
        "silver": _dataset("silver", expectations=(POSITIVE,)),
        "gold": _dataset("gold"),
        "status": _dataset("status"),
        "changes": _dataset("changes", DatasetKind.TEMPORARY_VIEW),
    },
    flows=(),
)


@pytest.fixture
def result():
    return outline(PIPELINE, _plan(), {"landing"})


def _lines(result, width=80):
    console = Console(file=io.StringIO(), width=width)
    print_outline(result, console)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_each_name_is_known_for_what_it_is(result):
    assert result.kinds == {
        "changes": Kind.VIEW,
        "gold": Kind.TABLE,
        "landing": Kind.LANDING,
        "machines": Kind.DIMENSION,
        "silver": Kind.TABLE,
        "status": Kind.TABLE,
    }


def test_a_table_is_printed_with_its_mode_and_all_that_is_known_of_it(result):
    assert _lines(result)[:8] == [
        "silver  append",
        "  is          Readings",
        "  reads       landing, machines",
        "  keys        landing_id, batch_index",
        "  expects     positive (drop): value > 0",
        "  quarantine  silver_quarantine",
        "  checkpoint  every 1 minute",
        "",
    ]


def test_what_makes_a_row_newer_is_printed_for_upserts_and_cdc(result):
    lines = _lines(result)
    assert "  newer by    a count in readings that is not lower" in lines
    assert "  newer by    a sequence in at, number that is not lower" in lines


def test_a_table_says_which_properties_it_does_not_get():
    plan = replace(_plan(), left_out={"gold": ("delta.appendOnly", "delta.enableChangeDataFeed")})
    lines = _lines(outline(PIPELINE, plan, {"landing"}))
    assert [line for line in lines if "without" in line] == [
        "  without     delta.appendOnly, delta.enableChangeDataFeed: for Databricks only"
    ]


def test_a_table_that_two_queries_compute_says_so():
    flows = (Planned("gold", upsert_spec(), is_replicated=True),)
    lines = _lines(outline(PIPELINE, _plan(flows), {"landing"}))
    assert "  replicas    2 in real time: one goes on while the other is between two batches" in lines


def test_a_flow_with_a_name_of_its_own_is_named_at_its_interval(result):
    lines = _lines(result)
    assert "  checkpoint  every 30 seconds" in lines
    assert "  checkpoint  every 1 minute (apply_status)" in lines


def test_a_table_without_keys_is_warned_of():
    flows = (Planned("silver", append_spec(keys=())),)
    assert "  keys        none: a replay stores rows twice" in _lines(outline(PIPELINE, _plan(flows), {"landing"}))


def test_a_materialized_view_is_refreshed_and_needs_no_keys():
    flows = (Planned("gold", upsert_spec(mode=WriteMode.REFRESH, keys=(), count=None)),)
    assert _lines(outline(PIPELINE, _plan(flows), {"landing"}))[:4] == [
        "gold  refresh",
        "  reads      silver",
        "  refreshed  every 1 minute",
        "",
    ]


def test_a_table_of_the_pipeline_that_is_read_as_it_stands_is_dashed():
    text = graph_as_mermaid(outline(PIPELINE, _plan(awaited=["silver"]), {"landing"}).graph)
    assert "n_silver -.-> n_gold" in text


def test_it_ends_with_how_many_there_are(result):
    assert _lines(result)[-1] == "3 tables, 3 flows: the pipeline can run"


@pytest.mark.parametrize("width", [80, 120])
def test_names_are_whole_in_a_terminal(result, width):
    text = "\n".join(_lines(result, width))
    assert [name for name in (*READS, "silver_quarantine", "landing_id") if name not in text.split("\n", maxsplit=0)[0]] == []
    assert "…" not in text


def test_json_has_the_tables_and_the_graph(result):
    found = json.loads(outline_as_json(result))
    silver = found["tables"][0]
    assert (silver["name"], silver["mode"], silver["keys"]) == ("silver", "append", ["landing_id", "batch_index"])
    assert silver["expectations"] == [{"name": "positive", "condition": "value > 0", "action": "drop"}]
    assert found["reads"]["silver"] == ["landing", "machines"]
    assert found["kinds"]["changes"] == "view"


def test_mermaid_draws_every_name_and_every_edge_once(result):
    lines = graph_as_mermaid(result.graph).splitlines()
    assert lines[0] == "flowchart LR"
    assert sorted(line.strip() for line in lines if "-->" in line or "-.->" in line) == [
        "n_changes --> n_status",
        "n_landing --> n_silver",
        "n_machines -.-> n_silver",
        "n_silver --> n_changes",
        "n_silver --> n_gold",
    ]
    assert '    n_landing[("landing")]' in lines
    assert '    n_gold["gold<br>upsert"]' in lines


@pytest.fixture
def with_sink():
    sink = Sink("alarms", SinkFormat.KAFKA, {"topic": "alarms", "kafka.ssl.key.password": "x"}, HERE)
    plan = replace(
        _plan(reads={**READS, "alarms": frozenset({"gold"})}), sinks=(SinkPlan("ring", sink, "c.s", None, "5 minutes"),)
    )
    return outline(replace(PIPELINE, sinks={"alarms": sink}), plan, {"landing"})


def test_a_sink_is_printed_with_its_options_but_no_secret(with_sink):
    lines = _lines(with_sink)
    assert lines[lines.index("alarms  kafka sink") :] == [
        "alarms  kafka sink",
        "  reads       gold",
        "  option      topic = alarms",
        "  option      kafka.ssl.key.password = ***",
        "  stores      each row at least once",
        "  checkpoint  every 5 minutes (ring)",
        "",
        "3 tables, 1 sink, 4 flows: the pipeline can run",
    ]


def test_json_has_the_sinks(with_sink):
    found = json.loads(outline_as_json(with_sink))
    assert [(sink["name"], sink["format"]) for sink in found["sinks"]] == [("alarms", "kafka")]
    assert found["kinds"]["alarms"] == "sink"


def test_mermaid_draws_a_sink_as_a_flag(with_sink):
    lines = graph_as_mermaid(with_sink.graph).splitlines()
    assert '    n_alarms>"alarms<br>kafka sink"]' in lines
    assert "    n_gold --> n_alarms" in lines


def test_mermaid_takes_names_of_several_parts():
    reads = {"silver": frozenset({"other.schema.table-1"})}
    text = graph_as_mermaid(outline(PIPELINE, _plan(FLOWS[:1], reads), ()).graph)
    assert 'n_other_schema_table_1[/"other.schema.table-1"/]' in text
    assert not re.search(r"n_other\.", text)
