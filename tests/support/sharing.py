"""Which tests run in the same process when there are several: one has the Spark session, another the shared broker.

By path: the process that shares tests out knows nothing else of them. (pytest 9.2 hides the groups of xdist 3.8 from it.)
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

GROUPS = {
    # The mine of the end-to-end tests has a Spark of its own: two at once would take the processor from each other.
    "spark": (
        "tests/e2e/",
        "tests/engine/",
        "tests/lake/test_source.py",
        "tests/mining/databricks/",
        "tests/mining/test_ledger_against_silver.py",
        "tests/mining/test_pipeline.py",
        "tests/mining/transformations/",
        "tests/pipelines/",
    ),
    "broker": (
        "tests/cli/test_endpoint.py",
        "tests/cli/test_witness.py",
        "tests/ingest/",
        "tests/lake/writer/test_follower.py",
        "tests/lake/writer/test_process.py",
        "tests/local/test_broker.py",
        "tests/streams/",
    ),
}


class _Sharing(LoadScopeScheduling):
    """Gives a whole group to one worker; of what is in none, a file at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for group, paths in GROUPS.items() if nodeid.startswith(paths)), nodeid.split("::", 1)[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return _Sharing(config, log)
