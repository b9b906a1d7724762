"""The row that stands, of several with one key."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pitlake.lake.writer.coalesce import newest


def test_the_highest_order_of_each_key_stands():
    assert newest([("a",), ("b",), ("a",), ("a",)], [1, 5, 3, 2]) == [1, 2]


def test_of_equal_orders_the_later_stands():
    assert newest([("a",), ("a",)], [(1, 2), (1, 2)]) == [1]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5))))
def test_it_is_the_last_of_a_stable_sort(rows):
    expected = {key: position for position, (key, _) in sorted(enumerate(rows), key=lambda row: row[1][1])}
    assert newest([(key,) for key, _ in rows], [order for _, order in rows]) == sorted(expected.values())
