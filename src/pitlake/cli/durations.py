"""Durations as people write them on a command line."""

from __future__ import annotations

import re

import typer

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: str) -> float:
    """The length in seconds of a duration such as `90s`, `2m` or `1h`. Raises typer.BadParameter for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is no duration; write it as 90s, 2m or 1h")
    return float(match[1]) * _SECONDS[match[2]]
