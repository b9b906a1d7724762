"""A broker of one node (Kafka in KRaft mode) that keeps its state in a home and listens on the loopback interface only.

Its folder holds `server.properties`, `ports.json` and `data/`. What was acknowledged survives a kill of the process; nothing is
flushed to the disk for each record, so a power cut may lose the last seconds.

Disk: topics that do not say otherwise keep the newest 256 MiB of each partition, and at most one 64 MiB segment more; the
broker's own topics and its metadata log stay below 200 MiB.
"""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from pydantic import Field, TypeAdapter

from pitlake.errors import ConfigurationError, EnvironmentProblem
from pitlake.local.files import write_atomically
from pitlake.local.jars import Jars
from pitlake.local.ports import free_ports, is_free
from pitlake.streams.connections import MAX_RECORD_BYTES, client_config

LEAST_FREE_BYTES = 2 * 1024**3

_HOST = "127.0.0.1"
_MIB = 1024**2
_FORMAT_SECONDS = 60.0
_PROBE_SECONDS = 2.0

_JVM = (
    "-Xms192m",
    "-Xmx320m",
    # Room for what lives briefly. Each time that it is full the broker stops for 10 to 20 ms: at 1,000 records a second sent to
    # the endpoint once a second with Java's own choice, every third second with this one.
    "-Xmn128m",
    # The quick compiler alone: at a mine's rate the thorough one costs more than it saves, at the start and later (measured, in
    # processor time: start 3.0 s against 4.3 s; 40,000 records 0.4 s against 1.2 s).
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


Port = Annotated[int, Field(ge=1, lt=65_536)]


@dataclass(frozen=True)
class Ports:
    """The broker's ports on the loopback interface: clients use the first, the broker itself the second."""

    clients: Port
    controller: Port

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"{_HOST}:{self.clients}"


_PORTS_FILE = TypeAdapter(Ports)


def prepare_broker(java: Path, jars: Jars, folder: Path) -> str:
    """Make everything ready for `broker_command`, and return the address that clients will use.

    The ports of the last start are kept when they are free. Raises ConfigurationError for a folder that Kafka cannot
    use, and EnvironmentProblem when the disk has less than 2 GB free or the storage cannot be made.
    """
    folder = folder.resolve()
    if "," in str(folder):
        raise ConfigurationError(
            f"Kafka cannot keep its log under {folder}: it takes the comma for the end of a folder's name.",
            do="Choose a home without a comma in its path with --home.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    _check_disk(folder)
    ports = _settle_ports(folder)
    _properties(folder).write_text(broker_properties(_data(folder), ports), encoding="utf-8")
    format_storage(java, jars, folder, ports)
    return ports.bootstrap


def broker_command(java: Path, jars: Jars, folder: Path) -> list[str]:
    """The arguments that run the prepared broker in the foreground; it ends at SIGTERM."""
    return [str(java), *_JVM, "-cp", _class_path(jars), "kafka.Kafka", str(_properties(folder.resolve()))]


def is_answering(bootstrap: str) -> bool:
    """Whether a broker at `bootstrap` takes part in its cluster and answers questions."""
    if not _is_listening(bootstrap):
        return False
    admin = AdminClient(client_config(bootstrap) | {"log_level": 0})
    try:
        return bool(admin.list_topics(timeout=_PROBE_SECONDS).brokers)
    except KafkaException:
        return False


def broker_properties(data: Path, ports: Ports) -> str:
    """The broker's configuration: one node that is both broker and controller, without replicas."""
    settings: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{_HOST}:{ports.controller}",
        "listeners": f"PLAINTEXT://{ports.bootstrap},CONTROLLER://{_HOST}:{ports.controller}",
        "advertised.listeners": f"PLAINTEXT://{ports.bootstrap}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "log.message.timestamp.type": "LogAppendTime",
        "message.max.bytes": MAX_RECORD_BYTES,
        # Bounds on disk.
        "log.segment.bytes": 64 * _MIB,
        "log.retention.bytes": 256 * _MIB,
        "log.retention.check.interval.ms": 30_000,
        "offsets.topic.segment.bytes": 8 * _MIB,
        "transaction.state.log.segment.bytes": 8 * _MIB,
        "metadata.log.segment.bytes": 16 * _MIB,
        "metadata.max.retention.bytes": 64 * _MIB,
        # One node, few clients: no copies, one partition for each internal topic, few threads.
        "default.replication.factor": 1,
        "min.insync.replicas": 1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
        # The cleaner's default buffer is half of this broker's heap.
        "log.cleaner.dedupe.buffer.size": 16 * _MIB,
        "group.initial.rebalance.delay.ms": 0,
        # A broker that was killed may come back only when its session has run out: by default 9 s, far longer than its start.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
    }
    return "".join(f"{name}={_escaped(str(value))}\n" for name, value in settings.items())


def _escaped(value: str) -> str:
    """Java reads properties as Latin-1 and takes a backslash for an escape; all but printable ASCII goes as UTF-16 units."""
    units = value.replace("\\", "\\\\").encode("utf-16-be", "surrogatepass")
    codes = [int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2)]
    return "".join(chr(code) if 32 <= code < 127 else f"\\u{code:04x}" for code in codes)


def format_storage(java: Path, jars: Jars, folder: Path, ports: Ports) -> None:
    """Give a new broker its empty storage; one that has storage keeps it. Raises EnvironmentProblem."""
    data = _data(folder)
    if data.is_dir():
        return
    fresh = folder / "formatting"
    shutil.rmtree(fresh, ignore_errors=True)
    properties = folder / "formatting.properties"
    properties.write_text(broker_properties(fresh, ports), encoding="utf-8")
    command = [
        *(str(java), *_JVM, "-cp", _class_path(jars), "kafka.tools.StorageTool"),
        *("format", "--cluster-id", _new_cluster_id(), "--config", str(properties)),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_FORMAT_SECONDS)
    except subprocess.TimeoutExpired as late:
        raise EnvironmentProblem(
            f"The broker's storage under {folder} could not be formatted within {_FORMAT_SECONDS:g} s.",
            do="Look whether the machine is overloaded or the disk is slow, and start again.",
        ) from late
    if done.returncode != 0:
        raise EnvironmentProblem(
            f"The broker's storage under {folder} could not be formatted: {(done.stderr or done.stdout).strip()[-500:]}",
            do="Look whether the folder can be written, or choose another home with --home.",
        )
    properties.unlink()
    fresh.rename(data)


def kept_ports(folder: Path) -> Ports | None:
    """The ports of the broker's last start; None when there was none, or when what it noted cannot be read."""
    try:
        return _PORTS_FILE.validate_json(_ports_file(folder).read_bytes())
    except (OSError, ValueError):
        return None


def taken_ports(ports: Ports) -> list[int]:
    """Those of the ports on which some process listens already."""
    return [port for port in (ports.clients, ports.controller) if not is_free(port)]


def _settle_ports(folder: Path) -> Ports:
    kept = kept_ports(folder)
    if kept is not None and not taken_ports(kept):
        return kept
    found = Ports(*free_ports(2))
    write_atomically(_ports_file(folder), _PORTS_FILE.dump_json(found).decode())
    return found


def _is_listening(bootstrap: str) -> bool:
    host, _, port = bootstrap.partition(",")[0].rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_PROBE_SECONDS).close()
    except OSError:
        return False
    return True


def _check_disk(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise EnvironmentProblem(
            f"The disk of {folder} has {free / 1024**3:.1f} GB free; the broker needs {LEAST_FREE_BYTES / 1024**3:.0f} GB.",
            do="Free some space, or choose a home on another disk with --home.",
        )


def _new_cluster_id() -> str:
    """22 characters, of which the first may not be mistaken for an option's dash."""
    return "p" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]


def _class_path(jars: Jars) -> str:
    return os.pathsep.join(str(jar) for jar in jars.broker)


def _ports_file(folder: Path) -> Path:
    return folder / "ports.json"


def _properties(folder: Path) -> Path:
    return folder / "server.properties"


def _data(folder: Path) -> Path:
    return folder / "data"
