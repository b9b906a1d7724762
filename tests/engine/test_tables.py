"""Waiting for tables that the writer creates."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from deltalake import DeltaTable, Field, write_deltalake
from deltalake.schema import PrimitiveType

from pitlake.engine.tables import await_tables
from pitlake.errors import LakeError
from pitlake.lake.names import TableName

BASELINE = TableName("c", "s", "baseline")


def test_a_table_that_exists_is_not_waited_for(tmp_path):
    write_deltalake(BASELINE.path(str(tmp_path)), pa.table({"a": [1], "b": [1]}))
    await_tables(str(tmp_path), {BASELINE: ("a",)}, threading.Event(), seconds=0)


def test_a_table_is_waited_for_until_it_has_its_columns(tmp_path):
    path = BASELINE.path(str(tmp_path))
    with ThreadPoolExecutor() as waiting:
        waited = waiting.submit(await_tables, str(tmp_path), {BASELINE: ("a", "b")}, threading.Event())
        write_deltalake(path, pa.table({"a": [1]}))
        assert not waited.done()
        DeltaTable(path).alter.add_columns([Field("b", PrimitiveType("long"))])
        waited.result(timeout=20)


def test_a_table_that_does_not_come_is_said(tmp_path):
    with pytest.raises(LakeError, match="has not been created") as error:
        await_tables(str(tmp_path), {BASELINE: ()}, threading.Event(), seconds=0)
    assert "pitlake write" in error.value.do


def test_the_wait_ends_with_the_update(tmp_path):
    stop = threading.Event()
    stop.set()
    await_tables(str(tmp_path), {BASELINE: ()}, stop)
