"""Which tables a lake has: its directories are its catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.fs as pafs

from pitlake.errors import LakeError
from pitlake.lake.names import TableName

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOG = "_delta_log"
_DEPTH = 3  # catalog/schema/table


def list_tables(lake: str) -> list[TableName]:
    """Every Delta table below `lake`, a directory or an object-store URL, sorted; none if there is no lake yet."""
    filesystem, root = _filesystem(lake)
    paths: list[tuple[str, ...]] = [()]
    for _ in range(_DEPTH):
        paths = [(*path, name) for path in paths for name in _directories(filesystem, "/".join((root, *path)))]
    return sorted(_tables(filesystem, root, paths))


def _filesystem(lake: str) -> tuple[pafs.FileSystem, str]:
    if "://" not in lake:
        return pafs.LocalFileSystem(), lake.rstrip("/")
    filesystem, root = pafs.FileSystem.from_uri(lake)
    return filesystem, root.rstrip("/")


def _directories(filesystem: pafs.FileSystem, path: str) -> list[str]:
    entries = filesystem.get_file_info(pafs.FileSelector(path, allow_not_found=True))
    return [entry.base_name for entry in entries if entry.type == pafs.FileType.Directory]


def _tables(filesystem: pafs.FileSystem, root: str, paths: list[tuple[str, ...]]) -> Iterator[TableName]:
    logs = filesystem.get_file_info(["/".join((root, *path, _LOG)) for path in paths])
    for path, log in zip(paths, logs, strict=True):
        if log.type == pafs.FileType.Directory:
            try:
                yield TableName(*path)
            except LakeError:
                continue  # a Delta table that no SQL name can reach
