"""Is real time still that much faster than micro-batches? Both in one run, on the pipeline of a single flow, at the site's rate.

    python -m benchmarks.smoke

prints both, and fails when a ratio falls under its floor, when a result is not right, and when it takes more than three minutes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping

from benchmarks.measure import FAULTS, Run, measure
from benchmarks.results import SINKS, Result, are_right
from pitlake.errors import PitlakeError
from pitlake.local.jars import fetch_jars
from pitlake.local.supervision import termination_as_exit

# A minute holds a batch boundary of each of the two queries: real time's tail.
REAL_TIME = Run("pitlake", rate=120, seconds=60, warm_up=8)
# Without a pause: a pause would be most of what it is late, and hide how much it computes.
MICRO_BATCH = Run("pitlake-micro", rate=120, seconds=15, warm_up=5)

# The floors are below all that was seen: in four runs of this, to the topic p50 65 to 137 times and p99 17.9 to 40, to Delta,
# in three of them, p50 6.8 to 8.9 and p99 5.3 to 7.0; and in whole comparisons at this rate, which warm up for 45 s, on two days
# 60 and 113, 31 and 32, 3.5 and 6.0, 3.0 and 5.3 times. There Delta's are lowest, as to wait for the writer takes no less on a
# faster machine, and micro-batches do. A boundary that holds up gold, a row that waits for a batch, or a writer that falls behind
# falls under them.
FLOORS: Mapping[str, Mapping[str, float]] = {
    "topic": {"p50_ms": 30.0, "p99_ms": 9.0},
    "delta": {"p50_ms": 3.0, "p99_ms": 2.5},
}
LIMIT_SECONDS = 180.0


def ratios(real_time: Result, micro_batch: Result) -> dict[str, dict[str, float]]:
    """How many times later micro-batches reach each sink, by figure."""
    late, soon = micro_batch["sinks"], real_time["sinks"]
    return {sink: {name: round(late[sink][name] / soon[sink][name], 1) for name in of} for sink, of in FLOORS.items()}


def failures(real_time: Result, micro_batch: Result, seconds: float) -> list[str]:
    """What is not as it must be, each as a line of text; `seconds` is how long both runs took, with all that they start."""
    found = ratios(real_time, micro_batch)
    low = [
        f"{sink} {name}: real time is {found[sink][name]:g} times faster, less than {floor:g}"
        for sink, floors in FLOORS.items()
        for name, floor in floors.items()
        if found[sink][name] < floor
    ]
    wrong = [
        f"{result['contender']}: {result['differing_rows']} windows are wrong, {result['unfinished_rows']} lack readings"
        for result in (real_time, micro_batch)
        if not are_right([result])
    ]
    unseen = [
        f"{result['contender']}: {result['sinks'][sink]['unseen']} readings were never seen in the {sink}"
        for result in (real_time, micro_batch)
        for sink in SINKS
        if result["sinks"][sink]["unseen"]
    ]
    slow = [f"it took {seconds:.0f} s, more than {LIMIT_SECONDS:g}"] if seconds > LIMIT_SECONDS else []
    return low + wrong + unseen + slow


@termination_as_exit()
def main() -> int:
    """Measure both; the exit code."""
    fetch_jars(_tell)  # which the clock must not count, where it is the first run
    began = time.monotonic()
    try:
        real_time, micro_batch = (measure(run, _tell) for run in (REAL_TIME, MICRO_BATCH))
    except FAULTS as fault:
        _tell(f"error {_brief(fault.what)} {fault.do}" if isinstance(fault, PitlakeError) else f"error {_brief(str(fault))}")
        return 1
    for result in (real_time, micro_batch):
        for sink in SINKS:
            _tell(f"{result['contender']}, {sink}: {json.dumps(result['sinks'][sink])}")
    _tell(f"ratios: {json.dumps(ratios(real_time, micro_batch))}")
    failed = failures(real_time, micro_batch, time.monotonic() - began)
    for line in failed:
        _tell(f"error {line}")
    return 1 if failed else 0


def _brief(text: str) -> str:
    """As one line, without the end of a log that some errors tell: the log stays in the run's folder."""
    return " ".join(text.partition(" It said last:")[0].split())


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
