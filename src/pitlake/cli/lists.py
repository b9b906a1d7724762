"""Findings for people: a mark and a name, and below it the full text, broken between words and never cut."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

_INDENT = 2


def print_finding(console: Console, *, ok: bool, name: str, what: str, do: str = "") -> None:
    """Print one thing examined: whether it is as it should be, what was found, and what to do if it is not."""
    mark = ("✓", "green") if ok else ("✗", "red")
    console.print(Text.assemble(mark, " ", (name, "bold")))
    console.print(_below(Text(what)))
    if do:
        console.print(_below(Text.assemble(("do", "dim"), " ", do)))


def _below(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, _INDENT), expand=False)
