"""The table into which Zerobus writes on Databricks, and what a client may do with it.

Zerobus needs a managed Delta table that exists, and privileges granted by name on catalog, schema and table.
"""

from __future__ import annotations

LANDING = "mining_ot_stream"
EVENT_TIME = "timestamp"

SCHEMA = """
    message_id STRING COMMENT 'Id that the gateway gave the message',
    timestamp TIMESTAMP COMMENT 'Event time of the message, UTC, as the gateway stamped it',
    source STRING COMMENT 'Gateway that sent the message',
    sequence BIGINT COMMENT 'Running number of the message at its gateway',
    batch ARRAY<STRUCT<
        equipment_id: STRING,
        equipment_type: STRING,
        tags: MAP<STRING, STRING>
    >> COMMENT 'Updates of machines: tag names and values as text'
"""


def creation(catalog: str, schema: str) -> tuple[str, ...]:
    """The statements that create schema and table where they do not exist."""
    table = f"{catalog}.{schema}.{LANDING}"
    return (
        f"CREATE SCHEMA IF NOT EXISTS {catalog}.{schema}",
        f"CREATE TABLE IF NOT EXISTS {table} ({SCHEMA}) COMMENT 'What the gateways sent, as Zerobus wrote it'",
    )


def grants(catalog: str, schema: str, principal: str) -> tuple[str, ...]:
    """The statements that let a Zerobus client, by the application id of its service principal, write the table."""
    return (
        f"GRANT USE CATALOG ON CATALOG {catalog} TO `{principal}`",
        f"GRANT USE SCHEMA ON SCHEMA {catalog}.{schema} TO `{principal}`",
        f"GRANT MODIFY, SELECT ON TABLE {catalog}.{schema}.{LANDING} TO `{principal}`",
    )
