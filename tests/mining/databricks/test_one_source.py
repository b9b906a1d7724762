"""Retention, comments, clustering and keys are declared once: what changes in the pipeline file changes here and there."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from deltalake import CommitProperties

from pitlake.engine.planning import plan_update
from pitlake.engine.sources import GraphReader
from pitlake.lake.creation import open_table
from pitlake.mining.databricks.definitions import PIPELINE_FILE, mining_pipeline
from pitlake.mining.databricks.genie import serialized_space
from pitlake.mining.databricks.resources import refusal_settings
from pitlake.mining.databricks.upkeep import upkeep
from pitlake.pipelines.loading import load

PLACE = {"catalog": "field_engineering", "schema": "mining_demo"}
CHANGES = {
    '"pitlake.retention": "30 days"': '"pitlake.retention": "31 days"',
    "What the gateways sent, one row per machine update; accepts all": "What gateways sent",
    "schema=bronze.SCHEMA": 'schema=bronze.SCHEMA.replace("Gateway that sent the message", "The gateway")',
    "What each sensor of each machine read, minute by minute": "What a sensor read in a minute",
    'schema=gold.schema("equipment_performance_1min")': (
        'schema=gold.schema("equipment_performance_1min").replace("Lowest reading of quality Good", "The lowest good reading")'
    ),
    "\"sensor_name IS NOT NULL AND sensor_name <> ''\"": '"length(sensor_name) > 1"',
}
BRONZE, MINUTES = "ot_telemetry_bronze", "equipment_performance_1min"


@pytest.fixture
def changed_file(tmp_path):
    text = PIPELINE_FILE.read_text()
    for before, after in CHANGES.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    file = tmp_path / "pipeline.py"
    file.write_text(text)
    return file


def test_a_change_of_the_pipeline_file_changes_the_local_table(spark, changed_file, tmp_path):
    whole = load([changed_file])
    pipeline = replace(whole, flows=tuple(flow for flow in whole.flows if flow.target == BRONZE))
    reader = GraphReader(pipeline, spark, bootstrap="", lake="", landing={"mining_ot_stream"}, tables=[], **PLACE)
    [spec] = plan_update(pipeline, reader, epoch=1, **PLACE).specs
    table = open_table(str(tmp_path), spec, CommitProperties())
    comments = {field.name: field.metadata.get("comment") for field in table.schema().fields}
    assert spec.retention_days == 31
    assert (table.metadata().description, comments["source"]) == ("What gateways sent", "The gateway")


def test_a_change_of_the_pipeline_file_changes_the_bundle(changed_file):
    pipeline = mining_pipeline(changed_file)
    assert upkeep(pipeline, "c.s")[BRONZE][0].endswith("INTERVAL '31 days'")
    assert upkeep(pipeline, "c.s")["mining_ot_stream"][0].endswith("INTERVAL '31 days'")
    tables = {table["identifier"]: table for table in serialized_space(pipeline, "c.s")["data_sources"]["tables"]}
    minutes = tables[f"c.s.{MINUTES}"]
    columns = {column["column_name"]: column for column in minutes["column_configs"]}
    assert minutes["description"] == ["What a sensor read in a minute"]
    assert columns["min_value"]["description"] == ["The lowest good reading"]
    refused = json.loads(refusal_settings(pipeline)["mining.refuses.ot_sensors_normalized"])
    assert refused["valid_sensor"] == "length(sensor_name) > 1"


def test_the_bundle_reads_the_definitions_that_the_engine_reads(spark, pipeline):
    read = load([PIPELINE_FILE])
    assert [(flow.name, flow.target) for flow in read.flows] == [(flow.name, flow.target) for flow in pipeline.flows]
    for name, dataset in read.datasets.items():
        found = pipeline.datasets[name]
        assert (found.schema, found.table_properties, found.cluster_by) == (
            dataset.schema,
            dataset.table_properties,
            dataset.cluster_by,
        )
        assert (found.comment, found.expectations) == (dataset.comment, dataset.expectations)
    for flow, found in zip(read.flows, pipeline.flows, strict=True):
        assert getattr(flow, "sequence_by", None) == getattr(found, "sequence_by", None)
