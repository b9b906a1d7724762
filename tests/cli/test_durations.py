"""Durations on a command line and in a table."""

from __future__ import annotations

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from pitlake.cli.durations import brief, seconds


@pytest.mark.parametrize(
    ("text", "length"), [("90s", 90), ("2m", 120), ("1h", 3600), ("1d", 86400), ("1.5m", 90), ("0s", 0), (" 2m ", 120)]
)
def test_a_duration_is_a_number_with_a_unit(text, length):
    assert seconds(text) == length


@pytest.mark.parametrize("text", ["", "90", "s", "-1s", "1 m", "2 minutes", "1m30s", "1e3s", "2M", "m1"])
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(typer.BadParameter, match="write it as 90s, 2m or 1h"):
        seconds(text)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (None, "-"),
        (-3.0, "0 ms"),
        (0.0, "0 ms"),
        (0.0341, "34 ms"),
        (0.9996, "1.0 s"),
        (29.44, "29.4 s"),
        (99.96, "2 min"),
        (1487.6, "25 min"),
        (99.5 * 60, "1.7 h"),
        (95 * 3600, "95.0 h"),
        (12 * 86_400, "12 d"),
    ],
)
def test_a_length_is_shown_in_the_unit_that_suits_it(length, text):
    assert brief(length) == text


@given(st.floats(min_value=-1e9, max_value=999 * 86_400))
def test_a_length_of_up_to_999_days_fits_into_seven_characters(length):
    assert len(brief(length)) <= 7
