"""Measures contenders side by side: each rate, each contender in turn, and all of it again, so that drift of the machine hits
all of them.

    python -m benchmarks.compare --rates 120 1000 --repeats 3 --seconds 60 --contenders pitlake flink pathway

Every run is kept as a file, and a run that has its file is not made again: call it once more to go on. A contender that has
fallen behind at one rate is not measured at a higher one, so a long list of rates finds the highest that each sustains.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import psutil

from benchmarks.contenders import CONTENDERS
from benchmarks.measure import Run, measure
from benchmarks.results import FOLDER, file_of, has_fallen_behind, read_results
from pitlake.errors import PitlakeError


def schedule(contenders: Sequence[str], rates: Sequence[float], repeats: int) -> Iterator[tuple[int, float, str]]:
    """Repeat, rate and contender of every run in order; each repeat begins with another contender."""
    for repeat, rate in itertools.product(range(1, repeats + 1), sorted(rates)):
        first = repeat % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            yield repeat, rate, contender


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S607
    return {
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": platform.system(),
        "python": platform.python_version(),
        "commit": commit.stdout.strip(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--rates", nargs="+", type=float, default=[120, 1_000, 5_000, 10_000], help="readings per second")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60, help="seconds of a run that count")
    parser.add_argument("--warm-up", type=float, default=60, help="seconds before them")
    parser.add_argument("--results", type=Path, default=FOLDER, help="folder of the runs' files")
    parser.add_argument("--most", type=int, help="end after so many runs")
    given = parser.parse_args()
    given.results.mkdir(parents=True, exist_ok=True)
    made = 0
    for repeat, rate, contender in schedule(given.contenders, given.rates, given.repeats):
        file = file_of(given.results, contender, rate, repeat)
        if file.exists() or has_fallen_behind(read_results(given.results), contender, rate):
            continue
        if made == given.most:
            break
        made += 1
        _tell(f"{contender} at {rate:g} readings/s, repeat {repeat}")
        result = {"repeat": repeat, **_measured(Run(contender, rate, given.seconds, given.warm_up)), "machine": machine()}
        file.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        _tell(_short(result))


def _measured(run: Run) -> dict[str, Any]:
    """The run's result; one that fails is a result too."""
    try:
        return measure(run, _tell)
    except (PitlakeError, TimeoutError, subprocess.CalledProcessError) as fault:
        return {**vars(run), "error": str(fault)}


def _short(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"failed: {result['error']}"
    late = ", ".join(
        f"{sink} p50 {figures['p50_ms']:g} p99 {figures['p99_ms']:g} ms" for sink, figures in result["sinks"].items()
    )
    return f"{late}; {result['cost']['cores']:g} cores, {result['differing_rows']} rows differ"


def _tell(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
