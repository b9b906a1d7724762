"""Delta tables as their specs declare them."""

from __future__ import annotations

import pytest
from deltalake import CommitProperties

from pitlake.errors import LakeError
from pitlake.lake.creation import evolve, open_table
from pitlake.lake.spec import Column
from tests.support.writing import append_spec, cdc_spec, delta, upsert_spec

WIDE = append_spec(
    comment="what it is",
    columns=(
        Column(name="landing_id", type="STRING", nullable=False, comment="where it landed"),
        Column(name="batch_index", type="INT", nullable=False),
        Column(name="tags", type="MAP<STRING,STRING>"),
        Column(name="list", type="ARRAY<STRUCT<at: TIMESTAMP, day: DATE>>"),
        Column(name="day", type="DATE"),
        Column(name="site", type="STRING"),
    ),
)


def _create(lake, spec):
    return open_table(str(lake), spec, CommitProperties())


def _evolve(lake, spec):
    table = _create(lake, spec)
    evolve(table, spec, CommitProperties)
    return table


def test_a_table_may_lie_outside_of_the_lake(tmp_path):
    elsewhere = tmp_path / "elsewhere" / "archive"
    assert _create(tmp_path / "lake", append_spec(location=str(elsewhere))).version() == 0
    assert (elsewhere / "_delta_log").is_dir()
    assert not (tmp_path / "lake").exists()


def _changed(index, **changes):
    columns = list(WIDE.columns)
    columns[index] = columns[index].model_copy(update=changes)
    return WIDE.model_copy(update={"columns": tuple(columns)})


def test_a_table_has_the_declared_columns(tmp_path):
    fields = {field.name: field for field in _create(tmp_path, WIDE).schema().fields}
    assert list(fields) == [column.name for column in WIDE.columns]
    assert (fields["landing_id"].nullable, fields["landing_id"].metadata) == (False, {"comment": "where it landed"})
    assert fields["tags"].nullable


def test_a_table_has_its_comment_and_keeps_its_log_short(tmp_path):
    metadata = _create(tmp_path, WIDE).metadata()
    assert metadata.description == "what it is"
    assert metadata.configuration["delta.logRetentionDuration"] == "interval 2 minutes"
    assert metadata.configuration["pitlake.mode"] == "append"


def test_a_table_is_partitioned_as_declared(tmp_path):
    assert _create(tmp_path, WIDE.model_copy(update={"partition_by": ("site",)})).metadata().partition_columns == ["site"]


def test_else_by_the_dates_it_is_clustered_by(tmp_path):
    assert _create(tmp_path, WIDE.model_copy(update={"cluster_by": ("site", "day")})).metadata().partition_columns == ["day"]


def test_an_existing_table_is_opened(tmp_path):
    _create(tmp_path, WIDE)
    assert _create(tmp_path, WIDE).version() == 0


def test_an_unchanged_spec_makes_no_commit(tmp_path):
    _evolve(tmp_path, WIDE)
    assert _evolve(tmp_path, WIDE).version() == 0


def test_a_new_nullable_column_is_added(tmp_path):
    _create(tmp_path, WIDE)
    _evolve(tmp_path, WIDE.model_copy(update={"columns": (*WIDE.columns, Column(name="more", type="ARRAY<INT>", comment="new"))}))
    added = delta(tmp_path, WIDE).schema().fields[-1]
    assert (added.name, added.metadata) == ("more", {"comment": "new"})


def test_a_column_may_become_nullable(tmp_path):
    _create(tmp_path, WIDE)
    assert _evolve(tmp_path, _changed(1, nullable=True)).schema().fields[1].nullable


def test_comments_may_change(tmp_path):
    _create(tmp_path, WIDE)
    table = _evolve(tmp_path, _changed(0, comment="new").model_copy(update={"comment": "also new"}))
    assert (table.schema().fields[0].metadata, table.metadata().description) == ({"comment": "new"}, "also new")


def test_properties_are_set_at_creation_and_later(tmp_path):
    compacted = WIDE.model_copy(update={"properties": {"delta.autoOptimize.autoCompact": "true"}})
    assert _create(tmp_path / "new", compacted).metadata().configuration.items() >= compacted.properties.items()
    _create(tmp_path / "old", WIDE)
    table = _evolve(tmp_path / "old", compacted)
    assert (table.metadata().configuration["delta.autoOptimize.autoCompact"], table.version()) == ("true", 1)
    assert _evolve(tmp_path / "old", compacted).version() == 1


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (WIDE.model_copy(update={"mode": cdc_spec().mode, "sequence": ("batch_index",)}), "is written by append"),
        (WIDE.model_copy(update={"keys": ("landing_id",)}), "is written by append with keys"),
        (WIDE.model_copy(update={"partition_by": ("day",)}), "is partitioned by"),
        (_changed(5, type="INT"), "has site as"),
        (_changed(5, nullable=False), "may hold NULL in site"),
        (WIDE.model_copy(update={"columns": WIDE.columns[:-1]}), "has a column site that is no longer declared"),
        (WIDE.model_copy(update={"columns": (*WIDE.columns, Column(name="more", type="INT", nullable=False))}), "lacks more"),
    ],
)
def test_a_change_that_would_need_the_rows_written_anew_is_refused(changed, what, tmp_path):
    _create(tmp_path, WIDE)
    with pytest.raises(LakeError, match=what) as refused:
        _evolve(tmp_path, changed)
    assert "Move the folder c/s/silver out of the lake" in refused.value.do
    assert delta(tmp_path, WIDE).version() == 0


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        (append_spec(keys=("nowhere",)), "nowhere"),
        (append_spec(event_time="batch_index"), "measures time by batch_index"),
        (append_spec(partition_by=("value",)), "is partitioned by value"),
        (upsert_spec(keys=()), "has no keys"),
        (cdc_spec(sequence=()), "has no sequence"),
        (append_spec(columns=(Column(name="landing_id", type="TEXTUAL"),), keys=("landing_id",)), "no column type"),
        (append_spec(name="silver"), "no full table name|not a full table name"),
    ],
)
def test_a_spec_that_contradicts_itself_is_refused(spec, what, tmp_path):
    with pytest.raises(LakeError, match=what):
        _create(tmp_path, spec)
