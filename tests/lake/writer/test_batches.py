"""Records into rows, and apart from them what is no row."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from pitlake.lake.spec import Column
from pitlake.lake.writer.batches import Layout, read_batch
from tests.support.writing import START, append_spec, landing, record, upsert_spec


def _read(*records, spec=None):
    return read_batch(records, Layout.of(spec or append_spec()))


def test_a_batch_holds_the_rows_and_their_records_in_order():
    records = [record(0, landing(1)), record(1, landing(2))]
    batch, rejected = _read(*records)
    assert batch.rows.column("landing_id").to_pylist() == [landing(1)["landing_id"], landing(2)["landing_id"]]
    assert (list(batch.records), rejected) == (records, [])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"garbage", "Expecting value"),
        (b"", "Expecting value"),
        (None, "Expecting value"),
        (landing(2, value="high"), "value: 'high' is no double"),
        (landing(2, batch_index=2**40), "batch_index: 1099511627776 is out of the range of int32"),
        ({"batch_index": 0}, "landing_id is NULL"),
        (b'{"landing_id": "\\ud800", "batch_index": 0}', "landing_id: 'utf-8' codec can't encode"),
    ],
)
def test_a_record_that_is_no_row_costs_only_itself(bad, reason):
    batch, rejected = _read(record(0, landing(1)), record(1, bad), record(2, landing(3)))
    assert [each.offset for each in batch.records] == [0, 2]
    assert [(each.record.offset, each.reason) for each in rejected] == [(1, rejected[0].reason)]
    assert rejected[0].reason.startswith(reason)


def test_a_number_that_is_none_is_stored_as_such():
    batch, rejected = _read(record(0, landing(1, value="NaN")), record(1, landing(2, value=1.5)))
    assert math.isnan(batch.rows.column("value")[0].as_py())
    assert not rejected


def test_processing_time_is_the_records_own():
    spec = append_spec()
    spec = spec.model_copy(
        update={"columns": (*spec.columns, Column(name="processed_at", type="TIMESTAMP")), "processed_at": ("processed_at",)}
    )
    at = START + timedelta(milliseconds=1234)
    batch, _ = _read(record(0, {**landing(1), "processed_at": "not even a time"}, at=at), spec=spec)
    assert batch.rows.column("processed_at").to_pylist() == [at]


def test_the_key_of_an_append_table_is_required_even_if_declared_nullable():
    spec = append_spec(columns=tuple(column.model_copy(update={"nullable": True}) for column in append_spec().columns))
    _, rejected = _read(record(0, {"landing_id": "a"}), spec=spec)
    assert [each.reason for each in rejected] == ["batch_index is NULL"]


def test_a_key_of_other_tables_may_be_null():
    batch, rejected = _read(record(0, {"window_start": "2026-02-15T00:00:00.000000Z"}), spec=upsert_spec())
    assert batch.rows.to_pylist() == [
        {"window_start": datetime(2026, 2, 15, tzinfo=UTC), "machine": None, "readings": None, "mean": None}
    ]
    assert not rejected


def test_binary_and_decimals_are_exact():
    columns = (Column(name="raw", type="BINARY"), Column(name="price", type="DECIMAL(20,4)"))
    batch, rejected = _read(
        record(0, b'{"raw": "AP8=", "price": 1234567890123456.7891}'), spec=append_spec(columns=columns, keys=())
    )
    assert [str(value) for value in batch.rows.to_pylist()[0].values()] == [r"b'\x00\xff'", "1234567890123456.7891"]
    assert not rejected


def test_no_record_makes_an_empty_batch():
    batch, rejected = _read()
    assert (len(batch), batch.rows.num_rows, rejected) == (0, 0, [])
