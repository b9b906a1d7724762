"""Materialized views: recomputed in one thread of the driver, each refresh published as a whole."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from pyspark.sql import DataFrame, Row

from pitlake.engine.event_log import EventLog, ProgressLog
from pitlake.engine.events import flow_failed, flow_state
from pitlake.engine.planning import FlowPlan
from pitlake.engine.queries import cause_of
from pitlake.engine.specs import milliseconds
from pitlake.errors import FlowError
from pitlake.lake.source import PRUNING_CONF
from pitlake.streams.envelope import EPOCH, MARKER, REFRESH, Marker, encode_epoch, encode_marker, encode_refresh
from pitlake.streams.producers import Publisher


def publish_refresh(plan: FlowPlan, publisher: Publisher, *, epoch: int, refresh: int) -> None:
    """Compute a view and publish its rows, and after them the marker that lets the writer put them in place of those before.

    `refresh` tells it from every other refresh of the same epoch. The rows pass through the driver's memory. Raises BrokerError
    and Spark's errors; nothing has changed then.
    """
    records = _computed(plan.records)
    for record in records:
        headers = {header.key: bytes(header.value) for header in record.headers} | {REFRESH: encode_refresh(refresh)}
        publisher.send(record.topic, bytes(record.value), headers=headers)
    publisher.flush()
    rows = Counter(record.topic for record in records)
    for topic in plan.topics:
        marker = Marker(flow=plan.name, batch_id=refresh, offsets={}, rows=rows[topic])
        publisher.send(topic, b"", headers={EPOCH: encode_epoch(epoch), MARKER: encode_marker(marker)})
    publisher.flush()


def _computed(records: DataFrame) -> list[Row]:
    conf = records.sparkSession.conf
    # Not for the whole session: with it a stream asks a Python worker, at each batch, what its static sides can leave out.
    conf.set(PRUNING_CONF, "true")
    try:
        # A new frame of the same plan is optimized anew: its current_timestamp() is the time of this refresh.
        return records.select("*").collect()
    finally:
        conf.unset(PRUNING_CONF)


class Views:
    """Refreshes views by `publish`, given a view and the number of the refresh, each at its interval. `clock` gives seconds.

    A refresh that fails leaves its table as it was, is told in the event log, and is tried again when the next is due.
    """

    def __init__(
        self,
        plans: Sequence[FlowPlan],
        publish: Callable[[FlowPlan, int], None],
        *,
        log: EventLog,
        progress: ProgressLog,
        report: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._plans, self._publish, self._clock = list(plans), publish, clock
        self._log, self._progress, self._report = log, progress, report
        self._due = {plan.name: clock() for plan in plans}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="materialized views", daemon=True)

    def start(self) -> None:
        """Begin, with a refresh of each."""
        for plan in self._plans:
            self._log.add(flow_state(plan.name, plan.spec.name, "RUNNING"))
        if self._plans:
            self._thread.start()

    def stop(self) -> None:
        """End, after the refresh that is under way."""
        self._stop.set()
        if self._thread.ident is None:
            return
        self._thread.join()
        for plan in self._plans:
            self._progress.stopped(plan.name, plan.spec)

    def refresh_due(self) -> float:
        """Refresh the views that are due, and return in how many seconds the next one is."""
        for plan in self._plans:
            if self._due[plan.name] <= self._clock() and not self._stop.is_set():
                self._refresh(plan)
                self._due[plan.name] = max(self._clock(), self._due[plan.name] + _seconds(plan))
        return max(0.0, min(self._due.values()) - self._clock())

    def _run(self) -> None:
        while not self._stop.wait(self.refresh_due()):
            pass

    def _refresh(self, plan: FlowPlan) -> None:
        number = int(self._clock() * 1000)
        try:
            self._publish(plan, number)
        except Exception as fault:  # noqa: BLE001 - whatever a view's query raises must not end the other views
            what = f"{plan.name} was not refreshed: {cause_of(fault)}"
            error = FlowError(what, do=f"Its table stays as it was; the next refresh is tried in {plan.interval}.")
            self._log.add(flow_failed(plan.name, plan.spec.name, error))
            self._report(error.what)
        else:
            self._progress.batch_committed(plan.name, plan.spec, number)


def _seconds(plan: FlowPlan) -> float:
    return (milliseconds(plan.interval) or 0) / 1000
