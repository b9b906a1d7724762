"""One measurement: a contender, a rate, a fresh broker and lake.

    python -m benchmarks.measure pitlake --rate 120 --seconds 60

prints the result as JSON. A run that fails leaves its folder, with the logs of all processes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from benchmarks.contenders import CONTENDERS, TABLE, Process
from benchmarks.delta_probe import LEAST_SPAN_SECONDS
from benchmarks.load import Load, one_round
from benchmarks.probes import recorded
from benchmarks.producer import send
from benchmarks.resources import Meter
from benchmarks.results import SINKS
from benchmarks.site import prepared_site
from benchmarks.stages import StageWatch, stage_percentiles
from benchmarks.windows import Readings, Row, Window, differences, expected_readings, latencies, sink_summary
from pitlake.cli.parts import BROKER, LANDING
from pitlake.errors import BrokerError, PitlakeError
from pitlake.local.home import Home
from pitlake.local.processes import last_lines
from pitlake.local.supervision import Part, Supervisor, termination_as_exit

FAULTS = (PitlakeError, subprocess.CalledProcessError, DeltaError, psutil.Error, OSError)
"""What a run may fail by that is not the harness's own fault; a part that does not come in time is a TimeoutError, an OSError."""

START_SECONDS = 180.0
DRAIN_SECONDS = 60.0
"""How long a contender may take to finish once the producer has; what is not seen then was lost, or counts as that late."""
PRODUCER_SECONDS = 120.0
"""How long the producer may take to tell how it went, once its last message is due."""

_LEAD = timedelta(seconds=3)
"""From the moment a load is decided on until it begins: the producer's start."""

Report = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """What is to be measured: `rate` in readings a second; `warm_up` and `seconds` of load, of which the latter count."""

    contender: str
    rate: float
    seconds: float = 60.0
    warm_up: float = 60.0


def measure(run: Run, report: Report) -> dict[str, Any]:
    """Measure one run.

    Raises ProcessError when a part dies, TimeoutError when one says nothing, BrokerError and CalledProcessError.
    """
    with _run_folder(report) as folder, Supervisor() as supervisor:
        return _Bench(run, folder, supervisor, report).measured()


@contextmanager
def _run_folder(report: Report) -> Iterator[Path]:
    """A folder for a run; it stays when the run fails, for its logs."""
    folder = Path(tempfile.mkdtemp(prefix="pitlake-bench-"))
    has_failed = False
    try:
        yield folder
    except Exception:
        has_failed = True
        report(f"the run failed; its logs are in {Home(folder).logs}")
        raise
    finally:
        if not has_failed:
            shutil.rmtree(folder, ignore_errors=True)


class _Bench:
    """One run on a folder of its own."""

    def __init__(self, run: Run, folder: Path, supervisor: Supervisor, report: Report) -> None:
        self._run, self._folder, self._supervisor, self._report = run, folder, supervisor, report
        self._contender = CONTENDERS[run.contender]
        self._site = prepared_site(self._contender, folder, supervisor)
        self._names: list[str] = []

    def measured(self) -> dict[str, Any]:
        first = one_round(_soon(timedelta(0)))
        send(first, self._site.bootstrap, LANDING.name)
        self._start_probes()
        start_up = self._start_contender()
        self._report(", ".join(f"first in {sink} after {seconds:.1f} s" for sink, seconds in start_up.items()))
        load = Load(self._run.rate, _soon(_LEAD), self._run.warm_up + self._run.seconds)
        with StageWatch(str(self._site.lake), load.start + timedelta(seconds=self._run.warm_up)) as watch:
            costs, produced = self._put_under(load)
            readings = expected_readings([*first.messages(), *load.messages()])
            drained = self._await_all(readings)
        self._report(f"drained {drained:.1f} s after the last message")
        sinks = self._latencies(readings, load)
        differing = differences(readings, stored_windows(self._site.table(TABLE)))
        return {
            **vars(self._run),
            "at": load.start.isoformat(timespec="seconds"),
            "start_up_seconds": start_up,
            "sinks": sinks,
            "stages": stage_percentiles(watch.stages()),
            **costs,
            "producer": produced,
            "drained_seconds": round(drained, 1),
            "rows": len(readings),
            "differences": [*differing.wrong, *differing.unfinished][:10],
            "differing_rows": len(differing.wrong),
            "unfinished_rows": len(differing.unfinished),
        }

    def _start_probes(self) -> None:
        topic = ("benchmarks.topic_probe", "--bootstrap", self._site.bootstrap, "--topic", self._contender.topic)
        span = max(LEAST_SPAN_SECONDS, self._run.warm_up + self._run.seconds + DRAIN_SECONDS + 60)
        delta = ("benchmarks.delta_probe", "--table", self._site.table(TABLE), "--span", str(span))
        for sink, (module, *arguments) in zip(SINKS, (topic, delta), strict=True):
            folder = self._probe(sink)
            folder.mkdir()
            argv = (sys.executable, "-m", module, *arguments, "--folder", str(folder))
            self._start(Process(f"probe-{sink}", argv), ready=(folder / "ready").is_file)

    def _start_contender(self) -> dict[str, float]:
        """Start its processes; per sink the seconds until the first result was seen."""
        processes = self._contender.processes(self._site)
        launched = time.time()
        for process in processes:
            self._start(process)
            self._names.append(process.name)
        firsts = {sink: self._probe(sink) / "first" for sink in SINKS}
        if not self._until(lambda: all(first.is_file() for first in firsts.values()), START_SECONDS):
            said = "\n".join(f"{name}: {last_lines(Home(self._folder).log(name))}" for name in self._names)
            raise TimeoutError(f"{self._run.contender} has shown no result after {START_SECONDS:g} s. It said last:\n{said}")
        return {sink: round(float(first.read_text()) - launched, 2) for sink, first in firsts.items()}

    def _put_under(self, load: Load) -> tuple[dict[str, Any], dict[str, Any]]:
        """Send the load; what the contender and the broker took while it counted, and how the producer did."""
        out = self._folder / "producer.json"
        argv = [sys.executable, "-m", "benchmarks.producer", "--bootstrap", self._site.bootstrap, "--topic", LANDING.name]
        argv += ["--rate", str(load.rate), "--start", load.start.isoformat(), "--seconds", str(load.seconds), "--out", str(out)]
        self._start(Process("producer", tuple(argv)))
        counts_from = load.start.timestamp() + self._run.warm_up
        self._until(lambda: time.time() >= counts_from, load.seconds + 60)
        with Meter(self._guards(self._names)) as own, Meter(self._guards([BROKER])) as broker:
            self._until(lambda: time.time() >= load.end.timestamp(), load.seconds + 60)
        if not self._until(out.is_file, PRODUCER_SECONDS):
            raise TimeoutError(f"the producer has not told how it went {PRODUCER_SECONDS:g} s after its last message was due")
        million = self._run.rate * self._run.seconds / 1e6
        costs = {
            name: {
                "cores": round(meter.cpu_seconds / self._run.seconds, 3),
                "cpu_seconds_per_million": round(meter.cpu_seconds / million, 1),
                "memory_mb": round(meter.memory_mb),
            }
            for name, meter in {"cost": own, "broker_cost": broker}.items()
        }
        return costs, _delivered(json.loads(out.read_text()))

    def _await_all(self, readings: Readings) -> float:
        """Wait until the Delta table holds all readings, or for as long as may be; seconds since the last message was due."""
        expected = sum(map(len, readings.values()))
        last = max(event for values in readings.values() for event, _ in values)
        table = self._site.table(TABLE)
        self._until(lambda: sum(window.count for window in stored_windows(table).values()) >= expected, DRAIN_SECONDS, every=0.5)
        return time.time() - last

    def _latencies(self, readings: Readings, load: Load) -> dict[str, Any]:
        """Per sink the percentiles over the readings that count; the probes are ended by this."""
        unseen_at = time.time()
        self._supervisor.stop()
        begin = load.start.timestamp() + self._run.warm_up
        sinks = {}
        for sink in SINKS:
            seen = latencies(recorded(self._probe(sink)), readings, unseen_at)
            sinks[sink] = sink_summary(delay for delay in seen if delay.event > begin)
        return sinks

    def _start(self, process: Process, ready: Callable[[], bool] = lambda: True) -> None:
        part = Part(process.name, process.argv, Home(self._folder).log(process.name), ready, process.env, restarts=None)
        self._supervisor.start(part)

    def _until(self, condition: Callable[[], bool], seconds: float, every: float = 0.05) -> bool:
        """Wait until it holds, for `seconds` at most; whether it does. Raises ProcessError when a part dies meanwhile."""
        deadline = time.monotonic() + seconds
        while not (held := condition()) and time.monotonic() < deadline:
            pause = threading.Event()
            threading.Timer(every, pause.set).start()
            self._supervisor.watch(pause)
        return held

    def _guards(self, names: list[str]) -> list[int]:
        """The guards of these parts: what loses its parent below a guard becomes its own child, so that no cost is lost."""
        return [psutil.Process(pid).ppid() for name in names if (pid := self._supervisor.pid(name)) is not None]

    def _probe(self, sink: str) -> Path:
        return self._folder / f"probe-{sink}"


def stored_windows(table: str) -> Mapping[Row, Window]:
    """The rows of a Delta table of the result."""
    columns = [
        "window_start",
        "equipment_id",
        "sensor_name",
        "reading_count",
        "avg_value",
        "min_value",
        "max_value",
        "stddev_value",
    ]
    rows = DeltaTable(table).to_pyarrow_dataset().to_table(columns=columns)
    starts = rows["window_start"].cast("timestamp[us]").cast("int64").to_pylist()
    machines, sensors, *values = (rows[name].to_pylist() for name in columns[1:])
    keys = zip(starts, machines, sensors, strict=True)
    return {key: Window(*row) for key, row in zip(keys, zip(*values, strict=True), strict=True)}


def _delivered(produced: dict[str, Any]) -> dict[str, Any]:
    """How the producer did. Raises BrokerError when a message of the load was not acknowledged."""
    if produced["delivered"] != produced["messages"]:
        what = f"the broker acknowledged {produced['delivered']} of the producer's {produced['messages']} messages"
        raise BrokerError(what, do="Look into the broker's log.")
    return produced


def _soon(lead: timedelta) -> datetime:
    """A moment in whole milliseconds that is `lead` away."""
    moment = datetime.now(UTC) + lead
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@termination_as_exit()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("--rate", type=float, default=120, help="readings per second")
    parser.add_argument("--seconds", type=float, default=60, help="seconds that count")
    parser.add_argument("--warm-up", type=float, default=60, help="seconds before them")
    given = parser.parse_args()
    run = Run(given.contender, given.rate, given.seconds, given.warm_up)
    json.dump(measure(run, lambda line: print(line, file=sys.stderr)), sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
