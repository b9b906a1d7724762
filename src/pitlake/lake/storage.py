"""Where a table's files lie, as Arrow reads and writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.fs as pafs
from deltalake.fs import DeltaStorageHandler

if TYPE_CHECKING:
    from deltalake import DeltaTable


def filesystem(table: DeltaTable) -> pafs.FileSystem:
    """The file system whose root is the table; a directory is Arrow's own, so that no other thread waits while it is read."""
    if table.table_uri.startswith("file:"):
        local, root = pafs.FileSystem.from_uri(table.table_uri)
        return pafs.SubTreeFileSystem(root, local)
    return pafs.PyFileSystem(DeltaStorageHandler.from_table(table._table))  # noqa: SLF001 - the way deltalake itself makes datasets
