"""What all tests share: one small Spark session."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from pitlake.local.jars import fetch_jars

pytest_plugins = ["tests.support.broker", "tests.support.sharing"]


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """A local session in UTC, without a web page, whose Python workers run in this virtual environment."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.master("local[8]")  # threads: a streaming query in real time holds some for as long as it runs
        .appName("pitlake-tests")
        .config("spark.driver.extraClassPath", os.pathsep.join(str(jar) for jar in fetch_jars().spark))
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        .config("spark.python.sql.dataFrameDebugging.enabled", "false")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.mapKeyDedupPolicy", "LAST_WIN")
        # A handful of rows is interpreted in less time than it takes to compile code for them.
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
