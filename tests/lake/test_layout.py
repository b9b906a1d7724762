"""Which files are written anew, as pure plans."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitlake.lake.layout import DAY_RESTS, LARGEST_REWRITE, MERGED_TOGETHER, MOST_TOGETHER, DataFile, by_size, by_window

DAY = datetime(2026, 2, 15, tzinfo=UTC)
SMALL = 1000


def _file(name, low=0, high=None, size=SMALL, partition=()):
    """A file of windows from minute `low` to minute `high` of the day."""
    start, end = (DAY + timedelta(minutes=minute) for minute in (low, low if high is None else high))
    return DataFile(name, size, 1, 0, partition, start, end)


def _names(plan):
    return plan and sorted(file.path for file in plan.files)


def test_a_few_small_files_are_left_alone():
    assert by_size([_file(str(each)) for each in range(MERGED_TOGETHER - 1)]) is None


def test_enough_small_files_are_merged():
    assert len(by_size([_file(str(each)) for each in range(MERGED_TOGETHER)]).files) == MERGED_TOGETHER


def test_a_file_is_merged_with_its_own_size_class_only():
    small = [_file(f"small {each}") for each in range(MERGED_TOGETHER)]
    assert _names(by_size([_file("large", size=5_000_000), *small])) == sorted(file.path for file in small)


def test_partitions_are_not_mixed():
    files = [_file(str(each), partition=(("date", str(each % 2)),)) for each in range(MERGED_TOGETHER)]
    assert by_size(files) is None


@given(st.lists(st.integers(0, 20_000_000), max_size=200))
def test_a_merge_reads_no_more_than_its_bound(sizes):
    plan = by_size([_file(str(index), size=size) for index, size in enumerate(sizes)])
    assert plan is None or sum(file.size for file in plan.files) <= LARGEST_REWRITE


def test_a_merge_reads_no_more_files_than_its_bound():
    assert len(by_size([_file(str(each)) for each in range(2 * MOST_TOGETHER)]).files) == MOST_TOGETHER


def test_an_open_window_is_cut_off_from_closed_ones():
    plan = by_window([_file("mixed", 0, 2)], open_from=DAY + timedelta(minutes=2))
    assert (_names(plan), plan.cuts) == (["mixed"], (DAY + timedelta(minutes=2),))


def test_open_windows_are_left_alone():
    assert by_window([_file("a", 1), _file("b", 1), _file("c", 2, 4)], open_from=DAY + timedelta(minutes=1)) is None


def test_closed_windows_of_the_open_hour_stay_in_their_small_files():
    assert by_window([_file("a", 0), _file("b", 1), _file("open", 2)], open_from=DAY + timedelta(minutes=2)) is None


def test_a_closed_hour_becomes_one_file():
    files = [_file("a", 0), _file("b", 59), _file("next", 60), _file("open", 61)]
    assert _names(by_window(files, open_from=DAY + timedelta(minutes=61))) == ["a", "b"]


def test_a_day_becomes_one_file_once_it_has_rested():
    files = [_file("first hour", 0, 59), _file("second hour", 60, 119)]
    end = DAY + timedelta(days=1) + DAY_RESTS
    assert by_window(files, open_from=end - timedelta(minutes=1)) is None
    assert _names(by_window(files, open_from=end + timedelta(minutes=1))) == ["first hour", "second hour"]


def test_files_too_large_to_merge_are_left_alone():
    files = [_file("a", 0, size=LARGEST_REWRITE), _file("b", 1, size=LARGEST_REWRITE)]
    assert by_window(files, open_from=DAY + timedelta(hours=2)) is None


def test_files_without_known_windows_are_left_alone():
    assert by_window([DataFile("unknown", SMALL, 1)], open_from=DAY) is None


def _rewritten(files, plan):
    """What `rewrite` makes of the plan, for files of windows."""
    edges = [datetime.min.replace(tzinfo=UTC), *plan.cuts, datetime.max.replace(tzinfo=UTC)]
    rest = [file for file in files if file[0] not in {each.path for each in plan.files}]
    windows = [window for file in files if file not in rest for window in file[1]]
    parts = [[window for window in windows if start <= window < end] for start, end in pairwise(edges)]
    return rest + [(f"{plan.files[0].path}/{index}", part) for index, part in enumerate(parts) if part]


@given(
    st.lists(
        st.lists(st.integers(0, 4 * 24 * 60).map(lambda minute: DAY + timedelta(minutes=minute)), min_size=1, max_size=5),
        max_size=30,
    ),
    st.integers(0, 4 * 24 * 60).map(lambda minute: DAY + timedelta(minutes=minute)),
)
def test_plans_come_to_an_end_with_every_window_in_place_and_no_file_across_the_open_edge(contents, open_from):
    files = [(str(index), windows) for index, windows in enumerate(contents)]
    for _ in range(1000):
        plan = by_window([DataFile(name, SMALL, 1, 0, (), min(each), max(each)) for name, each in files], open_from)
        if plan is None:
            break
        files = _rewritten(files, plan)
    else:
        pytest.fail("the plans do not end")
    assert sorted(window for _, each in files for window in each) == sorted(window for each in contents for window in each)
    assert not any(min(each) < open_from <= max(each) for _, each in files)
