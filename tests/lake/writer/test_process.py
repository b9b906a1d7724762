"""The writer's process, on a real broker: specs followed, tables written, each row once whatever ends it."""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import contextmanager
from functools import cache

import pytest
from deltalake import DeltaTable, write_deltalake

from pitlake.errors import LakeError
from pitlake.lake.commits import app_id, newest_note, properties
from pitlake.lake.names import TableName
from pitlake.lake.schemas import arrow_schema
from pitlake.lake.spec import SPECS_TOPIC, Column
from pitlake.lake.writer import process
from pitlake.lake.writer.process import run_writer
from pitlake.streams.consumers import OffsetOutOfRange
from pitlake.streams.producers import Publisher
from pitlake.streams.topics import Topic, ensure_topics
from tests.support.writing import append_spec, cdc_spec, delta, landing, reading, record, status, stored, upsert_spec

WITHIN_SECONDS = 30.0


@pytest.fixture(autouse=True)
def _specs_of_this_test_only(monkeypatch):
    """Every test follows a specs' topic of its own, as the broker is shared."""
    topic = f"{SPECS_TOPIC}.{uuid.uuid4().hex}"
    monkeypatch.setattr(process, "SPECS_TOPIC", topic)
    monkeypatch.setattr(process, "_SPECS", Topic(topic, compacted=True))


def _unique(spec):
    return spec.model_copy(update={"topic": f"{spec.topic}-{uuid.uuid4().hex}"})


def _publish_specs(broker, *specs, partitions=1):
    ensure_topics(
        broker.bootstrap, [*(Topic(spec.topic, partitions) for spec in specs), Topic(process.SPECS_TOPIC, compacted=True)]
    )
    with Publisher(broker.bootstrap) as publisher:
        for spec in specs:
            publisher.send(process.SPECS_TOPIC, spec.model_dump_json().encode(), key=spec.name.encode())


@cache
def _publisher(bootstrap):
    return Publisher(bootstrap)


def _send(broker, spec, *rows, partition=0, **headers):
    publisher = _publisher(broker.bootstrap)
    for row in rows:
        sent = record(0, row)
        publisher.send(spec.topic, sent.value, key=sent.key, headers=headers, partition=partition)
    publisher.flush()


def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


class _Running:
    def __init__(self, bootstrap, lake):
        self.stop, self.ready, self.error = threading.Event(), threading.Event(), None
        self._thread = threading.Thread(target=self._run, args=(bootstrap, str(lake)))
        self._thread.start()

    def _run(self, bootstrap, lake):
        try:
            run_writer(bootstrap, lake, self.stop, self.ready.set)
        except Exception as error:  # noqa: BLE001 - handed to the test
            self.error = error

    def ended(self):
        return not self._thread.is_alive()

    def end(self):
        self.stop.set()
        self._thread.join(WITHIN_SECONDS)
        assert self.ended()


@contextmanager
def _running(broker, lake):
    running = _Running(broker.bootstrap, lake)
    try:
        yield running
    finally:
        running.end()
    if running.error:
        raise running.error


def _rows(lake, spec):
    path = TableName.parse(spec.name).path(str(lake))
    return stored(lake, spec) if DeltaTable.is_deltatable(path) else []


def test_every_kind_of_table_is_made_and_written(broker, tmp_path):
    silver, gold, current = (_unique(spec) for spec in (append_spec(), upsert_spec(), cdc_spec()))
    _publish_specs(broker, silver, gold, current)
    with _running(broker, tmp_path) as running:
        assert running.ready.wait(WITHIN_SECONDS)
        assert [_rows(tmp_path, spec) for spec in (silver, gold, current)] == [[], [], []]
        _send(broker, silver, landing(1), landing(2))
        _send(broker, gold, reading("a", 1), reading("a", 2))
        _send(broker, current, status("a", 1))
        _eventually(lambda: [len(_rows(tmp_path, spec)) for spec in (silver, gold, current)] == [2, 1, 1])


def test_what_was_published_before_the_start_is_written(broker, tmp_path):
    spec = _unique(append_spec())
    _publish_specs(broker, spec)
    _send(broker, spec, landing(1))
    with _running(broker, tmp_path):
        _eventually(lambda: len(_rows(tmp_path, spec)) == 1)


def test_a_spec_published_later_is_followed(broker, tmp_path):
    _publish_specs(broker)
    with _running(broker, tmp_path) as running:
        assert running.ready.wait(WITHIN_SECONDS)
        spec = _unique(append_spec())
        _publish_specs(broker, spec)
        _send(broker, spec, landing(1))
        _eventually(lambda: len(_rows(tmp_path, spec)) == 1)


def test_a_spec_that_grows_is_followed_on(broker, tmp_path):
    spec = _unique(append_spec())
    _publish_specs(broker, spec)
    with _running(broker, tmp_path):
        _send(broker, spec, landing(1))
        _eventually(lambda: len(_rows(tmp_path, spec)) == 1)
        grown = spec.model_copy(update={"columns": (*spec.columns, Column(name="other", type="STRING"))})
        _publish_specs(broker, grown)
        _eventually(lambda: len(delta(tmp_path, grown).schema().fields) == len(grown.columns))
        _send(broker, grown, {**landing(2), "other": "new"})
        _eventually(lambda: [row.get("other") for row in _rows(tmp_path, spec)] == [None, "new"])


def test_a_table_whose_spec_is_withdrawn_is_no_longer_written(broker, tmp_path):
    spec, other = _unique(append_spec()), _unique(append_spec(name="c.s.other"))
    _publish_specs(broker, spec, other)
    with _running(broker, tmp_path) as running:
        assert running.ready.wait(WITHIN_SECONDS)
        with Publisher(broker.bootstrap) as publisher:
            publisher.send(process.SPECS_TOPIC, None, key=spec.name.encode())
        _eventually(lambda: f"write {spec.name}" not in {thread.name for thread in threading.enumerate()})
        _send(broker, spec, landing(1))
        _send(broker, other, landing(1))
        _eventually(lambda: len(_rows(tmp_path, other)) == 1)
        assert _rows(tmp_path, spec) == []


def test_stopping_makes_the_last_commit(broker, tmp_path):
    spec = _unique(append_spec(commit_interval_ms=2000))
    _publish_specs(broker, spec)
    with _running(broker, tmp_path) as running:
        assert running.ready.wait(WITHIN_SECONDS)
        _send(broker, spec, landing(1))
        time.sleep(0.5)
    assert len(_rows(tmp_path, spec)) == 1


@pytest.fixture(name="incompatible")
def _incompatible(broker, tmp_path):
    """A table, and a spec published for it that it cannot follow."""
    spec = _unique(append_spec())
    _publish_specs(broker, spec)
    with _running(broker, tmp_path):
        _eventually(lambda: DeltaTable.is_deltatable(str(tmp_path / "c/s/silver")))
    _publish_specs(broker, spec.model_copy(update={"keys": ("landing_id",)}))
    return spec


def test_when_every_table_has_failed_the_process_ends_with_what_to_do(broker, tmp_path, incompatible):
    running = _Running(broker.bootstrap, tmp_path)
    _eventually(running.ended)
    assert isinstance(running.error, LakeError)
    assert "Move the folder c/s/silver out of the lake" in running.error.do


def test_a_table_that_failed_is_logged_and_the_others_go_on(broker, tmp_path, incompatible, caplog):
    other = _unique(append_spec(name="c.s.other"))
    _publish_specs(broker, other)
    with _running(broker, tmp_path) as running:
        assert running.ready.wait(WITHIN_SECONDS)
        _eventually(lambda: "c.s.silver is no longer written" in caplog.text)
        _send(broker, other, landing(1))
        _eventually(lambda: len(_rows(tmp_path, other)) == 1)
        assert not running.ended()
    assert "Move the folder c/s/silver out of the lake" in caplog.text


def test_a_table_that_failed_is_written_again_from_its_next_spec(broker, tmp_path, incompatible, caplog):
    _publish_specs(broker, _unique(append_spec(name="c.s.other")))
    with _running(broker, tmp_path):
        _eventually(lambda: "c.s.silver is no longer written" in caplog.text)
        _publish_specs(broker, incompatible)
        _send(broker, incompatible, landing(1))
        _eventually(lambda: len(_rows(tmp_path, incompatible)) == 1)


def test_a_record_that_is_no_spec_ends_the_process(broker, tmp_path):
    _publish_specs(broker)
    with Publisher(broker.bootstrap) as publisher:
        publisher.send(process.SPECS_TOPIC, b'{"name": 1}', key=b"c.s.t")
    running = _Running(broker.bootstrap, tmp_path)
    _eventually(running.ended)
    assert isinstance(running.error, LakeError)
    assert "The spec of c.s.t" in running.error.what


def test_a_topic_that_was_made_anew_is_an_error_and_no_silent_skip(broker, tmp_path):
    spec = _unique(append_spec())
    _publish_specs(broker, spec)
    with _running(broker, tmp_path):
        _send(broker, spec, *(landing(number) for number in range(5)))
        _eventually(lambda: len(_rows(tmp_path, spec)) == 5)
    renamed = _unique(append_spec())
    _publish_specs(broker, renamed)
    table = delta(tmp_path, spec)
    at_old_offset = properties(newest_note(table), {app_id(renamed.topic, 0): 5})
    write_deltalake(table, arrow_schema(spec).empty_table(), mode="append", commit_properties=at_old_offset)
    running = _Running(broker.bootstrap, tmp_path)
    _eventually(running.ended)
    assert isinstance(running.error, OffsetOutOfRange)


def test_somebody_elses_harmless_commit_is_got_over(broker, tmp_path):
    spec = _unique(append_spec())
    _publish_specs(broker, spec)
    with _running(broker, tmp_path):
        _send(broker, spec, landing(1))
        _eventually(lambda: len(_rows(tmp_path, spec)) == 1)
        delta(tmp_path, spec).alter.set_table_description("by hand")
        _send(broker, spec, landing(2))
        _eventually(lambda: len(_rows(tmp_path, spec)) == 2)
        assert delta(tmp_path, spec).metadata().description == "by hand"


def test_two_writers_never_store_a_row_twice_and_one_of_them_says_so(broker, tmp_path):
    spec, uncontested = _unique(append_spec()), _unique(append_spec(name="c.s.other"))
    _publish_specs(broker, spec, uncontested)
    writers = [_Running(broker.bootstrap, tmp_path) for _ in range(2)]
    assert all(writer.ready.wait(WITHIN_SECONDS) for writer in writers)
    numbers = itertools.count()

    def one_ends():
        _send(broker, spec, *(landing(number) for number in itertools.islice(numbers, 5)))
        return any(writer.ended() for writer in writers)

    _eventually(one_ends)
    sent = next(numbers)
    _eventually(lambda: len(_rows(tmp_path, spec)) == sent)
    for writer in writers:
        writer.end()
    errors = [writer.error for writer in writers if writer.error]
    assert len(errors) == 1
    assert "Another writer writes c.s.silver" in errors[0].what
    assert [row["landing_id"] for row in stored(tmp_path, spec)] == [landing(number)["landing_id"] for number in range(sent)]


_PROCESS = """
import sys, threading
from pitlake.lake.writer import process
from pitlake.streams.topics import Topic

bootstrap, lake, specs = sys.argv[1:]
process.SPECS_TOPIC, process._SPECS = specs, Topic(specs, compacted=True)
process.run_writer(bootstrap, lake, threading.Event(), lambda: print("ready", flush=True))
"""


def test_a_writer_killed_over_and_over_stores_every_row_once(broker, tmp_path):
    """kill -9 in the middle of commits, while the driver sends stretches of rows again and again."""
    chance = random.Random(7)  # noqa: S311 - a repeatable test
    spec = _unique(append_spec(commit_interval_ms=20))
    gold = _unique(upsert_spec(commit_interval_ms=20))
    _publish_specs(broker, spec, gold)
    rows, sent = [landing(number) for number in range(600)], 0
    for _ in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", _PROCESS, broker.bootstrap, str(tmp_path), process.SPECS_TOPIC],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert writer.stdout.readline() == "ready\n"
            for _ in range(chance.randrange(2, 8)):
                end = min(sent + chance.randrange(30), len(rows))
                start = chance.randrange(sent + 1)
                _send(broker, spec, *rows[start:end])
                _send(broker, gold, *(reading("a", number + 1) for number in range(start, end)))
                sent = max(sent, end)
        finally:
            writer.send_signal(signal.SIGKILL)
            writer.wait(WITHIN_SECONDS)
            writer.stdout.close()
    with _running(broker, tmp_path):
        _send(broker, spec, *rows[sent // 2 :])
        _send(broker, gold, reading("a", len(rows)), reading("a", sent // 2))
        _eventually(lambda: len(_rows(tmp_path, spec)) >= len(rows))
        _eventually(lambda: [row["readings"] for row in _rows(tmp_path, gold)] == [len(rows)])
    assert [row["landing_id"] for row in stored(tmp_path, spec)] == [row["landing_id"] for row in rows]
    assert [row["readings"] for row in stored(tmp_path, gold)] == [len(rows)]
