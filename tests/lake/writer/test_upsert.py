"""Upsert: per key the highest count."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.writing import open_writer, reading, record, stored, upsert_spec

SPEC = upsert_spec()


def _write(lake, *batches, spec=SPEC):
    writer, offset = open_writer(lake, spec), 0
    for batch in batches:
        note = writer.write([record(offset + index, row) for index, row in enumerate(batch)])
        offset += len(batch)
    return note


def _counts(lake, spec=SPEC):
    return {row["machine"]: row["readings"] for row in stored(lake, spec)}


def test_a_higher_count_replaces_a_lower_one(tmp_path):
    _write(tmp_path, [reading("a", 1)], [reading("a", 2)])
    assert _counts(tmp_path) == {"a": 2}


def test_a_lower_count_never_replaces_a_higher_one(tmp_path):
    _write(tmp_path, [reading("a", 5)], [reading("a", 4)])
    assert _counts(tmp_path) == {"a": 5}


def test_at_the_same_count_the_later_row_stands(tmp_path):
    _write(tmp_path, [{**reading("a", 5), "mean": 1.0}], [{**reading("a", 5), "mean": 2.0}])
    assert [row["mean"] for row in stored(tmp_path, SPEC)] == [2.0]


def test_within_a_batch_only_the_highest_count_is_written(tmp_path):
    note = _write(tmp_path, [reading("a", 1), reading("a", 3), reading("a", 2), reading("b", 1)])
    assert _counts(tmp_path) == {"a": 3, "b": 1}
    assert (note.rows, note.duplicates) == (2, 2)


def _counted(offset, row):
    return record(offset, row, key=row["machine"], count=b"%d" % row["readings"])


def test_a_row_that_another_s_header_overtakes_is_a_duplicate_like_one_that_was_read(tmp_path):
    rows = [reading("a", 1), reading("a", 3), reading("a", 2), reading("b", 1)]
    note = open_writer(tmp_path, SPEC).write([_counted(offset, row) for offset, row in enumerate(rows)])
    assert _counts(tmp_path) == {"a": 3, "b": 1}
    assert (note.rows, note.duplicates) == (2, 2)


def test_a_row_whose_header_tells_no_count_is_compared_by_its_own(tmp_path):
    rows = [_counted(0, reading("a", 1)), record(1, reading("a", 3), key="a"), _counted(2, reading("a", 2))]
    open_writer(tmp_path, SPEC).write(rows)
    assert _counts(tmp_path) == {"a": 3}


def test_what_an_unreadable_row_overtook_stands(tmp_path):
    unreadable = record(2, b"{", key="a", count=b"9")
    note = open_writer(tmp_path, SPEC).write([_counted(0, reading("a", 1)), _counted(1, reading("a", 2)), unreadable])
    assert _counts(tmp_path) == {"a": 2}
    assert (note.rows, note.duplicates, note.rejected) == (1, 1, 1)


def test_windows_are_different_keys(tmp_path):
    _write(tmp_path, [reading("a", 5, minute=0)], [reading("a", 1, minute=1)])
    assert [row["readings"] for row in stored(tmp_path, SPEC)] == [5, 1]


def test_a_null_key_is_a_key_like_any_other(tmp_path):
    _write(tmp_path, [reading(None, 1), reading("a", 1)], [reading(None, 2)])
    assert _counts(tmp_path) == {None: 2, "a": 1}


def test_all_keys_may_be_null_at_once(tmp_path):
    spec = upsert_spec(keys=("machine",), window=None)
    _write(tmp_path, [reading(None, 1)], [reading("a", 1)], [reading(None, 2)], spec=spec)
    assert _counts(tmp_path, spec) == {None: 2, "a": 1}


def test_a_null_count_is_the_lowest(tmp_path):
    _write(tmp_path, [reading("a", None), reading("b", 1)], [reading("a", 1), reading("b", None)])
    assert _counts(tmp_path) == {"a": 1, "b": 1}


def test_without_a_count_the_later_row_stands(tmp_path):
    spec = upsert_spec(count=None)
    _write(tmp_path, [reading("a", 5)], [reading("a", 4), reading("a", 3)], spec=spec)
    assert _counts(tmp_path, spec) == {"a": 3}


@pytest.mark.parametrize("again", [4, 5])
def test_what_comes_a_second_time_is_a_duplicate_and_not_told_of_again(tmp_path, again):
    note = _write(tmp_path, [reading("a", 1)], [reading("a", 5)], [reading("a", again), reading("b", 4)])
    assert (note.rows, note.duplicates) == (1, 1)
    assert note.latency["processed_to_commit"].count == 1


def test_a_batch_that_changes_nothing_moves_the_offsets(tmp_path):
    _write(tmp_path, [reading("a", 5)], [reading("a", 4)])
    assert open_writer(tmp_path, SPEC).offsets == {0: 2}


@settings(max_examples=10, deadline=None)
@given(
    batches=st.lists(
        st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 9)), min_size=1, max_size=5), min_size=1, max_size=5
    )
)
def test_a_table_never_turns_back(batches, tmp_path_factory):
    lake = tmp_path_factory.mktemp("lake")
    writer, highest, offset = open_writer(lake, SPEC), {}, 0
    for batch in batches:
        writer.write([record(offset + index, reading(*row)) for index, row in enumerate(batch)])
        offset += len(batch)
        for machine, count in batch:
            highest[machine] = max(count, highest.get(machine, 0))
        assert _counts(lake) == highest
