"""The registry keeps definitions in order, and belongs to the file that is being loaded."""

from __future__ import annotations

import pytest

from pitlake.errors import DefinitionError
from pitlake.pipelines import api
from pitlake.pipelines.definitions import Dataset, DatasetKind, Flow, Location
from pitlake.pipelines.registry import Registry, collecting, current_registry


def _query(): ...


def _dataset(name: str, line: int = 1) -> Dataset:
    return Dataset(name, DatasetKind.TABLE, Location("p.py", line))


def test_definitions_are_kept_in_their_order():
    registry = Registry()
    for name in ("b", "a"):
        registry.add_dataset(_dataset(name))
        registry.add_flow(Flow(name, name, _query, Location("p.py", 1)))
    pipeline = registry.pipeline()
    assert list(pipeline.datasets) == ["b", "a"]
    assert [flow.name for flow in pipeline.flows] == ["b", "a"]


def test_a_name_is_taken_once():
    registry = Registry()
    registry.add_dataset(_dataset("a", line=3))
    with pytest.raises(DefinitionError, match=r"p\.py:9: a is defined twice, first at p\.py:3"):
        registry.add_dataset(_dataset("a", line=9))


def test_expectations_without_a_dataset_are_refused_where_they_stand(refused):
    error = refused("@dp.table\ndef f(): ...\n@dp.expect('a', 'x > 0')  # here\ndef g(): ...")
    assert "g has expectations and defines no dataset" in error.what


def test_expectations_of_an_append_flow_belong_to_its_target(refused):
    flow = "@dp.expect('a', 'x > 0')  # here\n@dp.append_flow(target='t')\ndef f(): ..."
    assert "belong to its target" in refused(f"dp.create_streaming_table('t')\n{flow}").do


def test_one_function_may_define_two_datasets(loaded):
    pipeline = loaded("@dp.table(name='a')\n@dp.table(name='b')\n@dp.expect('e', 'x > 0')\ndef f(): ...")
    assert {name: len(dataset.expectations) for name, dataset in pipeline.datasets.items()} == {"a": 1, "b": 1}


def test_definitions_go_to_the_registry_that_collects():
    with collecting(Registry()) as registry:
        assert current_registry() is registry


def test_a_definition_outside_a_pipeline_is_refused_at_its_line():
    with pytest.raises(DefinitionError, match="outside a running pipeline") as caught:
        api.create_streaming_table("t")
    assert caught.value.file == __file__
    assert "pitlake run" in caught.value.do


def test_a_collection_ends_with_its_block():
    with collecting(Registry()):
        pass
    with pytest.raises(DefinitionError):
        current_registry()
