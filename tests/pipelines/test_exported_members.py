"""The public names of the language: what a pipeline file may import. Taking one away breaks someone's file."""

from __future__ import annotations

from pitlake.pipelines import api

MEMBERS = {
    "append_flow",
    "apply_changes",
    "create_auto_cdc_flow",
    "create_sink",
    "create_streaming_table",
    "expect",
    "expect_all",
    "expect_all_or_drop",
    "expect_all_or_fail",
    "expect_or_drop",
    "expect_or_fail",
    "materialized_view",
    "read",
    "readStream",
    "read_stream",
    "table",
    "temporary_view",
    "update_flow",
    "view",
}


def test_the_language_has_exactly_these_members():
    assert set(api.__all__) == MEMBERS


def test_every_member_says_what_it_is_for():
    assert all(getattr(api, name).__doc__ for name in MEMBERS)


def test_both_names_are_the_same_language(loaded):
    loaded("import dlt\nassert dlt is dp\n@dlt.table\ndef f(): ...")


def test_members_are_imported_by_star_from_both_names(loaded):
    for name in ("dlt", "pyspark.pipelines"):
        uses = "".join(f"assert {member}\n" for member in sorted(MEMBERS))
        assert loaded(f"from {name} import *\n{uses}@table\ndef f(): ...").datasets


def test_the_module_is_imported_as_a_module(loaded):
    assert loaded("import pyspark.pipelines\n@pyspark.pipelines.table\ndef f(): ...").datasets
