"""What becomes of a table's properties: pitlake's are settings, Delta's are the table's where its writer keeps to them."""

from __future__ import annotations

from collections.abc import Mapping

REPLICAS = "pitlake.replicas"
PROPERTIES = frozenset(
    {
        "pitlake.commitInterval",
        "pitlake.eventTime",
        "pitlake.ingestionTime",
        REPLICAS,
        "pitlake.retention",
        "pitlake.retentionColumn",
    }
)
"""Those of pitlake."""

_DELTA = "delta."
_KEPT = frozenset({"delta.autoOptimize.autoCompact", "delta.autoOptimize.optimizeWrite"})
"""What the writer does for every table: it merges small files, and writes one file per partition and commit."""


def delta_properties(properties: Mapping[str, str]) -> dict[str, str]:
    """Delta's properties that the local table has too; the writer cannot be told to leave off what it does for every table."""
    return {name: value for name, value in properties.items() if name in _KEPT and value.lower() == "true"}


def left_out(properties: Mapping[str, str]) -> tuple[str, ...]:
    """Delta's properties that the local table does not get: they would promise readers what the writer does not do.

    A change feed, for one, would reach back as far as the log, which is minutes; what there is to follow is the table's topic.
    One that is switched off is not missed.
    """
    kept = delta_properties(properties)
    named = (name for name in sorted(properties) if name.startswith(_DELTA) and name not in kept)
    return tuple(name for name in named if name in _KEPT or properties[name].lower() != "false")
