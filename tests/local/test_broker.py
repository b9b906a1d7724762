from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitlake.errors import BrokerError, ConfigurationError, EnvironmentProblem
from pitlake.local.broker import Ports, broker_command, broker_properties, format_storage, is_answering, prepare_broker
from pitlake.local.jars import Jars, fetch_jars
from pitlake.local.java import find_java
from pitlake.local.processes import is_alive
from pitlake.streams.consumers import BEGINNING, TopicReader
from pitlake.streams.producers import Publisher
from pitlake.streams.topics import Topic, ensure_topics, list_topics
from tests.support.broker import RunningBroker, running_broker
from tests.support.waiting import await_that

GB = 1024**3
NO_JARS = Jars(spark=(), broker=())
JAVA = Path("java")


@pytest.fixture
def formatted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a broker whose storage exists, so that to prepare it again runs nothing."""
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("something was run"))
    return tmp_path


def _properties(folder: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (folder / "server.properties").read_text().splitlines())


def _as_java_reads(properties: bytes) -> dict[str, str]:
    """What java.util.Properties makes of a file whose names are plain."""
    lines = (line.split("=", 1) for line in properties.decode("latin-1").splitlines())
    return {name: re.sub(r"\\(?:u([0-9a-f]{4})|(.))", _meaning, value) for name, value in lines}


def _meaning(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else escape[2]


def _in_utf_16(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def _records(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    found: list[bytes | None] = []
    deadline = time.monotonic() + 30
    with TopicReader(bootstrap, topic, {0: BEGINNING}) as reader:
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} records"
            found.extend(record.value for record in reader.take(count, 0.2))
    return found


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    sent = [f"record {number}".encode() for number in range(1000)]
    with running_broker(tmp_path) as first:
        ensure_topics(first.bootstrap, [Topic("kept", 1)])
        with Publisher(first.bootstrap) as publisher:
            for value in sent:
                publisher.send("kept", value)
        os.kill(first.pid, signal.SIGKILL)
        await_that(lambda: not is_alive(first.pid), "the broker has ended")
        assert not is_answering(first.bootstrap)
    with running_broker(tmp_path) as second:
        assert second.bootstrap == first.bootstrap
        assert _records(second.bootstrap, "kept", len(sent)) == sent


def test_the_broker_listens_on_the_loopback_interface_only(broker: RunningBroker) -> None:
    connections = psutil.Process(broker.pid).net_connections("inet")
    listening = {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}
    assert listening <= {"127.0.0.1", "::ffff:127.0.0.1"}
    assert listening


def test_records_bear_the_time_at_which_the_broker_took_them(broker: RunningBroker) -> None:
    ensure_topics(broker.bootstrap, [Topic("local.times", 1)])
    before = time.time()
    with Publisher(broker.bootstrap) as publisher:
        publisher.send("local.times", b"now")
    with TopicReader(broker.bootstrap, "local.times", {0: BEGINNING}) as reader:
        taken = reader.take(1, 10.0)
    assert before - 0.1 <= taken[0].timestamp / 1000 <= time.time() + 0.1


def test_a_topic_that_nobody_made_does_not_come_to_be(broker: RunningBroker) -> None:
    publisher = Publisher(broker.bootstrap, delivery_seconds=2.0)
    with pytest.raises(BrokerError):
        _publish(publisher, "local.unknown")
    assert "local.unknown" not in list_topics(broker.bootstrap)


def _publish(publisher: Publisher, topic: str) -> None:
    publisher.send(topic, b"lost")
    publisher.flush()


def test_an_address_at_which_nobody_listens_does_not_answer() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        assert not is_answering(f"127.0.0.1:{deaf.getsockname()[1]}")


def test_ports_are_kept_from_one_start_to_the_next(formatted: Path) -> None:
    assert prepare_broker(JAVA, NO_JARS, formatted) == prepare_broker(JAVA, NO_JARS, formatted)


def test_ports_that_others_have_taken_are_given_up(formatted: Path) -> None:
    first = prepare_broker(JAVA, NO_JARS, formatted)
    with socket.create_server(("127.0.0.1", int(first.rpartition(":")[2]))):
        second = prepare_broker(JAVA, NO_JARS, formatted)
    assert second != first
    assert f"PLAINTEXT://{second}" in _properties(formatted)["listeners"]


@pytest.mark.parametrize("content", ["", '{"clients": 21', "21000", '{"clients": 21000}', '{"clients": 0, "controller": 99999}'])
def test_ports_that_were_noted_badly_are_chosen_anew(formatted: Path, content: str) -> None:
    (formatted / "ports.json").write_text(content)
    chosen = prepare_broker(JAVA, NO_JARS, formatted)
    assert prepare_broker(JAVA, NO_JARS, formatted) == chosen


def test_a_comma_in_the_home_s_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="takes the comma for the end"):
        prepare_broker(JAVA, NO_JARS, tmp_path / "pit 1, north")
    assert not any(tmp_path.iterdir())


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=())))
def test_java_reads_the_path_that_was_meant(path: str) -> None:
    written = broker_properties(Path(f"/{path}/data"), Ports(21_000, 21_001)).encode("ascii")
    assert _in_utf_16(_as_java_reads(written)["log.dirs"]) == _in_utf_16(str(Path(f"/{path}/data")))


def test_a_home_may_have_a_name_of_any_language(tmp_path: Path) -> None:
    folder = tmp_path / "Tagebau Süd 露天矿 ⛏"
    folder.mkdir()
    format_storage(find_java(), fetch_jars(), folder, Ports(21_000, 21_001))
    assert (folder / "data" / "meta.properties").is_file()


def test_too_little_disk_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=GB))
    with pytest.raises(EnvironmentProblem, match=r"has 1\.0 GB free; the broker needs 2 GB"):
        prepare_broker(JAVA, NO_JARS, tmp_path)


def test_storage_that_cannot_be_formatted_is_told(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="could not be formatted"):
        prepare_broker(Path(shutil.which("false") or "false"), NO_JARS, tmp_path)
    assert not (tmp_path / "data").exists()


def test_storage_that_takes_too_long_to_format_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def takes_too_long(command: list[str], *, timeout: float, **_: object) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", takes_too_long)
    with pytest.raises(EnvironmentProblem, match="could not be formatted within 60 s"):
        prepare_broker(JAVA, NO_JARS, tmp_path)
    assert not (tmp_path / "data").exists()


def test_every_topic_s_disk_is_bounded_and_nothing_is_copied() -> None:
    lines = broker_properties(Path("data"), Ports(21_000, 21_001)).splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    assert len(properties) == len(lines)
    assert int(properties["log.retention.bytes"]) + int(properties["log.segment.bytes"]) <= 320 * 1024**2
    assert properties["auto.create.topics.enable"] == "false"
    assert {value for name, value in properties.items() if name.endswith("replication.factor")} == {"1"}


def test_the_command_has_a_bounded_heap_and_the_broker_s_jars_in_their_order() -> None:
    jars = Jars(spark=(), broker=(Path("a.jar"), Path("b.jar")))
    command = broker_command(Path("/java"), jars, Path("/home/broker"))
    assert command[0] == "/java"
    assert "-Xmx320m" in command
    assert command[-4:] == ["-cp", os.pathsep.join(("a.jar", "b.jar")), "kafka.Kafka", "/home/broker/server.properties"]
