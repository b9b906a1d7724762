"""SHOW TABLES and DESCRIBE TABLE."""

from __future__ import annotations

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pitlake.lake.metadata import describe, show_tables
from pitlake.lake.names import TableName

NAMES = [TableName("c", "s", "ot_bronze"), TableName("c", "s", "gold"), TableName("c", "r", "ot_other")]


@pytest.mark.parametrize(
    ("pattern", "shown"), [("*", ["ot_bronze", "gold"]), ("OT*", ["ot_bronze"]), ("gold|x", ["gold"]), ("x", [])]
)
def test_show_tables_lists_the_schemas_tables_by_pattern(pattern, shown):
    answer = show_tables(NAMES, "c", "S", pattern)
    assert answer.column_names == ["database", "tableName", "isTemporary"]
    assert answer["tableName"].to_pylist() == shown


def test_describe_gives_names_types_and_comments(tmp_path):
    schema = pa.schema(
        [
            pa.field("id", pa.string(), nullable=False, metadata={"comment": "the key"}),
            ("at", pa.timestamp("us", "UTC")),
            ("n", pa.int64()),
            ("tags", pa.map_(pa.string(), pa.string())),
            ("parts", pa.list_(pa.struct([("a", pa.int32()), ("b", pa.decimal128(10, 2))]))),
        ]
    )
    write_deltalake(str(tmp_path), schema.empty_table())
    assert describe(DeltaTable(str(tmp_path))).to_pylist() == [
        {"col_name": "id", "data_type": "string", "comment": "the key"},
        {"col_name": "at", "data_type": "timestamp", "comment": None},
        {"col_name": "n", "data_type": "bigint", "comment": None},
        {"col_name": "tags", "data_type": "map<string,string>", "comment": None},
        {"col_name": "parts", "data_type": "array<struct<a:int,b:decimal(10,2)>>", "comment": None},
    ]
