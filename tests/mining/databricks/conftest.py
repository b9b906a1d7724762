from __future__ import annotations

from typing import Any

import pytest

from pitlake.mining.databricks.definitions import mining_pipeline
from pitlake.pipelines.definitions import Pipeline
from tests.mining.databricks.deployed import deployed


@pytest.fixture(scope="session")
def pipeline() -> Pipeline:
    """What the pipeline file defines."""
    return mining_pipeline()


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The bundle, ready to be deployed with every resource that it can have."""
    return deployed(tmp_path_factory.mktemp("bundle"), kafka_bootstrap_servers="kafka.test:9092")
