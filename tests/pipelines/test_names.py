"""Names as queries write them, and what to say to an unknown one."""

from __future__ import annotations

import pytest

from pitlake.pipelines.names import bare_name, suggestion


@pytest.mark.parametrize(
    "name", ["t", "site.t", "mine.site.t", "LIVE.t", "live.t", "`mine`.`site`.`t`", "MINE.Site.t", " mine . site . t "]
)
def test_what_goes_without_saying_is_left_out(name):
    assert bare_name(name, "mine", "site") == "t"


@pytest.mark.parametrize("name", ["other.t", "other.site.t", "mine.other.t", "mine.t"])
def test_a_name_of_another_place_stays_whole(name):
    assert bare_name(name, "mine", "site") == name


def test_a_tables_own_case_is_kept():
    assert bare_name("SITE.Readings", "mine", "site") == "Readings"


def test_the_nearest_known_name_is_suggested():
    assert suggestion("redings", ["readings", "machines"], what="tables") == "Did you mean readings?"


def test_without_a_near_name_all_are_told_in_order():
    assert suggestion("zzz", ["b", "a"], what="tables") == "The known tables are a, b."


def test_without_any_name_that_is_told():
    assert suggestion("zzz", [], what="tables") == "There are no tables yet."
