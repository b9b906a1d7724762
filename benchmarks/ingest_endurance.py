"""Does the endpoint keep its promises when it is killed, and its memory when the broker is away?

`kills`: while the unmodified SDK sends, the endpoint is killed with SIGKILL, again and again; then every record must be in the
landing topic, once. How many came again and were refused tells how much was killed between writing and acknowledging.

`pauses`: the broker is stopped and resumed while the SDK sends more than the endpoint takes unwritten. Its memory is reported as
it was when the first minute's last pause ended, full of what it takes, and at its largest and smallest afterwards; it must not
have grown by more than a tenth. How many records had not come in yet when a pause ended is told, too.

    .venv/bin/python -m benchmarks.ingest_endurance kills --times 20
    .venv/bin/python -m benchmarks.ingest_endurance pauses --seconds 300
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

os.environ.setdefault("RUST_LOG", "error")  # the SDK would write its log between the results

from zerobus.sdk.shared import StreamConfigurationOptions, TableProperties
from zerobus.sdk.sync import ZerobusSdk

from pitlake.local.supervision import termination_as_exit
from pitlake.streams.consumers import BEGINNING, TopicReader, kept_offsets
from tests.support.broker import running_broker
from tests.support.endpoint import TABLE, RunningEndpoint, running_endpoint

RECORD_BYTES = {"kills": 300, "pauses": 8_000}
"""With those of the pauses the endpoint has all that it takes unwritten, 32 MiB, before a pause is over."""
BATCH = 20
PAUSE_SECONDS = 10.0
WARM_UP_SECONDS = 60.0
MOST_UNACKNOWLEDGED = 20_000
MEBIBYTE = 1024 * 1024


@termination_as_exit()
def main() -> int:
    """Run it; the report goes to standard output as JSON, and the exit code is 0 when the promises were kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["kills", "pauses"])
    parser.add_argument("--times", type=int, default=20, help="kills")
    parser.add_argument("--seconds", type=float, default=300, help="of sending, with pauses")
    parser.add_argument("--rate", type=float, default=1000, help="records in a second")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_broker(Path(folder) / "broker") as broker,
        running_endpoint(broker.bootstrap, Path(folder) / "home") as endpoint,
    ):
        report = _kills(endpoint, given) if given.what == "kills" else _pauses(endpoint, broker.pid, given)
    print(json.dumps(report))
    return 0 if report["kept"] else 1


class _Load:
    """Sends numbered records at a steady rate, every other group as a batch, until it is stopped."""

    def __init__(self, endpoint: RunningEndpoint, given: argparse.Namespace) -> None:
        options = StreamConfigurationOptions(
            recovery_backoff_ms=100, recovery_retries=10_000, max_inflight_records=MOST_UNACKNOWLEDGED
        )
        sdk = ZerobusSdk(endpoint.addresses.endpoint, endpoint.addresses.workspace)
        self._stream = sdk.create_stream(endpoint.client_id, endpoint.secret, TableProperties(TABLE), options)
        self._rate, self._filler = given.rate, "x" * RECORD_BYTES[given.what]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self.sent = 0

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def finish(self) -> None:
        """Send no more, and wait until all is acknowledged."""
        self._stop.set()
        self._thread.join()
        self._stream.flush()
        self._stream.close()

    def _send(self) -> None:
        began = time.monotonic()
        while not self._stop.wait(max(0.0, began + self.sent / self._rate - time.monotonic())):
            records = [json.dumps({"n": number, "filler": self._filler}) for number in range(self.sent, self.sent + BATCH)]
            if self.sent // BATCH % 2:
                self._stream.ingest_records_nowait(records)
            else:
                for record in records:
                    self._stream.ingest_record_nowait(record)
            self.sent += BATCH


@contextmanager
def _load(endpoint: RunningEndpoint, given: argparse.Namespace) -> Iterator[_Load]:
    load = _Load(endpoint, given)
    load.start()
    try:
        yield load
    finally:
        load.finish()


def _kills(endpoint: RunningEndpoint, given: argparse.Namespace) -> dict[str, object]:
    chance = random.Random(1)
    refused = 0
    with _load(endpoint, given) as load:
        for _ in range(given.times):
            time.sleep(chance.uniform(0.3, 2.0))
            refused += _figure(endpoint, "duplicates_refused_total")
            endpoint.kill()
            endpoint.start()
        time.sleep(1)
        refused += _figure(endpoint, "duplicates_refused_total")
    counts = Counter(_landed(endpoint))
    missing = load.sent - len(counts)
    twice = sum(count - 1 for count in counts.values())
    report = {"acknowledged": load.sent, "missing": missing, "twice": twice, "duplicates_refused": refused}
    return {"kept": not (missing or twice), "kills": given.times, **report}


def _figure(endpoint: RunningEndpoint, name: str) -> int:
    """A figure of the table, as the endpoint that runs now has counted it."""
    text = httpx.get(f"{endpoint.addresses.workspace}/metrics", trust_env=False).text
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return sum(int(sample.value) for sample in samples if sample[:2] == (f"pitlake_ingest_{name}", {"table": TABLE}))


def _landed(endpoint: RunningEndpoint) -> Iterator[int]:
    topic = TABLE.rpartition(".")[2]
    kept = kept_offsets(endpoint.bootstrap, topic) or {}
    with TopicReader(endpoint.bootstrap, topic, dict.fromkeys(kept, BEGINNING)) as reader:
        while not reader.at_end:
            yield from (json.loads(record.value or b"")["n"] for record in reader.take(10_000, 0.1))


def _pauses(endpoint: RunningEndpoint, broker: int, given: argparse.Namespace) -> dict[str, object]:
    process = psutil.Process(endpoint.pid)
    sizes: list[float] = []
    within, held_back = 0.0, 0
    began = time.monotonic()
    paused = False
    try:
        with _load(endpoint, given) as load:
            while (passed := time.monotonic() - began) < given.seconds:
                wanted = passed // PAUSE_SECONDS % 3 == 2  # a third of the time
                if wanted != paused:
                    if paused:
                        held_back = max(held_back, load.sent - _figure(endpoint, "records_total"))
                        if not sizes:
                            within = process.memory_info().rss / MEBIBYTE
                    os.kill(broker, signal.SIGSTOP if wanted else signal.SIGCONT)
                    paused = wanted
                time.sleep(0.5)
                if passed > WARM_UP_SECONDS:
                    sizes.append(process.memory_info().rss / MEBIBYTE)
            os.kill(broker, signal.SIGCONT)
    finally:
        os.kill(broker, signal.SIGCONT)
    kept = max(sizes) <= 1.1 * within
    report = {"held_back": held_back, "first_mib": round(within), "least_mib": round(min(sizes)), "most_mib": round(max(sizes))}
    return {"kept": kept, "seconds": given.seconds, "acknowledged": load.sent, **report}


if __name__ == "__main__":
    sys.exit(main())
