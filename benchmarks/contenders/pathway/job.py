"""The job in Pathway. Runs in an environment of its own.

    python job.py --bootstrap HOST:PORT --landing TOPIC --topic TOPIC --equipment FILE.jsonl --state FOLDER

By Pathway's documentation of `pw.io.kafka.read`, `autocommit_duration_ms` is the most that a reading waits before it enters the
computation: 10 ms in place of the default 1,500. Windows have no `behavior`, which by the guide to temporal behavior means that
every change of a window is passed on at once. A `cutoff` would pass it on as soon and let windows be forgotten, but it was slower
in the one run that docs/performance.md tells of. Persistence is on, once a minute as often as pitlake's checkpoints: all
contenders survive a crash. One process and one thread: at these rates a second one only costs coordination.

Pathway's own Delta connector, `pw.io.deltalake.write`, asks for a licence key, so the table is written from the topic.
"""

import argparse
import math
from datetime import timedelta

import pathway as pw

JSON_NUMBERS = (int, float)
SNAPSHOT_MS = 60_000


class Landed(pw.Schema):
    """What is read of a message."""

    timestamp: str
    batch: pw.Json


class Machine(pw.Schema):
    """What a machine's readings are enriched with."""

    equipment_id: str = pw.column_definition(primary_key=True)
    equipment_type: str
    manufacturer: str
    location: str
    criticality: str


@pw.udf(deterministic=True)
def flattened(batch: pw.Json) -> list[tuple[str, str, float]]:
    """Machine, sensor and value of every number in a batch: one call a message, as a call a reading would cost far more."""
    return [
        (update["equipment_id"], sensor, float(value))
        for update in batch.value
        for sensor, value in update["tags"].items()
        if isinstance(value, JSON_NUMBERS) and not isinstance(value, bool)
    ]


@pw.udf(deterministic=True)
def deviation(total: float, squares: float, count: int) -> float | None:
    """The sample standard deviation from sums of values and squares; Pathway has no reducer for it."""
    if count < 2:
        return None
    return math.sqrt(max(0.0, (squares - total * total / count) / (count - 1)))


def minutes(messages: pw.Table, machines: pw.Table) -> pw.Table:
    """One row per minute, machine and sensor, updated with every reading."""
    timed = messages.select(
        at=pw.this.timestamp.dt.strptime("%Y-%m-%dT%H:%M:%S%.3fZ"),
        reading=flattened(pw.this.batch),
    ).flatten(pw.this.reading)
    readings = timed.select(pw.this.at, equipment_id=pw.this.reading[0], sensor_name=pw.this.reading[1], value=pw.this.reading[2])
    windows = readings.windowby(
        pw.this.at,
        window=pw.temporal.tumbling(duration=timedelta(minutes=1)),
        instance=(pw.this.equipment_id, pw.this.sensor_name),
    ).reduce(
        window_start=pw.this._pw_window_start,  # noqa: SLF001 - Pathway's own names, here and below
        window_end=pw.this._pw_window_end,  # noqa: SLF001
        key=pw.this._pw_instance,  # noqa: SLF001
        avg_value=pw.reducers.avg(pw.this.value),
        min_value=pw.reducers.min(pw.this.value),
        max_value=pw.reducers.max(pw.this.value),
        total=pw.reducers.sum(pw.this.value),
        squares=pw.reducers.sum(pw.this.value * pw.this.value),
        reading_count=pw.reducers.count(),
    )
    keyed = windows.with_columns(equipment_id=pw.this.key[0], sensor_name=pw.this.key[1])
    return keyed.join_left(machines, keyed.equipment_id == machines.equipment_id).select(
        window_start=pw.left.window_start.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        window_end=pw.left.window_end.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        equipment_id=pw.left.equipment_id,
        equipment_type=pw.right.equipment_type,
        sensor_name=pw.left.sensor_name,
        manufacturer=pw.right.manufacturer,
        location=pw.right.location,
        criticality=pw.right.criticality,
        avg_value=pw.left.avg_value,
        min_value=pw.left.min_value,
        max_value=pw.left.max_value,
        stddev_value=deviation(pw.left.total, pw.left.squares, pw.left.reading_count),
        reading_count=pw.left.reading_count,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("bootstrap", "landing", "topic", "equipment", "state"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    consumer = {
        "bootstrap.servers": given.bootstrap,
        "group.id": "pathway",
        "auto.offset.reset": "earliest",
        "fetch.queue.backoff.ms": "10",
    }
    messages = pw.io.kafka.read(consumer, topic=given.landing, schema=Landed, format="json", autocommit_duration_ms=10)
    machines = pw.io.jsonlines.read(given.equipment, schema=Machine, mode="static")
    producer = {"bootstrap.servers": given.bootstrap, "linger.ms": "0"}
    pw.io.kafka.write(minutes(messages, machines), producer, topic_name=given.topic, format="json")
    backend = pw.persistence.Backend.filesystem(given.state)
    persistence = pw.persistence.Config(backend, snapshot_interval_ms=SNAPSHOT_MS)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE, persistence_config=persistence)


if __name__ == "__main__":
    main()
