"""Full table names and their paths."""

from __future__ import annotations

import pytest

from pitlake.errors import LakeError
from pitlake.lake.names import TableName


def test_a_name_has_three_parts():
    assert TableName.parse("field_engineering.mining_demo.bronze") == TableName("field_engineering", "mining_demo", "bronze")


def test_backticks_are_not_part_of_a_name():
    assert TableName.parse("`a`.`b`.`c`") == TableName("a", "b", "c")


@pytest.mark.parametrize("text", ["table", "schema.table", "a.b.c.d", "a..c", "a.b.../x", ""])
def test_anything_else_is_refused(text):
    with pytest.raises(LakeError):
        TableName.parse(text)


@pytest.mark.parametrize("lake", ["/lake", "/lake/", "s3://bucket/lake"])
def test_a_table_lies_below_its_catalog_and_schema(lake):
    assert TableName("a", "b", "c").path(lake) == lake.rstrip("/") + "/a/b/c"


def test_a_name_is_spelled_as_it_is_parsed():
    assert str(TableName.parse("a.b.c")) == "a.b.c"
