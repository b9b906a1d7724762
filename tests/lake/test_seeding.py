"""Seeded once, then the user's."""

from __future__ import annotations

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pitlake.errors import LakeError
from pitlake.lake.names import TableName
from pitlake.lake.seeding import seed_table

NAME = TableName("c", "s", "shift_schedule")
SCHEMA = pa.schema(
    [
        pa.field("shift_id", pa.string(), nullable=False, metadata={"comment": "DAY, AFTERNOON or NIGHT"}),
        pa.field("created_at", pa.timestamp("us", "UTC")),
    ]
)
ROWS = pa.table({"shift_id": ["DAY"], "created_at": [None]}, schema=SCHEMA)


@pytest.fixture
def lake(tmp_path):
    return str(tmp_path)


def stored(lake):
    return DeltaTable(NAME.path(lake))


def test_a_missing_table_is_created_with_its_rows(lake):
    assert seed_table(lake, NAME, ROWS, "The site's shifts")
    assert stored(lake).to_pyarrow_table().to_pylist() == ROWS.to_pylist()


def test_comments_and_nullability_are_kept(lake):
    seed_table(lake, NAME, ROWS, "The site's shifts")
    field = stored(lake).schema().fields[0]
    assert stored(lake).metadata().description == "The site's shifts"
    assert (field.metadata, field.nullable) == ({"comment": "DAY, AFTERNOON or NIGHT"}, False)


def test_a_users_edits_stay(lake):
    seed_table(lake, NAME, ROWS, "The site's shifts")
    stored(lake).update(updates={"shift_id": "'EARLY'"})
    assert not seed_table(lake, NAME, ROWS, "Something else")
    assert stored(lake).to_pyarrow_table()["shift_id"].to_pylist() == ["EARLY"]


def test_a_users_further_column_is_no_difference(lake):
    write_deltalake(NAME.path(lake), ROWS.append_column("supervisor", pa.array(["Kim"])))
    assert not seed_table(lake, NAME, ROWS, "The site's shifts")


@pytest.mark.parametrize(
    "other", [pa.table({"shift_id": ["DAY"]}), pa.table({"shift_id": [1], "created_at": ROWS["created_at"]})]
)
def test_a_table_with_other_columns_is_refused(lake, other):
    write_deltalake(NAME.path(lake), other)
    with pytest.raises(LakeError, match="shift_schedule exists"):
        seed_table(lake, NAME, ROWS, "The site's shifts")
