"""Hot rows and MERGE make the same table, whatever comes and whenever the writer starts anew."""

from __future__ import annotations

import pyarrow as pa
import pytest
from deltalake.exceptions import CommitFailedError
from hypothesis import given, settings
from hypothesis import strategies as st

from pitlake.lake.commits import commits
from pitlake.lake.spec import Column
from pitlake.lake.upkeep import COMPACT_EVERY, COOLING
from pitlake.lake.writer import hot
from pitlake.streams.envelope import DELETE
from tests.support.writing import Clock, cdc_spec, delta, open_writer, reading, record, status, stored, upsert_spec

DAILY = upsert_spec(
    columns=(*upsert_spec().columns, Column(name="day", type="STRING")),
    cluster_by=("machine",),
    partition_by=("day",),
)


def _merged(monkeypatch):
    """From here on nothing is hot."""
    monkeypatch.setattr(hot, "MOST_ROWS", -1)


def _operations(lake, spec):
    return [entry["operation"] for entry in delta(lake, spec).history()]


def _daily(machine, count, minute):
    return {**reading(machine, count, minute=minute), "day": f"d %/{minute % 2}"}


_upserts = st.lists(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", None]), st.one_of(st.none(), st.integers(1, 5)), st.integers(-3, 3)),
        min_size=1,
        max_size=5,
    ),
    min_size=1,
    max_size=4,
)
_pauses = st.lists(st.sampled_from(["", "restart", "upkeep"]), min_size=4, max_size=4)


def _play(lake, spec, batches, pauses):
    clock, offset = Clock(), 0
    writer = open_writer(lake, spec, clock=clock)
    for batch, pause in zip(batches, pauses, strict=False):
        for number, each in enumerate(batch):
            each.update(offset=offset + number)
        writer.write([record(each["offset"], each["row"], **each["headers"]) for each in batch])
        offset += len(batch)
        clock.forward(seconds=COMPACT_EVERY.total_seconds() + COOLING.total_seconds())
        if pause == "upkeep":
            writer.maintain()
        if pause == "restart":
            writer = open_writer(lake, spec, clock=clock)
    return stored(lake, spec)


def _same_either_way(spec, batches, pauses, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        by_hot = _play(tmp_path_factory.mktemp("hot"), spec, batches, pauses)
        _merged(patch)
        by_merge = _play(tmp_path_factory.mktemp("merge"), spec, batches, pauses)
    assert by_hot == by_merge


@pytest.mark.parametrize("spec", [upsert_spec(), upsert_spec(window=None), upsert_spec(count=None), DAILY])
@settings(max_examples=4, deadline=None)
@given(batches=_upserts, pauses=_pauses)
def test_upserts_are_the_same_either_way(batches, pauses, spec, tmp_path_factory):
    row = _daily if spec is DAILY else lambda machine, count, minute: reading(machine, count, minute=minute)
    rows = [[{"row": row(*each), "headers": {}} for each in batch] for batch in batches]
    _same_either_way(spec, rows, pauses, tmp_path_factory)


@settings(max_examples=8, deadline=None)
@given(
    batches=st.lists(
        st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 4), st.booleans()), min_size=1, max_size=5),
        min_size=1,
        max_size=4,
    ),
    pauses=_pauses,
)
def test_changes_are_the_same_either_way(batches, pauses, tmp_path_factory):
    def event(machine, second, delete):
        return {"row": status(machine, second), "headers": {"op": DELETE} if delete else {}}

    _same_either_way(cdc_spec(), [[event(*each) for each in batch] for batch in batches], pauses, tmp_path_factory)


def test_rows_of_open_windows_need_no_merge(tmp_path):
    writer = open_writer(tmp_path, upsert_spec())
    for offset in range(5):
        writer.write([record(offset, reading("a", offset))])
    assert "MERGE" not in _operations(tmp_path, upsert_spec())
    assert delta(tmp_path, upsert_spec()).to_pyarrow_table().num_rows == 1


def test_a_late_row_is_merged_and_its_window_hot_from_then_on(tmp_path):
    writer = open_writer(tmp_path, upsert_spec())
    writer.write([record(0, reading("a", 1)), record(1, reading("a", 1, minute=5))])
    writer = open_writer(tmp_path, upsert_spec())
    writer.write([record(2, reading("a", 2))])
    writer.write([record(3, reading("a", 3))])
    assert _operations(tmp_path, upsert_spec())[:2] == ["WRITE", "MERGE"]
    assert [row["readings"] for row in stored(tmp_path, upsert_spec())] == [3, 1]


def test_too_many_rows_are_left_to_merge(tmp_path, monkeypatch):
    monkeypatch.setattr(hot, "MOST_ROWS", 2)
    writer = open_writer(tmp_path, cdc_spec())
    writer.write([record(offset, status(f"m{offset}", 1)) for offset in range(3)])
    writer.write([record(3, status("m0", 2))])
    assert _operations(tmp_path, cdc_spec())[0] == "MERGE"
    assert len(stored(tmp_path, cdc_spec())) == 3


def test_somebody_elses_commit_is_no_basis(tmp_path):
    writer = open_writer(tmp_path, upsert_spec())
    writer.write([record(0, reading("a", 1))])
    delta(tmp_path, upsert_spec()).delete()
    with pytest.raises(CommitFailedError):
        writer.write([record(1, reading("a", 2))])
    assert stored(tmp_path, upsert_spec()) == []


def test_a_change_feed_adds_up_to_the_table(tmp_path):
    spec = upsert_spec()
    open_writer(tmp_path, spec)
    delta(tmp_path, spec).alter.set_table_properties({"delta.enableChangeDataFeed": "true"})
    writer = open_writer(tmp_path, spec)
    first = writer.version + 1
    for offset, row in enumerate(
        [reading("a", 1), reading("b", 1), reading("a", 2), reading("b", 0), reading("a", 9, minute=-60)]
    ):
        writer.write([record(offset, row)])
    feed = pa.table(delta(tmp_path, spec).load_cdf(starting_version=first).read_all()).to_pylist()
    standing = {}
    for change in sorted(feed, key=lambda each: (each["_commit_version"], "delete" not in each["_change_type"])):
        key = (change["window_start"], change["machine"])
        if change["_change_type"] in {"insert", "update_postimage"}:
            assert key not in standing or change["_change_type"] != "insert"
            standing[key] = change["readings"]
        elif change["_change_type"] == "delete":
            assert standing.pop(key) == change["readings"]
    assert standing == {(row["window_start"], row["machine"]): row["readings"] for row in stored(tmp_path, spec)}


def test_the_log_is_checkpointed_and_each_commit_is_noted(tmp_path):
    spec = upsert_spec()
    writer = open_writer(tmp_path, spec)
    for offset in range(101):
        writer.write([record(offset, reading("a", offset))])
        writer.maintain()
    assert (tmp_path / "c/s/gold/_delta_log" / f"{100:020}.checkpoint.parquet").exists()
    assert [commit.note.totals.rows for commit in commits(delta(tmp_path, spec), limit=2)] == [101, 100]
