"""Definitions that cannot stand, each refused at its line with what to do."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("name", ["my table", "a/b", "", "ä", "-t"])
def test_a_tables_name_can_stand_in_a_path(refused, name):
    error = refused(f"dp.create_streaming_table('{name}')  # here\n")
    assert f"{name!r} cannot be a name" in error.what
    assert "letters, digits" in error.do


def test_a_function_without_a_name_needs_one(refused):
    assert "'<lambda>' cannot be a name" in refused("dp.table(lambda: None)  # here").what


def test_a_flows_name_can_stand_in_a_path(refused):
    flow = "@dp.append_flow(target='t', name='../x')  # here\ndef f(): ..."
    assert "'../x' cannot be a name" in refused(f"dp.create_streaming_table('t')\n{flow}").what


def test_two_datasets_with_one_name_are_refused_at_the_second(refused, tmp_path):
    error = refused("@dp.table\ndef a(): ...\n@dp.table(name='site.a')  # here\ndef b(): ...")
    assert f"a is defined twice, first at {tmp_path / 'pipeline.py'}:3" in error.what
    assert "another name" in error.do


def test_two_flows_with_one_name_are_refused_at_the_second(refused, tmp_path):
    error = refused(
        """\
        dp.create_streaming_table("t")
        @dp.append_flow(target="t")
        def f(): ...
        @dp.append_flow(target="t", name="f")  # here
        def g(): ...
        """
    )
    assert f"two flows are named f, the first at {tmp_path / 'pipeline.py'}:4" in error.what
    assert "checkpoint" in error.do


def test_an_unknown_target_is_refused_with_the_nearest_table(refused):
    error = refused("dp.create_streaming_table('readings')\n@dp.append_flow(target='reading')  # here\ndef f(): ...")
    assert "the flow f has the unknown target reading" in error.what
    assert error.do.startswith("Did you mean readings? Define it with")


@pytest.mark.parametrize("kind", ["temporary_view", "materialized_view"])
def test_no_flow_writes_a_view(refused, kind):
    error = refused(f"@dp.{kind}\ndef v(): ...\n@dp.append_flow(target='v')  # here\ndef f(): ...")
    assert "v is a view, which no flow can write" in error.what
    assert "streaming table" in error.do


def test_a_table_that_nobody_writes_is_refused(refused):
    error = refused("dp.create_streaming_table('t')  # here")
    assert "t has no flow that writes it" in error.what
    assert "target='t'" in error.do


def test_a_table_with_a_query_has_no_other_writer(refused):
    error = refused("@dp.table\ndef t(): ...\n@dp.append_flow(target='t')  # here\ndef f(): ...")
    assert "t has two writers, t and f" in error.what
    assert "create_streaming_table" in error.do


def test_a_cdc_flow_is_the_only_writer_of_its_target(refused):
    error = refused(
        """\
        dp.create_streaming_table("t")
        @dp.append_flow(target="t")
        def f(): ...
        dp.create_auto_cdc_flow("t", "v", ["a"], "at")  # here
        """
    )
    assert "t has two writers, f and t" in error.what


@pytest.mark.parametrize(("keys", "sequence", "lacks"), [([], "at", "keys"), (["a"], [], "sequence")])
def test_a_cdc_flow_has_keys_and_a_sequence(refused, keys, sequence, lacks):
    error = refused(f"dp.create_streaming_table('t')\ndp.create_auto_cdc_flow('t', 'v', {keys!r}, {sequence!r})  # here")
    assert f"the CDC flow t has no {lacks}" in error.what


def test_columns_are_listed_or_left_out_not_both(refused):
    call = "dp.create_auto_cdc_flow('t', 'v', ['a'], 'at', column_list=['a'], except_column_list=['b'])  # here"
    error = refused(f"dp.create_streaming_table('t')\n{call}")
    assert "column_list and except_column_list" in error.what
    assert error.do == "Keep one of the two."


def test_a_dataset_has_an_expectations_name_once(refused):
    error = refused("@dp.table  # here\n@dp.expect('a', 'x > 0')\n@dp.expect_or_drop('a', 'x > 1')\ndef f(): ...")
    assert "f has two expectations named a" in error.what


def test_two_datasets_may_have_expectations_of_one_name(loaded):
    definitions = [f"@dp.table\n@dp.expect('a', 'x > 0')\ndef {name}(): ...\n" for name in ("f", "g")]
    assert len(loaded("".join(definitions)).datasets) == 2
