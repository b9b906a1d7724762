"""A table that is replaced as a whole, by records given to its writer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pitlake.lake.commits import Tally
from pitlake.lake.spec import Column, TableSpec, WriteMode
from pitlake.lake.writer.refresh import last_whole
from pitlake.streams.envelope import Marker, encode_failed, encode_marker, encode_refresh
from tests.support.writing import delta, open_writer, record, stored

SPEC = TableSpec(
    name="c.s.baseline",
    topic="baseline",
    mode=WriteMode.REFRESH,
    columns=(Column(name="machine", type="STRING"), Column(name="level", type="DOUBLE")),
    keys=("machine",),
    expectations=("known",),
)


def _row(offset, refresh, machine, epoch=7, **headers):
    row = {"machine": machine, "level": float(refresh)}
    return record(offset, row, refresh=encode_refresh(refresh), epoch=str(epoch).encode(), **headers)


def _end(offset, refresh, rows, epoch=7):
    marker = Marker(flow="baseline", batch_id=refresh, offsets={}, rows=rows)
    return record(offset, b"", marker=encode_marker(marker), epoch=str(epoch).encode())


def _refresh(offset, refresh, *machines, epoch=7):
    rows = [_row(offset + n, refresh, machine, epoch) for n, machine in enumerate(machines)]
    return [*rows, _end(offset + len(rows), refresh, len(rows), epoch)]


def _machines(lake):
    return [(row["machine"], row["level"]) for row in stored(lake, SPEC)]


def test_a_refresh_replaces_all_rows(tmp_path):
    writer = open_writer(tmp_path, SPEC)
    writer.write(_refresh(0, 1, "a", "b"))
    writer.write(_refresh(3, 2, "b", "c"))
    assert _machines(tmp_path) == [("b", 2.0), ("c", 2.0)]


def test_a_refresh_without_rows_empties_the_table(tmp_path):
    writer = open_writer(tmp_path, SPEC)
    writer.write(_refresh(0, 1, "a"))
    writer.write(_refresh(2, 2))
    assert _machines(tmp_path) == []


def test_a_refresh_of_an_older_driver_changes_nothing(tmp_path):
    writer = open_writer(tmp_path, SPEC)
    writer.write(_refresh(0, 1, "a", epoch=8))
    note = writer.write(_refresh(2, 2, "b", epoch=7))
    assert (_machines(tmp_path), note.void) == ([("a", 1.0)], 2)


def test_a_refresh_is_one_commit_that_holds_the_offset_of_its_end(tmp_path):
    writer = open_writer(tmp_path, SPEC)
    before = writer.version
    writer.write(_refresh(0, 1, "a", "b"))
    assert (writer.version - before, writer.offsets) == (1, {0: 3})
    assert delta(tmp_path, SPEC).transaction_version("baseline/0") == 3
    assert open_writer(tmp_path, SPEC).offsets == {0: 3}


def test_the_expectations_of_each_refresh_are_counted(tmp_path):
    writer = open_writer(tmp_path, SPEC)
    writer.write([_row(0, 1, "a", failed=encode_failed(["known"])), _row(1, 1, "b"), _end(2, 1, 2)])
    note = writer.write(_refresh(3, 2, "a"))
    assert (note.totals.rows, note.totals.expectations) == (3, {"known": Tally(passed=2, failed=1)})


def test_rows_whose_refresh_has_not_ended_wait():
    rows = _refresh(0, 1, "a", "b")[:-1]
    assert last_whole(rows) == ([], rows)


def test_of_several_refreshes_the_last_whole_one_stands():
    first, second, third = _refresh(0, 1, "a"), _refresh(2, 2, "b"), _refresh(4, 3, "c")[:-1]
    assert last_whole([*first, *second, *third]) == (second, third)


def test_rows_of_a_refresh_that_was_never_ended_are_left_out():
    never_ended = [_row(0, 1, "a", epoch=6), _row(1, 2, "b")]
    whole = _refresh(2, 3, "c")
    assert last_whole([*never_ended, *whole]) == (whole, [])


def test_a_refresh_that_lacks_rows_changes_nothing():
    whole, lacking = _refresh(0, 1, "a"), _refresh(2, 2, "b", "c")[1:]
    assert last_whole(lacking) == ([], [])
    assert last_whole([*whole, *lacking]) == (whole, [])


def test_headers_that_cannot_be_read_belong_to_no_refresh():
    odd = [record(0, {"machine": "a"}, refresh=b"x"), record(1, b"", marker=b"{")]
    whole = _refresh(2, 1, "b")
    assert last_whole([*odd, *whole]) == (whole, [])


@given(st.lists(st.integers(0, 3), max_size=5), st.data())
def test_however_records_are_cut_the_table_ends_as_the_last_refresh(sizes, data):
    records, offset = [], 0
    for refresh, size in enumerate(sizes):
        records += _refresh(offset, refresh, *"abc"[:size])
        offset += size + 1
    last, unended = [], []
    while records:
        cut = data.draw(st.integers(1, len(records)))
        whole, unended = last_whole([*unended, *records[:cut]])
        last, records = whole or last, records[cut:]
    assert [record.offset for record in last] == list(range(offset - len(last), offset))
    assert unended == []
