"""Declared columns as Arrow types."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pitlake.errors import LakeError
from pitlake.lake.schemas import arrow_schema, arrow_type
from pitlake.lake.spec import Column
from tests.support.writing import append_spec


@pytest.mark.parametrize(
    ("sql", "arrow"),
    [
        ("STRING", pa.string()),
        ("bigint", pa.int64()),
        ("INT", pa.int32()),
        ("DOUBLE", pa.float64()),
        ("BOOLEAN", pa.bool_()),
        ("BINARY", pa.binary()),
        ("DATE", pa.date32()),
        ("TIMESTAMP", pa.timestamp("us", "UTC")),
        ("timestamp_ntz", pa.timestamp("us")),
        ("decimal(10,2)", pa.decimal128(10, 2)),
        ("DECIMAL", pa.decimal128(10, 0)),
        ("MAP<STRING,STRING>", pa.map_(pa.string(), pa.string())),
        ("array<double>", pa.list_(pa.float64())),
        ("struct<a:int,b:string>", pa.struct([("a", pa.int32()), ("b", pa.string())])),
        ("STRUCT<a: INT NOT NULL>", pa.struct([pa.field("a", pa.int32(), nullable=False)])),
        ("ARRAY<STRUCT<a: MAP<STRING,DATE>>>", pa.list_(pa.struct([("a", pa.map_(pa.string(), pa.date32()))]))),
    ],
)
def test_spark_sql_types_have_an_arrow_type(sql, arrow):
    assert arrow_type(sql) == arrow


@pytest.mark.parametrize("sql", ["TEXTUAL", "VARIANT", "MAP<STRING", "", "VOID"])
def test_a_type_that_delta_cannot_hold_is_refused(sql):
    with pytest.raises(LakeError, match="no column type"):
        arrow_type(sql)


def test_nullability_and_comments_are_kept():
    columns = (Column(name="a", type="INT", nullable=False, comment="the a"), Column(name="b", type="INT"))
    a, b = arrow_schema(append_spec(columns=columns))
    assert (a.nullable, a.metadata) == (False, {b"comment": b"the a"})
    assert (b.nullable, b.metadata) == (True, None)
