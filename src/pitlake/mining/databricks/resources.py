"""The resources of the bundle that follow from the pipeline file; deploying it calls this. The others are in `resources/`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from databricks.bundles.core import Bundle, Resources, pipeline_mutator
from databricks.bundles.genie_spaces import GenieSpace
from databricks.bundles.jobs import Job
from databricks.bundles.pipelines import Pipeline as PipelineResource

from pitlake.mining.databricks.definitions import mining_pipeline, refusing_conditions, stored_tables
from pitlake.mining.databricks.genie import serialized_space
from pitlake.mining.databricks.refusals import setting
from pitlake.mining.databricks.upkeep import upkeep

if TYPE_CHECKING:
    from pitlake.pipelines.definitions import Pipeline

PLACE = "${var.catalog}.${var.schema}"

_SOURCES = "${workspace.file_path}/src"
_TASK = f"{_SOURCES}/pitlake/mining/databricks/task.py"
_ENVIRONMENT = "serverless"


def load_resources(bundle: Bundle) -> Resources:
    """The job of the tables' upkeep, the Genie space and, where brokers are named, the real-time pipeline."""
    pipeline = mining_pipeline()
    resources = Resources()  # type: ignore[no-untyped-call]
    if bundle.variables.get("kafka_bootstrap_servers"):
        resources.add_resource("mining_realtime_flows", realtime_pipeline())
    resources.add_resource("mining_upkeep", upkeep_job(pipeline))
    resources.add_resource("mining_genie", genie_space(pipeline))
    return resources


@pipeline_mutator
def with_refusals(pipeline: PipelineResource) -> PipelineResource:
    """Hand the conditions of the expectations to each pipeline, for where they are applied by hand."""
    return replace(pipeline, configuration=_configuration(pipeline) | refusal_settings(mining_pipeline()))


def _configuration(pipeline: PipelineResource) -> dict[str, Any]:
    return dict(pipeline.configuration) if isinstance(pipeline.configuration, dict) else {}


def refusal_settings(pipeline: Pipeline) -> dict[str, str]:
    """The settings from which `refusals` reads a table's conditions."""
    return {setting(name): json.dumps(refusing_conditions(dataset)) for name, dataset in stored_tables(pipeline).items()}


def realtime_pipeline() -> PipelineResource:
    """The pipeline of the sub-second path.

    All stages of all flows run at once, a slot per partition. With four partitions of the landing topic these are 4 of readings,
    4 and 4 of minutes, and 4 of status: four workers of four cores.
    """
    return PipelineResource.from_dict(
        {
            "name": "mining_realtime_flows",
            "catalog": "${var.catalog}",
            "schema": "${var.schema}",
            "continuous": True,
            "serverless": False,
            "edition": "ADVANCED",
            "channel": "PREVIEW",  # real-time flows were a preview when this was written
            "photon": False,
            "root_path": _SOURCES,
            "libraries": [{"file": {"path": f"{_SOURCES}/pitlake/mining/databricks/realtime.py"}}],
            "configuration": {
                "spark.databricks.streaming.realTimeMode.enabled": "true",
                "spark.sql.shuffle.partitions": "4",
                "spark.sql.session.timeZone": "UTC",
                "mining.kafka.bootstrap_servers": "${var.kafka_bootstrap_servers}",
                "mining.kafka.service_credential": "${var.kafka_service_credential}",
            },
            "clusters": [{"label": "default", "node_type_id": "i3.xlarge", "num_workers": 4}],
        }
    )


def upkeep_job(pipeline: Pipeline) -> Job:
    """A job with a task per table, every night."""
    return Job.from_dict(
        {
            "name": "mining_upkeep",
            "description": "Retention, compaction, clustering and vacuum of each table, as the pipeline file declares them",
            "schedule": {"quartz_cron_expression": "0 0 18 * * ?", "timezone_id": "UTC"},
            "environments": [{"environment_key": _ENVIRONMENT, "spec": {"environment_version": "4"}}],
            "email_notifications": {"on_failure": ["${var.notified}"]},
            "tasks": [
                {
                    "task_key": table,
                    "environment_key": _ENVIRONMENT,
                    "spark_python_task": {
                        "python_file": _TASK,
                        "parameters": [_SOURCES, "pitlake.mining.databricks.statements", *statements],
                    },
                }
                for table, statements in upkeep(pipeline, PLACE).items()
            ],
        }
    )


def genie_space(pipeline: Pipeline) -> GenieSpace:
    """The Genie space."""
    return GenieSpace(
        title="Mining operations",
        description="Machines of the mine: how they are now, how they ran, what is wrong",
        warehouse_id="${var.warehouse_id}",
        serialized_space=serialized_space(pipeline, PLACE),
    )
