"""Findings as a list."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pitlake.cli.lists import print_finding


def _printed(width=80, **finding):
    console = Console(file=io.StringIO(), width=width)
    print_finding(console, **finding)
    return console.file.getvalue()


def test_a_finding_is_a_mark_a_name_and_what_was_found():
    assert _printed(ok=True, name="java", what="Java 21") == "✓ java\n  Java 21\n"


def test_what_to_do_stands_below_what_is_wrong():
    assert _printed(ok=False, name="java", what="none", do="Install it.") == "✗ java\n  none\n  do Install it.\n"


@pytest.mark.parametrize("width", [80, 120])
def test_text_breaks_between_words_and_is_never_cut(width):
    what = "There is no table field_engineering.mining_demo.pipeline_quality_metrics " * 3
    assert _printed(width, ok=False, name="x", what=what).split()[2:] == what.split()


def test_brackets_are_text():
    assert "[red]" in _printed(ok=True, name="[red]", what="[red]")
