"""What becomes of a table's properties."""

from __future__ import annotations

import pytest

from pitlake.engine.properties import delta_properties, left_out


def test_the_table_has_the_properties_that_the_writer_keeps_to():
    properties = {"delta.autoOptimize.autoCompact": "true", "delta.enableChangeDataFeed": "true", "quality": "gold"}
    assert delta_properties(properties) == {"delta.autoOptimize.autoCompact": "true"}


@pytest.mark.parametrize(
    ("name", "value", "out"),
    [
        ("delta.enableChangeDataFeed", "true", True),
        ("delta.enableChangeDataFeed", "false", False),
        ("delta.logRetentionDuration", "interval 30 days", True),
        ("delta.autoOptimize.autoCompact", "true", False),
        ("delta.autoOptimize.autoCompact", "false", True),
        ("pitlake.retention", "30 days", False),
        ("quality", "gold", False),
    ],
)
def test_what_the_writer_does_not_keep_to_is_left_out(name, value, out):
    assert left_out({name: value}) == ((name,) if out else ())
