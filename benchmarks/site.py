"""Where a run takes place: a fresh broker, and a lake that has its dimension tables but no reading yet."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import orjson

from benchmarks.contenders import CONTENDERS, Contender, Site
from pitlake.cli.parts import BROKER, LANDING
from pitlake.cli.settings import Settings
from pitlake.cli.system import seed_dimensions
from pitlake.engine.update import TABLE_TOPIC_BYTES
from pitlake.lake.spec import SPECS_TOPIC, Column, TableSpec, WriteMode
from pitlake.local.broker import broker_command, is_answering, prepare_broker
from pitlake.local.home import Home
from pitlake.local.jars import fetch_jars
from pitlake.local.java import find_java
from pitlake.local.supervision import Part, Supervisor
from pitlake.mining.dimensions import equipment_master
from pitlake.streams.producers import Publisher
from pitlake.streams.topics import Topic, ensure_topics


def prepared_site(contender: Contender, folder: Path, supervisor: Supervisor) -> Site:
    """Start a broker in the folder, kept by the supervisor, and make all that a contender needs before it starts.

    Raises ProcessError when the broker does not come up, BrokerError, and EnvironmentProblem for what the machine lacks.
    """
    java, jars, place = find_java(), fetch_jars(), Home(folder)
    bootstrap = prepare_broker(java, jars, place.broker)
    argv = tuple(broker_command(java, jars, place.broker))
    supervisor.start(Part(BROKER, argv, place.log(BROKER), partial(is_answering, bootstrap), restarts=None))
    home = folder / "home"
    home.mkdir()
    seed_dimensions(Settings(home=home, lake=str(place.lake)))
    equipment = folder / "equipment.jsonl"
    rows = equipment_master().to_pylist()
    equipment.write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
    ensure_topics(bootstrap, [LANDING])
    if not contender.makes_topic:
        ensure_topics(bootstrap, [Topic(contender.topic, retention_bytes=TABLE_TOPIC_BYTES)])
    if contender.needs_spec:
        _publish_spec(contender, bootstrap)
    return Site(home, bootstrap, place.lake, equipment)


def _publish_spec(contender: Contender, bootstrap: str) -> None:
    """Tell pitlake's writer of a table that it is to write from another engine's topic."""
    texts = ("equipment_id", "equipment_type", "sensor_name", "manufacturer", "location", "criticality")
    numbers = ("avg_value", "min_value", "max_value", "stddev_value")
    columns = [Column(name=name, type="TIMESTAMP") for name in ("window_start", "window_end")]
    columns += [Column(name=name, type="STRING") for name in texts] + [Column(name=name, type="DOUBLE") for name in numbers]
    spec = TableSpec(
        name=CONTENDERS["pitlake"].topic,
        topic=contender.topic,
        mode=WriteMode.UPSERT,
        columns=(*columns, Column(name="reading_count", type="BIGINT")),
        keys=("window_start", "equipment_id", "sensor_name"),
        count="reading_count",
        window="window_start",
    )
    ensure_topics(bootstrap, [Topic(SPECS_TOPIC, compacted=True)])
    with Publisher(bootstrap) as publisher:
        publisher.send(SPECS_TOPIC, spec.model_dump_json().encode(), key=spec.name.encode())
