"""Durations on a command line."""

from __future__ import annotations

import pytest
import typer

from pitlake.cli.durations import seconds


@pytest.mark.parametrize(
    ("text", "length"), [("90s", 90), ("2m", 120), ("1h", 3600), ("1d", 86400), ("1.5m", 90), ("0s", 0), (" 2m ", 120)]
)
def test_a_duration_is_a_number_with_a_unit(text, length):
    assert seconds(text) == length


@pytest.mark.parametrize("text", ["", "90", "s", "-1s", "1 m", "2 minutes", "1m30s", "1e3s", "2M", "m1"])
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(typer.BadParameter, match="write it as 90s, 2m or 1h"):
        seconds(text)
