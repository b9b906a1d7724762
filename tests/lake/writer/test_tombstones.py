"""Tombstones, in memory and beside the table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from pitlake.lake.names import TableName
from pitlake.lake.schemas import arrow_schema
from pitlake.lake.writer.tombstones import KEPT, Tombstones, tombstones_path
from tests.support.writing import START, cdc_spec

SPEC = cdc_spec()
SCHEMA = arrow_schema(SPEC)


@pytest.fixture(name="opened")
def _opened(tmp_path):
    return lambda: Tombstones(str(tmp_path), SPEC, SCHEMA)


def _rows(machine, second, number=0):
    at = datetime(1970, 1, 1, 0, 0, second, tzinfo=UTC)
    return pa.Table.from_pylist([{"machine": machine, "at": at, "number": number, "value": "x"}], schema=SCHEMA)


def _path(lake):
    return tombstones_path(str(lake), TableName.parse(SPEC.name))


def test_a_key_that_was_removed_is_remembered_with_its_sequence(opened):
    tombstones = opened()
    tombstones.bury(_rows("a", 2, 7), START, {"status/0": 1})
    assert tombstones.sequence_of(("a",)) == (2_000_000, 7)
    assert tombstones.sequence_of(("b",)) is None


def test_the_highest_sequence_counts(opened):
    tombstones = opened()
    for second in (1, 3, 2):
        tombstones.bury(_rows("a", second), START, {})
    assert tombstones.sequence_of(("a",)) == (3_000_000, 0)


def test_tombstones_outlive_the_process(opened):
    opened().bury(_rows("a", 2), START, {})
    assert opened().sequence_of(("a",)) == (2_000_000, 0)


def test_a_table_without_deletes_has_no_sidecar(opened, tmp_path):
    opened()
    assert not DeltaTable.is_deltatable(_path(tmp_path))


def test_the_sidecar_lies_outside_the_table(tmp_path):
    table = TableName.parse(SPEC.name).path(str(tmp_path))
    assert not _path(tmp_path).startswith(table)


def test_old_tombstones_are_forgotten_here_and_there(opened):
    tombstones = opened()
    tombstones.bury(_rows("old", 1), START, {})
    tombstones.bury(_rows("new", 1), START + timedelta(hours=1), {})
    tombstones.forget(START + KEPT + timedelta(minutes=1))
    assert (len(tombstones), len(opened())) == (1, 1)
    assert opened().sequence_of(("new",)) is not None


def test_forgetting_leaves_one_row_per_key(opened, tmp_path):
    tombstones = opened()
    for second in (1, 2, 3):
        tombstones.bury(_rows("a", second), START, {})
    tombstones.forget(START)
    assert DeltaTable(_path(tmp_path)).to_pyarrow_table().num_rows == 1
    assert opened().sequence_of(("a",)) == (3_000_000, 0)
