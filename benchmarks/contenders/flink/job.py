"""The job in Flink SQL, run by PyFlink's own local cluster.

    python job.py --bootstrap HOST:PORT --landing TOPIC --topic TOPIC --equipment FILE.jsonl --jar FILE --state FOLDER

Runs in an environment of its own. Delta's connector for Flink does not work with Flink 2 (delta-io/delta#4793), and it only
appends, so the table is written from the topic.
"""

import argparse
import json
from pathlib import Path

from pyflink.common import Configuration
from pyflink.table import EnvironmentSettings, TableEnvironment

SETTINGS = {
    # Flink's documentation (Controlling Latency) advises a timeout close to zero, such as 5 or 10 ms, and not zero itself. The
    # default is 100 ms.
    "execution.buffer-timeout.interval": "5 ms",
    # One slot does this job; a second one would split each message's readings over two tasks of the two cores.
    "parallelism.default": "1",
    "pipeline.object-reuse": "true",
    # As often as pitlake's real-time mode.
    "execution.checkpointing.interval": "1 min",
    "state.backend.type": "hashmap",
    # Rows of a minute that is over are not needed any more.
    "table.exec.state.ttl": "5 min",
    "table.local-time-zone": "UTC",
    "rest.port": "0",
}

LANDING = """
CREATE TABLE landing (
    `timestamp` TIMESTAMP_LTZ(3),
    batch ARRAY<ROW<equipment_id STRING, equipment_type STRING, tags MAP<STRING, STRING>>>
) WITH (
    'connector' = 'kafka', 'topic' = '{landing}', 'properties.bootstrap.servers' = '{bootstrap}', 'properties.group.id' = 'flink',
    'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'
)
"""

MINUTES = """
CREATE TABLE minutes (
    window_start TIMESTAMP_LTZ(3), window_end TIMESTAMP_LTZ(3), equipment_id STRING, equipment_type STRING, sensor_name STRING,
    manufacturer STRING, location STRING, criticality STRING,
    avg_value DOUBLE, min_value DOUBLE, max_value DOUBLE, stddev_value DOUBLE, reading_count BIGINT,
    PRIMARY KEY (window_start, equipment_id, sensor_name) NOT ENFORCED
) WITH (
    'connector' = 'upsert-kafka', 'topic' = '{topic}',
    'properties.bootstrap.servers' = '{bootstrap}', 'properties.linger.ms' = '0',
    'key.format' = 'json', 'key.json.timestamp-format.standard' = 'ISO-8601',
    'value.format' = 'json', 'value.json.timestamp-format.standard' = 'ISO-8601'
)
"""

# A window table-valued function emits a window when it is over, "no intermediate results but only a final result" (Flink's
# documentation, Window Aggregation). A plain aggregation by the minute passes on every change, which is the least latency.
JOB = """
INSERT INTO minutes
WITH readings AS (
    SELECT FLOOR(landing.`timestamp` TO MINUTE) AS window_start, u.equipment_id, t.sensor_name, TRY_CAST(t.text AS DOUBLE) AS v
    FROM landing CROSS JOIN UNNEST(batch) AS u (equipment_id, equipment_type, tags)
    CROSS JOIN UNNEST(u.tags) AS t (sensor_name, text)
), windows AS (
    SELECT window_start, equipment_id, sensor_name, AVG(v) AS avg_value, MIN(v) AS min_value, MAX(v) AS max_value,
           STDDEV_SAMP(v) AS stddev_value, COUNT(*) AS reading_count
    FROM readings WHERE v IS NOT NULL GROUP BY window_start, equipment_id, sensor_name
)
SELECT window_start, window_start + INTERVAL '1' MINUTE, equipment_id, {machine} AS equipment_type,
       sensor_name, {others}, avg_value, min_value, max_value, stddev_value, reading_count
FROM windows
"""


def attribute(machines: list[dict[str, str]], name: str) -> str:
    """An expression for a machine's attribute.

    A regular join would keep every reading as state, and no lookup source of local files comes with Flink; a constant map is what
    a broadcast dimension is to the other engines.
    """
    entries = ", ".join(f"'{machine['equipment_id']}', '{machine[name]}'" for machine in machines)
    return f"MAP[{entries}][equipment_id]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("bootstrap", "landing", "topic"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("equipment", "jar", "state"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args()
    machines = [json.loads(line) for line in given.equipment.read_text().splitlines()]
    configuration = Configuration()
    for name, value in SETTINGS.items():
        configuration.set_string(name, value)
    configuration.set_string("pipeline.jars", given.jar.resolve().as_uri())
    configuration.set_string("execution.checkpointing.dir", given.state.resolve().as_uri())
    environment = TableEnvironment.create(
        EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(configuration).build()
    )
    names = {"bootstrap": given.bootstrap, "landing": given.landing, "topic": given.topic}
    for table in (LANDING, MINUTES):
        environment.execute_sql(table.format(**names))
    others = ", ".join(attribute(machines, name) for name in ("manufacturer", "location", "criticality"))
    environment.execute_sql(JOB.format(machine=attribute(machines, "equipment_type"), others=others)).wait()


if __name__ == "__main__":
    main()
