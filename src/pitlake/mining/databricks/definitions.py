"""The mining pipeline's definitions, as the resources of the bundle are made from them."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

from pyspark.sql import functions as F

from pitlake.mining import dimensions
from pitlake.pipelines.definitions import Action, Dataset, DatasetKind, Pipeline
from pitlake.pipelines.loading import load

PIPELINE_FILE = Path(dimensions.__file__).with_name("pipeline.py")


def mining_pipeline(file: Path = PIPELINE_FILE) -> Pipeline:
    """What the pipeline file defines. Raises DefinitionError for what is wrong in it.

    While it is read, `struct` and `col` give names and not Spark columns, which need a JVM: definitions hold no more than that,
    and who deploys need not have Java.
    """
    with patch.multiple(F, struct=lambda *names: list(names), col=lambda name: name):
        return load([file])


def stored_tables(pipeline: Pipeline) -> dict[str, Dataset]:
    """The datasets that are stored, by name: all but the temporary views."""
    return {name: dataset for name, dataset in pipeline.datasets.items() if dataset.kind is not DatasetKind.TEMPORARY_VIEW}


def refusing_conditions(dataset: Dataset) -> dict[str, str]:
    """The conditions without which a row does not get into the table, by the names of their expectations."""
    return {each.name: each.condition for each in dataset.expectations if each.action is not Action.WARN}
