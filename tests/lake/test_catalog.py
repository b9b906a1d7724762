"""A lake's directories are its catalog."""

from __future__ import annotations

import pyarrow as pa
from deltalake import write_deltalake

from pitlake.lake.catalog import list_tables
from pitlake.lake.names import TableName


def test_tables_are_listed_in_order(tmp_path):
    names = [TableName("a", "s", "t"), TableName("a", "s", "u"), TableName("b", "r", "t")]
    for name in reversed(names):
        write_deltalake(name.path(str(tmp_path)), pa.table({"x": [1]}))
    assert list_tables(f"{tmp_path}/") == names


def test_a_lake_may_be_a_url(tmp_path):
    write_deltalake(str(tmp_path / "a" / "s" / "t"), pa.table({"x": [1]}))
    assert list_tables(tmp_path.as_uri()) == [TableName("a", "s", "t")]


def test_directories_that_are_no_tables_are_left_out(tmp_path):
    (tmp_path / "a" / "s" / "t").mkdir(parents=True)
    write_deltalake(str(tmp_path / "a" / "s" / "not a name"), pa.table({"x": [1]}))
    (tmp_path / "a" / "file").write_text("")
    assert list_tables(str(tmp_path)) == []


def test_a_lake_that_is_not_there_yet_is_empty(tmp_path):
    assert list_tables(str(tmp_path / "lake")) == []
