"""Which tables there are to ask about."""

from __future__ import annotations

from pitlake.cli.settings import Settings
from pitlake.errors import LakeError
from pitlake.lake.catalog import list_tables
from pitlake.lake.names import TableName


def present_tables(settings: Settings) -> list[TableName]:
    """The tables of the lake. Raises LakeError when it holds none."""
    tables = list_tables(settings.lake_url)
    if not tables:
        raise LakeError(
            f"The lake {settings.lake_url} holds no tables yet.",
            do="Start a pipeline (`pitlake demo` has one), or name the home whose lake you mean with --home.",
        )
    return tables
