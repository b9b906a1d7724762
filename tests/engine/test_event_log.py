"""Events on their topic and in their table."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from pitlake.engine.event_log import SHORTEST_SECONDS, EventLog, ProgressLog, event_log_spec, told_progress
from pitlake.engine.events import EVENT_LOG, Update, update_created, update_state
from pitlake.engine.progress import Progress
from pitlake.lake.sql import query
from pitlake.mining.validation import VALIDATION_QUERIES, judge_event_log
from pitlake.streams.consumers import BEGINNING, TopicReader
from pitlake.streams.producers import Publisher
from pitlake.streams.topics import Topic, ensure_topics
from tests.support.writing import START, append_spec, landing, open_writer, record

UPDATE = Update("field_engineering", "mining_demo", 7)
SPEC = event_log_spec(UPDATE.catalog, UPDATE.schema)


class Sent:
    """A publisher that keeps what it is given."""

    def __init__(self):
        self.rows = []

    def send(self, topic, value):
        assert topic == SPEC.topic
        self.rows.append(json.loads(value))

    @property
    def gained(self):
        return [json.loads(row["details"])["flow_progress"]["metrics"]["num_output_rows"] for row in self.rows]


@pytest.fixture(name="silver")
def _silver(tmp_path):
    """A table to which `more()` adds a row."""
    writer = open_writer(tmp_path, append_spec())

    class Silver:
        rows = 0

        def more(self):
            writer.write([record(self.rows, landing(self.rows))])
            self.rows += 1

    return Silver()


def _progress_log(sent, lake, told=None, clock=lambda: 0.0):
    return ProgressLog(EventLog(sent, UPDATE, lambda: START), str(lake), told or {}, clock)


def test_events_are_numbered_and_stamped():
    sent = Sent()
    log = EventLog(sent, UPDATE, lambda: START)
    log.add(update_state(UPDATE, "RUNNING"), update_state(UPDATE, "STOPPING"))
    assert [row["sequence"]["data_plane_id"]["seq_no"] for row in sent.rows] == [7_000_000, 7_000_001]
    assert [row["timestamp"] for row in sent.rows] == ["2026-02-15T04:12:00.000000Z"] * 2


def test_a_batch_tells_what_was_stored_since_the_last(tmp_path, silver):
    sent, seconds = Sent(), iter(range(0, 1000, 60))
    progress = _progress_log(sent, tmp_path, clock=lambda: next(seconds))
    for _ in range(2):
        silver.more()
        silver.more()
        progress.batch_committed("f", append_spec(), 1)
    progress.batch_committed("f", append_spec(), 2)
    assert sent.gained == [2, 2, 0]


def test_short_batches_are_told_together(tmp_path, silver):
    sent, seconds = Sent(), [0.0]
    progress = _progress_log(sent, tmp_path, clock=lambda: seconds[0])
    for seconds[0] in (0.0, SHORTEST_SECONDS - 1, SHORTEST_SECONDS):
        silver.more()
        progress.batch_committed("f", append_spec(), 1)
    assert sent.gained == [1, 2]


def test_the_end_of_a_flow_is_told_at_once(tmp_path, silver):
    sent = Sent()
    progress = _progress_log(sent, tmp_path)
    progress.batch_committed("f", append_spec(), 1)
    silver.more()
    progress.stopped("f", append_spec())
    assert sent.gained == [0, 1]
    assert json.loads(sent.rows[1]["details"])["flow_progress"]["status"] == "STOPPED"


def test_an_update_goes_on_from_what_an_earlier_one_told(tmp_path, silver):
    sent = Sent()
    silver.more()
    silver.more()
    _progress_log(sent, tmp_path, told={"c.s.silver": Progress(rows=1)}).stopped("f", append_spec())
    assert sent.gained == [1]


def test_a_table_that_cannot_be_read_is_told_later(tmp_path, silver):
    sent = Sent()
    progress = _progress_log(sent, tmp_path)
    [log] = (tmp_path / "c/s/silver/_delta_log").glob("*.json")
    text = log.read_bytes()
    log.write_bytes(b"{")
    progress.batch_committed("f", append_spec(), 1)
    log.write_bytes(text)
    silver.more()
    progress.batch_committed("f", append_spec(), 2)
    assert sent.gained == [1]


@pytest.mark.parametrize("statement", [q.sql for q in VALIDATION_QUERIES if q.reads == EVENT_LOG])
def test_the_validation_query_of_the_event_log_is_answered_and_passes(tmp_path, silver, statement):
    sent = Sent()
    log = EventLog(sent, UPDATE, lambda: START)
    log.add(update_created(UPDATE, {}, "miner"))
    ProgressLog(log, str(tmp_path), {}).stopped("f", append_spec())
    open_writer(tmp_path, SPEC).write([record(n, row) for n, row in enumerate(sent.rows)])
    answer = query(str(tmp_path), statement, catalog="c", schema="s", now=START + timedelta(minutes=59))
    assert answer["event_type"].to_pylist() == ["create_update", "flow_progress"]
    assert judge_event_log(answer.to_pylist()).ok


def test_what_was_told_is_known_on_its_way_to_the_table_and_in_it(broker, tmp_path, silver):
    ensure_topics(broker.bootstrap, [Topic(SPEC.topic)])
    stored = open_writer(tmp_path, SPEC)

    def told():
        return told_progress(broker.bootstrap, str(tmp_path), UPDATE.catalog, UPDATE.schema)

    def tell():
        with Publisher(broker.bootstrap) as publisher:
            silver.more()
            ProgressLog(EventLog(publisher, UPDATE), str(tmp_path), told()).stopped("f", append_spec())

    assert told() == {}
    tell()
    assert told() == {"c.s.silver": Progress(rows=1)}
    with TopicReader(broker.bootstrap, SPEC.topic, {0: BEGINNING}) as reader:
        stored.write(reader.take(1, 10.0))
    assert told() == {"c.s.silver": Progress(rows=1)}
    tell()
    assert told() == {"c.s.silver": Progress(rows=2)}
