"""The row that stands, of several with one key."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pitlake.lake.writer.coalesce import newest, not_overtaken, said_once
from tests.support.writing import record


def test_the_highest_order_of_each_key_stands():
    assert newest([("a",), ("b",), ("a",), ("a",)], [1, 5, 3, 2]) == [1, 2]


def test_of_equal_orders_the_later_stands():
    assert newest([("a",), ("a",)], [(1, 2), (1, 2)]) == [1]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5))))
def test_it_is_the_last_of_a_stable_sort(rows):
    expected = {key: position for position, (key, _) in sorted(enumerate(rows), key=lambda row: row[1][1])}
    assert newest([(key,) for key, _ in rows], [order for _, order in rows]) == sorted(expected.values())


def test_a_record_is_overtaken_by_one_of_its_key_with_a_higher_count_or_the_same_later():
    counts = [("a", 1), ("b", 5), ("a", 3), ("a", 2), ("a", 3)]
    records = [record(offset, b"{}", key=key, count=b"%d" % count) for offset, (key, count) in enumerate(counts)]
    assert [each.offset for each in not_overtaken(records)] == [1, 4]


def test_a_record_without_a_count_neither_overtakes_nor_is_overtaken():
    records = [record(0, b"{}", key="a"), record(1, b"{}", key="a", count=b"2"), record(2, b"{}", key="a")]
    assert not_overtaken(records) == records


def test_counts_of_two_epochs_are_not_compared():
    records = [record(0, b"{}", key="a", count=b"9", epoch=b"1"), record(1, b"{}", key="a", count=b"2", epoch=b"2")]
    assert not_overtaken(records) == records


def _of_replica(offset, value, **headers):
    return record(offset, value, replica=b"", **headers)


def test_what_the_other_query_of_a_flow_has_said_before_is_left_out_whichever_it_is():
    records = [record(0, b"1"), _of_replica(1, b"1"), _of_replica(2, b"2"), record(3, b"2"), record(4, b"3")]
    assert [each.offset for each in said_once(records)] == [0, 2, 4]


def test_what_one_query_says_twice_stays_as_nothing_but_its_row_can_tell_why():
    records = [record(0, b"1"), record(1, b"1"), _of_replica(2, b"1")]
    assert [each.offset for each in said_once(records)] == [0, 1]
    assert said_once(records[:2]) == records[:2]


def test_two_epochs_or_keys_do_not_say_the_same():
    records = [record(0, b"1"), _of_replica(1, b"1", epoch=b"2"), _of_replica(2, b"1", key="b")]
    assert said_once(records) == records
