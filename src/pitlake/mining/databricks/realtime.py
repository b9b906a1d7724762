"""The sub-second path on Databricks, a pipeline of its own: Kafka to Kafka in real-time mode, by the same transformations.

Real-time mode writes no Delta table there, so each flow fills a topic. The flows read the landing topic as pitlake's do: records
in JSON, stamped by the broker (`message.timestamp.type=LogAppendTime`).
"""

# ruff: noqa: F821
# mypy: disable-error-code="attr-defined, untyped-decorator"

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark import pipelines as dp
from pyspark.sql import functions as F

from pitlake.mining.databricks import refusals
from pitlake.mining.transformations import bronze, gold, silver, status

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

spark: SparkSession

LANDING = "mining_ot_stream"
REAL_TIME = {"pipelines.trigger": "RealTime", "pipelines.trigger.interval": "1 minute"}
SENSOR = ("equipment_id", "sensor_name")


def kafka(**options: str) -> dict[str, str]:
    """The options of source and sinks: the brokers, and the service credential where the pipeline's settings name one."""
    credential = spark.conf.get("mining.kafka.service_credential", "")
    access = {"databricks.serviceCredential": credential} if credential else {}
    return {"kafka.bootstrap.servers": str(spark.conf.get("mining.kafka.bootstrap_servers")), **access, **options}


def landing() -> DataFrame:
    """The records of the landing topic, each with its place in it."""
    source = kafka(subscribe=LANDING, startingOffsets="earliest")
    records = spark.readStream.format("kafka").options(**source).load()
    return records.withColumn("landing_id", F.format_string("%05d-%019d", "partition", "offset"))


def readings() -> DataFrame:
    """Silver: the readings that its expectations let pass."""
    rows = silver.readings(
        bronze.machine_updates(landing()),
        equipment=spark.read.table("equipment_master"),
        sensors=spark.read.table("sensor_definitions"),
        shifts=spark.read.table("shift_schedule"),
    )
    return refusals.kept(rows, refusals.conditions(spark, "ot_sensors_normalized"))


def as_records(rows: DataFrame, *key: str) -> DataFrame:
    """Rows as Kafka records, both parts in JSON: rows of one key stay in order, and a compacted topic keeps the last of them."""
    value = F.to_json(F.struct("*"), {"ignoreNullFields": "false"})
    return rows.select(F.to_json(F.struct(*key)).alias("key"), value.alias("value"))


dp.create_sink("ot_sensors_normalized_topic", "kafka", kafka(topic="ot_sensors_normalized"))
dp.create_sink("equipment_performance_1min_topic", "kafka", kafka(topic="equipment_performance_1min"))
dp.create_sink("equipment_current_status_topic", "kafka", kafka(topic="equipment_current_status"))


@dp.update_flow(name="readings_realtime", target="ot_sensors_normalized_topic", spark_conf=REAL_TIME)
def readings_realtime() -> DataFrame:
    """Each reading, once it is there."""
    return as_records(readings(), *SENSOR)


@dp.update_flow(name="minutes_realtime", target="equipment_performance_1min_topic", spark_conf=REAL_TIME)
def minutes_realtime() -> DataFrame:
    """Each minute, again with every reading: the row of a key with the highest reading_count is the newest."""
    minutes = gold.performance(readings(), equipment=spark.read.table("equipment_master"), window="1 minute")
    return as_records(minutes, "window_start", *SENSOR)


@dp.update_flow(name="status_realtime", target="equipment_current_status_topic", spark_conf=REAL_TIME)
def status_realtime() -> DataFrame:
    """Each reading that says something of a machine's state: the one with the highest effective_timestamp is the current one."""
    return as_records(status.changes(readings()), *status.KEYS)
