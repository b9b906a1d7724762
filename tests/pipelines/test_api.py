"""The decorators and functions of a pipeline file: what they define, and what they refuse."""

from __future__ import annotations

import pytest
from pyspark.sql.types import LongType, StructField, StructType

from pitlake.pipelines import api
from pitlake.pipelines.definitions import Action, DatasetKind, Expectation


def test_a_decorated_function_defines_a_table_and_the_flow_that_fills_it(loaded):
    pipeline = loaded("@dp.table\ndef readings(): ...")
    assert pipeline.datasets["readings"].kind is DatasetKind.TABLE
    assert [(flow.name, flow.target) for flow in pipeline.flows] == [("readings", "readings")]


def test_a_decorator_may_be_called_without_arguments(dataset):
    assert dataset("@dp.table()\ndef readings(): ...").name == "readings"


def test_name_wins_over_the_functions(dataset):
    assert dataset("@dp.table(name='readings')\ndef f(): ...").name == "readings"


@pytest.mark.parametrize("name", ["mine.site.readings", "site.readings", "LIVE.readings", "`mine`.`site`.`readings`"])
def test_a_dataset_has_its_bare_name(loaded, name):
    assert list(loaded(f"@dp.table(name='{name}')\ndef f(): ...").datasets) == ["readings"]


def test_a_flow_has_its_tables_bare_name(loaded):
    assert loaded("@dp.table(name='mine.site.readings')\ndef f(): ...").flows[0].name == "readings"


def test_a_definition_stands_where_its_first_decorator_does(dataset):
    assert dataset("\n@dp.table\n@dp.expect('a', 'a > 0')\ndef f(): ...").location.line == 4


def test_a_wrapped_function_stands_where_it_was_written(dataset, tmp_path):
    wrapping = (
        "import functools\n\n\n\ndef wrapped(f):\n    @functools.wraps(f)\n    def g():\n        return f()\n    return g\n"
    )
    (tmp_path / "wrapping.py").write_text(wrapping)
    location = dataset("from wrapping import wrapped\n@dp.table\n@wrapped\ndef f(): ...").location
    assert (location.file, location.line) == (str(tmp_path / "pipeline.py"), 4)


def test_the_details_of_a_table_are_kept(dataset):
    defined = dataset(
        """
        @dp.table(
            comment="c", schema="a INT", spark_conf={"k": "1"}, table_properties={"quality": "gold", "n": 1}, cluster_by=["a"]
        )
        def f(): ...
        """
    )
    assert (defined.comment, defined.schema, defined.cluster_by) == ("c", "a INT", ("a",))
    assert (defined.spark_conf, defined.table_properties) == ({"k": "1"}, {"quality": "gold", "n": "1"})


def test_a_schema_may_be_a_struct_type(dataset):
    imports = "from pyspark.sql.types import LongType, StructField, StructType\n"
    defined = dataset(imports + "@dp.table(schema=StructType([StructField('a', LongType())]))\ndef f(): ...")
    assert defined.schema == StructType([StructField("a", LongType())])


def test_partition_columns_are_kept(dataset):
    assert dataset("@dp.table(partition_cols=['day'])\ndef f(): ...").partition_cols == ("day",)


def test_partitions_and_clusters_exclude_each_other(refused):
    error = refused("@dp.table(partition_cols=['a'], cluster_by=['b'])  # here\ndef f(): ...")
    assert "partition_cols and cluster_by" in error.what


@pytest.mark.parametrize("argument", ["cluster_by_auto=True", "private=True", "temporary=True"])
def test_what_has_no_meaning_here_has_no_effect(dataset, argument):
    assert dataset(f"@dp.table({argument})\ndef f(): ...") == dataset("@dp.table()\ndef f(): ...")


@pytest.mark.parametrize("argument", ["path", "row_filter"])
@pytest.mark.parametrize("decorator", ["table", "materialized_view"])
def test_what_cannot_be_honoured_is_refused(refused, decorator, argument):
    error = refused(f"@dp.{decorator}({argument}='x')  # here\ndef f(): ...")
    assert f"{decorator} does not support {argument} here" in error.what
    assert f"Leave {argument} out" in error.do


@pytest.mark.parametrize(
    ("call", "near"),
    [
        ("@dp.table(comments='x')", "comment"),
        ("@dp.materialized_view(nam='x')", "name"),
        ("@dp.temporary_view(coment='x')", "comment"),
        ("@dp.append_flow(target='x', nmae='y')", "name"),
    ],
)
def test_an_unknown_argument_is_refused_with_the_nearest_known_one(refused, call, near):
    error = refused(f"{call}  # here\ndef f(): ...")
    assert "has no argument" in error.what
    assert error.do == f"Did you mean {near}?"


def test_an_unknown_argument_of_a_function_is_refused_with_the_nearest_known_one(refused):
    assert refused("dp.create_streaming_table('t', expects_all={})  # here").do == "Did you mean expect_all?"


def test_an_unknown_argument_near_to_none_is_answered_with_all_of_them(refused):
    assert refused("@dp.temporary_view(zzz=1)  # here\ndef f(): ...").do == "The known arguments are comment, name, spark_conf."


def test_what_is_no_function_cannot_be_decorated(refused):
    assert "'readings' is no function" in refused("@dp.table('readings')  # here\ndef f(): ...").what


def test_a_materialized_view_is_one(dataset):
    defined = dataset("@dp.materialized_view(refresh_policy='auto')\ndef f(): ...")
    assert defined.kind is DatasetKind.MATERIALIZED_VIEW


@pytest.mark.parametrize("name", ["temporary_view", "view"])
def test_a_temporary_view_has_two_names(dataset, name):
    assert dataset(f"@dp.{name}(comment='c', spark_conf={{}})\ndef f(): ...").kind is DatasetKind.TEMPORARY_VIEW


def test_a_streaming_table_takes_expectations_as_arguments(dataset):
    defined = dataset(
        """
        dp.create_streaming_table(
            "t", expect_all={"a": "x > 0"}, expect_all_or_drop={"b": "y > 0"}, expect_all_or_fail={"c": "z > 0"}
        )
        @dp.append_flow(target="t")
        def f(): ...
        """
    )
    assert defined.kind is DatasetKind.STREAMING_TABLE
    assert [(e.name, e.action) for e in defined.expectations] == [("a", Action.WARN), ("b", Action.DROP), ("c", Action.FAIL)]


@pytest.mark.parametrize("argument", ["path", "row_filter"])
def test_a_streaming_table_refuses_what_a_table_does(refused, argument):
    assert argument in refused(f"dp.create_streaming_table('t', {argument}='x')  # here").what


def test_several_append_flows_may_have_one_target(loaded):
    pipeline = loaded(
        """
        dp.create_streaming_table("t")
        @dp.append_flow(target="mine.site.t")
        def north(): ...
        @dp.append_flow(target="t", name="south", spark_conf={"k": "v"}, comment="c")
        def f(): ...
        """
    )
    north, south = pipeline.flows
    assert [(flow.name, flow.target) for flow in (north, south)] == [("north", "t"), ("south", "t")]
    assert (south.spark_conf, south.comment) == ({"k": "v"}, "c")


@pytest.mark.parametrize("argument", ["once=True", "depends_on='x'", "import_checkpoint='x'"])
def test_an_append_flow_refuses_what_it_cannot_honour(refused, argument):
    assert argument.split("=")[0] in refused(f"@dp.append_flow(target='t', {argument})  # here\ndef f(): ...").what


def test_an_append_flow_that_is_said_to_run_more_than_once_does(loaded):
    assert loaded("dp.create_streaming_table('t')\n@dp.append_flow(target='t', once=False)\ndef f(): ...").flows


@pytest.mark.parametrize("order", ["@dp.table\n{0}", "{0}\n@dp.table"])
@pytest.mark.parametrize(
    ("decorator", "action"), [("expect", Action.WARN), ("expect_or_drop", Action.DROP), ("expect_or_fail", Action.FAIL)]
)
def test_an_expectation_stands_above_or_below_the_table(dataset, order, decorator, action):
    defined = dataset(order.format(f"@dp.{decorator}('known', 'a IS NOT NULL')") + "\ndef f(): ...")
    assert defined.expectations == (Expectation("known", "a IS NOT NULL", action),)


@pytest.mark.parametrize(
    ("decorator", "action"),
    [("expect_all", Action.WARN), ("expect_all_or_drop", Action.DROP), ("expect_all_or_fail", Action.FAIL)],
)
def test_several_expectations_are_given_as_a_dictionary(dataset, decorator, action):
    defined = dataset(f"@dp.table\n@dp.{decorator}({{'a': 'x > 0', 'b': 'y > 0'}})\ndef f(): ...")
    assert defined.expectations == (Expectation("a", "x > 0", action), Expectation("b", "y > 0", action))


def test_expectations_are_in_the_order_of_the_file(dataset):
    defined = dataset(
        """
        @dp.expect("a", "x > 0")
        @dp.table
        @dp.expect_all({"b": "x > 0", "c": "x > 0"})
        @dp.expect_or_drop("d", "x > 0")
        def f(): ...
        """
    )
    assert [e.name for e in defined.expectations] == ["a", "b", "c", "d"]


def test_an_expectations_arguments_have_databricks_names(dataset):
    assert dataset("@dp.table\n@dp.expect(description='a', constraint='x > 0')\ndef f(): ...").expectations[0].name == "a"


def test_a_condition_that_is_no_sql_is_refused_where_it_stands(refused):
    assert "the expectation a is no SQL condition" in refused("@dp.table\n@dp.expect('a', 'x >')  # here\ndef f(): ...").what


def test_a_condition_that_is_no_text_is_refused(refused):
    assert "bool is no text" in refused("@dp.table\n@dp.expect('a', True)  # here\ndef f(): ...").what


def test_keys_and_sequence_may_be_strings(cdc_flow):
    flow = cdc_flow("keys=['a', 'b'], sequence_by='at'")
    assert (flow.keys, flow.sequence_by) == (("a", "b"), ("at",))


def test_keys_and_sequence_may_be_columns(spark, cdc_flow):
    flow = cdc_flow("keys=[F.col('a'), 'b'], sequence_by=F.col('at')")
    assert (flow.keys, flow.sequence_by) == (("a", "b"), ("at",))


@pytest.mark.parametrize("struct", ["F.struct('at', F.col('id'))", "F.expr('struct(at, id)')"])
def test_a_sequence_of_several_columns_is_a_struct(spark, cdc_flow, struct):
    assert cdc_flow(f"keys=['a'], sequence_by={struct}").sequence_by == ("at", "id")


@pytest.mark.parametrize("expression", ["F.upper('a')", "'a.b'", "F.struct(F.upper('a'), 'b')"])
def test_a_key_that_is_an_expression_is_refused(spark, refused, expression):
    call = f"dp.create_auto_cdc_flow(target='t', source='v', keys=[{expression}], sequence_by='at')  # here"
    assert "which is no plain column" in refused(f"dp.create_streaming_table('t')\n{call}").what


def test_deletes_may_be_text(cdc_flow):
    assert cdc_flow("keys=['a'], sequence_by='at', apply_as_deletes=\"op = 'D'\"").delete_when == "op = 'D'"


def test_deletes_may_be_a_column(spark, cdc_flow):
    flow = cdc_flow("keys=['a'], sequence_by='at', apply_as_deletes=F.col('op') == 'D'")
    rows = spark.createDataFrame([("D",), ("U",)], "op string")
    assert [row.op for row in rows.where(flow.delete_when).collect()] == ["D"]


def test_deletes_that_are_no_sql_are_refused(refused):
    call = "dp.create_auto_cdc_flow(target='t', source='v', keys=['a'], sequence_by='at', apply_as_deletes='op =')  # here"
    assert "apply_as_deletes of t is no SQL condition" in refused(f"dp.create_streaming_table('t')\n{call}").what


def test_a_cdc_flow_has_its_targets_name(cdc_flow):
    assert cdc_flow("keys=['a'], sequence_by='at'").name == "t"


def test_a_cdc_flow_may_be_named(cdc_flow):
    assert cdc_flow("keys=['a'], sequence_by='at', name='changes'").name == "changes"


def test_columns_may_be_listed(cdc_flow):
    assert cdc_flow("keys=['a'], sequence_by='at', column_list=['a', 'at']").columns == ("a", "at")


def test_columns_may_be_left_out(cdc_flow):
    assert cdc_flow("keys=['a'], sequence_by='at', except_column_list=['op']").except_columns == ("op",)


@pytest.mark.parametrize("scd", ["1", "'1'"])
def test_the_scd_type_is_a_number_or_its_text(cdc_flow, scd):
    assert cdc_flow(f"keys=['a'], sequence_by='at', stored_as_scd_type={scd}")


@pytest.mark.parametrize("scd", ["2", "'bitemporal'"])
def test_histories_are_refused(refused, scd):
    call = f"dp.create_auto_cdc_flow('t', 'v', ['a'], 'at', stored_as_scd_type={scd})  # here"
    assert "is not supported" in refused(call).what


@pytest.mark.parametrize(
    "argument",
    [
        "apply_as_truncates='x'",
        "columns_to_update='x'",
        "ignore_null_updates=True",
        "ignore_null_updates_column_list=['x']",
        "ignore_null_updates_except_column_list=['x']",
        "once=True",
        "system_sequence_by='x'",
        "track_history_column_list=['x']",
        "track_history_except_column_list=['x']",
    ],
)
def test_what_a_cdc_flow_cannot_honour_is_refused(refused, argument):
    error = refused(f"dp.create_auto_cdc_flow('t', 'v', ['a'], 'at', {argument})  # here")
    assert f"does not support {argument.split('=')[0]} here" in error.what


def test_a_refused_argument_may_be_a_column(spark, refused):
    error = refused("dp.create_auto_cdc_flow('t', 'v', ['a'], 'at', apply_as_truncates=F.expr('x'))  # here")
    assert "does not support apply_as_truncates here" in error.what


def test_arguments_at_their_defaults_are_no_request(cdc_flow):
    defaults = "ignore_null_updates=False, once=False, apply_as_truncates=None, track_history_column_list=None"
    assert cdc_flow(f"keys=['a'], sequence_by='at', {defaults}")


def test_an_unknown_argument_of_a_cdc_flow_is_refused_with_the_nearest_known_one(refused):
    error = refused("dp.create_auto_cdc_flow('t', 'v', ['a'], 'at', sequenced_by=None)  # here")
    assert error.do == "Did you mean sequence_by?"


def test_what_follows_the_sequence_is_given_by_name(refused):
    assert "TypeError" in refused("dp.create_auto_cdc_flow('t', 'v', ['a'], 'at', False)  # here").what


def test_the_older_name_of_a_cdc_flow_takes_the_older_name_of_its_name(loaded):
    call = "dlt.apply_changes('t', 'v', ['a'], 'at', flow_name='changes')"
    assert loaded(f"import dlt\ndlt.create_streaming_table('t')\n{call}").flows[0].name == "changes"


@pytest.mark.parametrize("call", ["read('x')", "read_stream('x')", "readStream('x')"])
def test_the_older_forms_of_reading_do_not_read_while_the_file_is_executed(refused, call):
    assert "while the pipeline is being defined" in refused(f"import dlt\ndlt.{call}  # here").what


def test_a_misspelt_decorator_is_answered_with_the_nearest():
    with pytest.raises(AttributeError, match=r"there is no tabel in the pipeline language\. Did you mean table\?"):
        _ = api.tabel
