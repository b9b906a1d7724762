"""Append: every row once."""

from __future__ import annotations

import logging

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.writing import append_spec, landing, open_writer, record, stored

SPEC = append_spec()


def _numbers(lake, spec=SPEC):
    return [int(row["landing_id"].partition("-")[2]) for row in stored(lake, spec)]


def test_a_replayed_row_is_dropped(tmp_path):
    writer = open_writer(tmp_path, SPEC)
    writer.write([record(offset, landing(offset)) for offset in range(3)])
    note = writer.write([record(3, landing(1)), record(4, landing(2)), record(5, landing(3))])
    assert _numbers(tmp_path) == [0, 1, 2, 3]
    assert (note.rows, note.duplicates) == (1, 2)


def test_rows_of_one_landing_record_are_told_apart_by_their_index(tmp_path):
    open_writer(tmp_path, SPEC).write([record(0, landing(1, 0)), record(1, landing(1, 1)), record(2, landing(1, 1))])
    assert [row["batch_index"] for row in stored(tmp_path, SPEC)] == [0, 1]


def test_rows_of_one_landing_record_need_no_order_across_commits(tmp_path):
    open_writer(tmp_path, SPEC).write([record(0, landing(1, 2)), record(1, landing(1, 0))])
    open_writer(tmp_path, SPEC).write([record(2, landing(1, 0)), record(3, landing(1, 1)), record(4, landing(1, 2))])
    assert [row["batch_index"] for row in stored(tmp_path, SPEC)] == [0, 1, 2]


def test_a_key_that_a_flow_made_twice_is_a_duplicate_and_logged(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        note = open_writer(tmp_path, SPEC).write([record(0, landing(1)), record(1, landing(1))])
    assert note.duplicates == 1
    assert "c.s.silver: 1 rows have the key (landing_id, batch_index) of another row" in caplog.text


def test_the_same_rows_of_a_second_query_are_stored_once_and_not_logged(tmp_path, caplog):
    writer, twice = open_writer(tmp_path, SPEC), [landing(1), landing(2)]
    with caplog.at_level(logging.WARNING):
        writer.write([record(0, twice[0]), record(1, twice[0], replica=b""), record(2, twice[1], replica=b"")])
        note = writer.write([record(3, twice[1]), record(4, landing(3, value=2.0)), record(5, landing(3), replica=b"")])
    assert (_numbers(tmp_path), note.rows, note.duplicates) == ([1, 2, 3], 1, 2)
    assert caplog.text == ""


def test_what_is_no_row_is_rejected_once_where_both_queries_say_it(tmp_path):
    note = open_writer(tmp_path, SPEC).write([record(0, b"no row"), record(1, b"no row", replica=b""), record(2, landing(1))])
    assert (note.rows, note.rejected, note.duplicates) == (1, 1, 1)


def test_a_second_query_that_begins_anew_is_not_logged(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        note = open_writer(tmp_path, SPEC).write([record(at, landing(1, at // 2, value=at), replica=b"") for at in range(4)])
    assert (note.rows, caplog.text) == (2, "")


def test_a_replay_is_not_logged(tmp_path, caplog):
    writer = open_writer(tmp_path, SPEC)
    with caplog.at_level(logging.WARNING):
        for offset in range(2):
            writer.write([record(offset, landing(1))])
    assert caplog.text == ""


def test_lanes_do_not_hold_each_other_up(tmp_path):
    open_writer(tmp_path, SPEC).write([record(0, landing(9), key="a"), record(1, landing(3), key="b")])
    assert _numbers(tmp_path) == [3, 9]


def test_without_keys_every_row_is_stored(tmp_path):
    spec = append_spec(keys=())
    open_writer(tmp_path, spec).write([record(0, landing(1)), record(1, landing(1))])
    assert len(stored(tmp_path, spec)) == 2


def test_the_fence_outlives_the_process(tmp_path):
    open_writer(tmp_path, SPEC).write([record(0, landing(5))])
    open_writer(tmp_path, SPEC).write([record(1, landing(4)), record(2, landing(5)), record(3, landing(6))])
    assert _numbers(tmp_path) == [5, 6]


@settings(max_examples=10, deadline=None)
@given(
    replays=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=4),
    batch=st.integers(3, 20),
    restart=st.booleans(),
)
def test_replayed_stretches_leave_each_row_once_in_the_table(replays, batch, restart, tmp_path_factory):
    lake, rows = tmp_path_factory.mktemp("lake"), [landing(number) for number in range(20)]
    topic, sent = [], 0
    for start, end in [*replays, (0, len(rows))]:
        topic += rows[min(start, sent) : end]
        sent = max(sent, end)
    writer = open_writer(lake, SPEC)
    for first in range(0, len(topic), batch):
        writer.write([record(first + index, row) for index, row in enumerate(topic[first : first + batch])])
        writer = open_writer(lake, SPEC) if restart else writer
    assert _numbers(lake) == list(range(20))
