"""Results as files, one JSON file a run, and what several runs of the same contender and rate say together."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from benchmarks import percentiles

Result = Mapping[str, Any]

FOLDER = Path(__file__).with_name("results")
SINKS = ("topic", "delta")
SUSTAINED_MS = 1_000.0
"""A contender sustains a rate to a sink when the p99 stays below this."""
BEHIND_MS = 5_000.0
"""One that is so late at p99 to both sinks has fallen behind, and higher rates would only fall behind further."""


def file_of(folder: Path, contender: str, rate: float, repeat: int) -> Path:
    """Where the result of a run is, or will be."""
    return folder / f"{rate:g}-{contender}-{repeat}.json"


def read_results(folder: Path) -> list[Result]:
    """All results, in the order of their files' names."""
    return [orjson.loads(file.read_bytes()) for file in sorted(folder.glob("*.json"))]


def by_group(results: Iterable[Result]) -> dict[tuple[float, str], list[Result]]:
    """The results of each rate and contender, by rate and then in the order given."""
    groups: dict[tuple[float, str], list[Result]] = defaultdict(list)
    for result in results:
        groups[result["rate"], result["contender"]].append(result)
    return dict(sorted(groups.items(), key=lambda group: group[0][0]))


def median(results: Sequence[Result], *path: str) -> float | None:
    """The median of the figure at `path`, over the runs that have it; None when none has."""
    figures = [figure for result in results if (figure := _at(result, path)) is not None]
    return statistics.median(figures) if figures else None


def distinct(results: Iterable[Result], *path: str) -> list[Any]:
    """The different values at `path`, sorted; of the runs that have one."""
    return sorted({found for result in results if (found := _at(result, path)) is not None})


def is_bound(results: Sequence[Result], sink: str, figure: str) -> bool:
    """Whether the median of a sink's figure is but a lower bound.

    It is in at least half of the runs that have it: of an even number, the median leans on one of each kind then.
    """
    summaries = [summary for result in results if (summary := _at(result, ("sinks", sink))) is not None]
    bounds = sum(percentiles.is_bound(summary, figure) for summary in summaries)
    return bounds > 0 and 2 * bounds >= len(summaries)


def has_fallen_behind(results: Iterable[Result], contender: str, rate: float) -> bool:
    """Whether the contender was far too late to every sink, or failed, at some lower rate."""
    lower = [group for (at, name), group in by_group(results).items() if name == contender and at < rate]
    return any(all((median(group, "sinks", sink, "p99_ms") or BEHIND_MS) >= BEHIND_MS for sink in SINKS) for group in lower)


def sustained(results: Iterable[Result], contender: str, sink: str) -> tuple[float | None, float | None]:
    """The highest rate that is sustained with all measured ones below it, and the next one measured, which is not.

    The first is None when the lowest is not sustained, the second when all are, and both of a contender that was not measured.
    """
    highest = None
    for (rate, name), group in by_group(results).items():
        if name == contender:
            if not _is_sustained(group, sink):
                return highest, rate
            highest = rate
    return highest, None


def are_right(results: Iterable[Result]) -> bool:
    """Whether every run ended well, with every window as the producer's readings have it."""
    return all(result.get("differing_rows") == 0 and not result.get("unfinished_rows") for result in results)


def _is_sustained(group: Sequence[Result], sink: str) -> bool:
    """Whether the median p99 was seen, and below a second, and every result right."""
    p99 = median(group, "sinks", sink, "p99_ms")
    return p99 is not None and p99 < SUSTAINED_MS and not is_bound(group, sink, "p99_ms") and are_right(group)


def _at(result: Result, path: Sequence[str]) -> Any:
    found: Any = result
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
