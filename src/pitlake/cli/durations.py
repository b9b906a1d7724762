"""Durations as people write them on a command line, and as they read them in a table."""

from __future__ import annotations

import re

import typer

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DAY = 86_400.0


def seconds(text: str) -> float:
    """The length in seconds of a duration such as `90s`, `2m` or `1h`. Raises typer.BadParameter for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is no duration; write it as 90s, 2m or 1h")
    return float(match[1]) * _SECONDS[match[2]]


def brief(length: float | None) -> str:
    """A length given in seconds, in seven characters at most: `34 ms`, `1.2 s`, `14 min`, `3.5 h`, `12 d`; a hyphen for None."""
    if length is None:
        return "-"
    if length < 0.9995:
        return f"{1000 * max(length, 0):.0f} ms"
    if length < 99.95:
        return f"{length:.1f} s"
    if length < 99.5 * 60:
        return f"{length / 60:.0f} min"
    return f"{length / 3600:.1f} h" if length < 4 * _DAY else f"{length / _DAY:,.0f} d"
