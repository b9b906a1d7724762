"""Measures contenders side by side: each rate, each contender in turn, and all of it again, so that drift of the machine hits
all of them.

    python -m benchmarks.compare --rates 120 1000 --repeats 3 --seconds 60 --contenders pitlake flink pathway

Every run is kept as a file, and a run that has its file is not made again: call it once more to go on, with `--again-failed` for
those that failed. A contender that has fallen behind at one rate is not measured at a higher one, so a long list of rates finds
the highest that each sustains.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from benchmarks.contenders import CONTENDERS, MINE
from benchmarks.machine import machine
from benchmarks.measure import FAULTS, Run, measure
from benchmarks.results import FOLDER, file_of, has_fallen_behind, read_results
from benchmarks.version import measured_commit
from pitlake.local.files import write_atomically
from pitlake.local.supervision import termination_as_exit


def schedule(contenders: Sequence[str], rates: Sequence[float], repeats: int) -> Iterator[tuple[int, float, str]]:
    """Repeat, rate and contender of every run in order; each repeat begins with another contender."""
    for repeat, rate in itertools.product(range(1, repeats + 1), sorted(rates)):
        first = repeat % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            yield repeat, rate, contender


def warm_up_seconds(contender: str, rate: float) -> float:
    """How many seconds the load must last before it counts: in so many Java's second compiler is through with most of what runs.

    It takes longer where it competes with more work for the processor, and for the mine's pipeline, which is far more code.
    """
    if contender == MINE and rate >= 2_000:
        return 300.0
    return 120.0 if rate >= (1_000 if contender == MINE else 10_000) else 45.0


def is_wanted(file: Path, *, again_failed: bool) -> bool:
    """Whether the run of that file is to be made: it was not yet, or it failed and such runs are wanted again."""
    return not file.exists() or (again_failed and "error" in orjson.loads(file.read_bytes()))


@termination_as_exit()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--rates", nargs="+", type=float, default=[120, 1_000, 5_000, 10_000], help="readings per second")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60, help="seconds of a run that count")
    parser.add_argument("--warm-up", type=float, help="seconds before them; by contender and rate 45, 120 or 300 when not given")
    parser.add_argument("--results", type=Path, default=FOLDER, help="folder of the runs' files; a run that is there is not made")
    parser.add_argument("--most", type=int, help="end after so many runs")
    parser.add_argument("--again-failed", action="store_true", help="make runs again that failed")
    given = parser.parse_args()
    given.results.mkdir(parents=True, exist_ok=True)
    made = 0
    for repeat, rate, contender in schedule(given.contenders, given.rates, given.repeats):
        file = file_of(given.results, contender, rate, repeat)
        if not is_wanted(file, again_failed=given.again_failed) or has_fallen_behind(
            read_results(given.results), contender, rate
        ):
            continue
        if made == given.most:
            break
        made += 1
        _tell(f"{contender} at {rate:g} readings/s, repeat {repeat}")
        warm_up = warm_up_seconds(contender, rate) if given.warm_up is None else given.warm_up
        # Before the run: somebody may commit meanwhile, and the speed is that of the moment.
        on = {**machine(), "commit": measured_commit()}
        result = {"repeat": repeat, **_measured(Run(contender, rate, given.seconds, warm_up)), "machine": on}
        write_atomically(file, orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
        _tell(_short(result))
    if not made:
        _tell(f"All of these runs are in {given.results} already, or need not be made; --results takes another folder")


def _measured(run: Run) -> dict[str, Any]:
    """The run's result; one that fails is a result too."""
    try:
        return measure(run, _tell)
    except FAULTS as fault:
        return {**vars(run), "error": str(fault) or repr(fault)}


def _short(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"failed: {result['error']}"
    late = ", ".join(
        f"{sink} p50 {figures['p50_ms']:g} p99 {figures['p99_ms']:g} ms" for sink, figures in result["sinks"].items()
    )
    rows = f"{result['differing_rows']} rows differ, {result['unfinished_rows']} are not finished"
    return f"{late}; {result['cost']['cores']:g} cores, {rows}"


def _tell(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
