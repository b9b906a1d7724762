"""The forms of `schema=`."""

from __future__ import annotations

import pytest
from pyspark.sql.types import DataType, LongType, StringType, StructField, StructType

from pitlake.errors import DefinitionError
from pitlake.pipelines.definitions import Location
from pitlake.pipelines.schemas import ColumnSchema, parse_schema, type_text

HERE = Location("p.py", 7)


def _parsed(schema):
    return parse_schema(schema, location=HERE)


def _refusal(schema):
    with pytest.raises(DefinitionError) as caught:
        _parsed(schema)
    assert (caught.value.file, caught.value.line) == ("p.py", 7)
    assert caught.value.do
    return caught.value


def test_columns_are_in_their_order():
    assert [column.name for column in _parsed("b INT, a STRING").columns] == ["b", "a"]


def test_a_column_has_type_comment_and_nullability():
    assert _parsed(r"a INT NOT NULL COMMENT 'it\'s a'").columns == (ColumnSchema("a", "INT", nullable=False, comment="it's a"),)


@pytest.mark.parametrize("declared", ["a INT", "a INT NULL"])
def test_a_column_may_be_null_unless_it_says_otherwise(declared):
    assert _parsed(declared).columns[0].nullable


def test_a_column_may_be_the_key():
    schema = _parsed("id STRING PRIMARY KEY COMMENT 'c', v INT")
    assert (schema.primary_key, [column.nullable for column in schema.columns]) == (("id",), [False, True])


@pytest.mark.parametrize(
    "key",
    ["PRIMARY KEY (b, a)", "CONSTRAINT pk PRIMARY KEY (b, a)", "CONSTRAINT pk PRIMARY KEY (b, a) NOT ENFORCED RELY"],
)
def test_a_table_may_have_a_key_of_several_columns_in_its_own_order(key):
    assert _parsed(f"a INT, b INT, {key}").primary_key == ("b", "a")


def test_key_columns_are_never_null():
    assert [column.nullable for column in _parsed("a INT, b INT, PRIMARY KEY (a)").columns] == [False, True]


@pytest.mark.parametrize(
    "reference", ["a INT REFERENCES other(a)", "a INT, CONSTRAINT fk FOREIGN KEY (a) REFERENCES mine.site.other(a)"]
)
def test_a_foreign_key_is_passed_over(reference):
    assert _parsed(reference).columns == (ColumnSchema("a", "INT"),)


@pytest.mark.parametrize(
    ("declared", "spelled"),
    [
        ("map<string,string>", "MAP<STRING, STRING>"),
        ("ARRAY<STRUCT<aB: INT, c: DOUBLE>>", "ARRAY<STRUCT<aB: INT, c: DOUBLE>>"),
        ("decimal(10,2)", "DECIMAL(10, 2)"),
        ("LONG", "BIGINT"),
        ("TIMESTAMP_NTZ", "TIMESTAMP_NTZ"),
        ("TIMESTAMP", "TIMESTAMP"),
    ],
)
def test_a_type_is_spelled_as_spark_does(declared, spelled):
    assert _parsed(f"a {declared}").columns[0].type == spelled


def test_names_of_functions_are_column_names_too():
    assert [c.name for c in _parsed("key INT, value INT, timestamp TIMESTAMP, date DATE").columns] == [
        "key",
        "value",
        "timestamp",
        "date",
    ]


def test_a_name_may_be_quoted():
    assert _parsed("`a b` INT, PRIMARY KEY (`a b`)").primary_key == ("a b",)


def test_a_comment_of_sql_is_no_column():
    assert _parsed("a INT -- the first").columns == (ColumnSchema("a", "INT"),)


def test_a_struct_type_has_columns_and_no_key():
    schema = StructType([StructField("a", LongType(), nullable=False, metadata={"comment": "c"}), StructField("b", StringType())])
    parsed = _parsed(schema)
    assert parsed.columns == (ColumnSchema("a", "BIGINT", nullable=False, comment="c"), ColumnSchema("b", "STRING"))
    assert parsed.primary_key == ()


@pytest.mark.parametrize(
    "constraint", ["GENERATED ALWAYS AS (b + 1)", "GENERATED ALWAYS AS IDENTITY", "DEFAULT 5", "CHECK (a > 0)"]
)
def test_a_column_that_computes_or_checks_itself_is_refused(constraint):
    assert "which a column cannot be here" in _refusal(f"a INT {constraint}, b INT").what


@pytest.mark.parametrize("schema", ["", "a", "INT", "a FOO", "a INT)", "a INT) USING delta --", "a INT b INT", "a STRING MASK f"])
def test_ddl_that_cannot_be_read_is_refused(schema):
    assert "the schema cannot be read" in _refusal(schema).what


def test_a_check_of_the_table_is_refused():
    assert "is no key" in _refusal("a INT, CONSTRAINT c CHECK (a > 0)").what


def test_a_name_that_is_declared_twice_is_refused():
    assert "declares a twice" in _refusal("a INT, a STRING").what


def test_a_key_that_is_no_column_is_refused_with_the_nearest_one():
    error = _refusal("machine STRING, PRIMARY KEY (machin)")
    assert "names machin, which is no column" in error.what
    assert error.do == "Did you mean machine?"


@pytest.mark.parametrize(
    "text", ["BIGINT", "DECIMAL(3,1)", "ARRAY<MAP<STRING, INT>>", "STRUCT<`aB`: INT, `c`: ARRAY<STRUCT<`D`: DATE>>>"]
)
def test_a_types_text_is_the_type(spark, text):
    assert type_text(DataType.fromDDL(text)) == text
