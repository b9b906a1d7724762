"""The flows of an update while they run: started one after the other, watched until the update is told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import zip_longest

from pyspark.errors import PySparkException
from pyspark.sql.streaming import StreamingQuery

from pitlake.engine.batches import Offsets
from pitlake.engine.event_log import EventLog, ProgressLog
from pitlake.engine.events import flow_failed, flow_state
from pitlake.engine.options import Mode
from pitlake.engine.planning import MINIMUM_INTERVAL_MS, FlowPlan, StreamPlan, replica_of
from pitlake.engine.queries import MICRO_BATCH, cause_of, failure, has_lost_its_place, refusal
from pitlake.engine.replicas import Replicas
from pitlake.engine.specs import milliseconds
from pitlake.errors import ExpectationViolationError, FlowError
from pitlake.lake.spec import WriteMode

# Batch boundaries of flows that start together fall together, and each waits for the others' planning and commits. A batch lasts
# as long as was asked for from when it runs: that is what the next flow waits for, however long the first planning takes.
STAGGER_SECONDS = 2.0
FIRST_BATCH_SECONDS = 10.0
WATCH_SECONDS = 0.5
BEGIN_SECONDS = 0.1

_DRIFT = 60
"""A flow that starts after another has an interval shorter by this part of it, so that flows that fell together part again."""


class Flows:
    """Starts flows by `start` in `mode`, and tells the event log, and people by `report`, what becomes of them.

    A flow that asks for real-time mode by itself has it in either mode; one that real-time mode refuses runs in micro-batches.
    One that follows a topic which no longer has the rows that come next is started again at the oldest, once its place is
    forgotten by `forget`. A replicated flow has a second query in real time, which begins at the flow's own place by
    `share_place`; `stop` ends it when it is to begin anew, or when `waited`, which tells for how many seconds a record after the
    given offsets has waited to be read, says that the flow is late. `has_begun` says whether a query runs its first batch.
    """

    def __init__(
        self,
        start: Callable[[StreamPlan, Mode], StreamingQuery],
        forget: Callable[[StreamPlan], None],
        share_place: Callable[[StreamPlan, StreamPlan], None],
        mode: Mode,
        *,
        stop: Callable[[StreamingQuery], None],
        has_begun: Callable[[StreamingQuery], bool],
        waited: Callable[[Offsets], float],
        log: EventLog,
        report: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plans: dict[str, StreamPlan] = {}
        self._start, self._forget, self._share_place = start, forget, share_place
        self._mode, self._has_begun = mode, has_begun
        self._log, self._report = log, report
        self._progress: ProgressLog | None = None
        self._queries: dict[str, StreamingQuery] = {}
        self._clock = clock
        self._replicas = Replicas(
            self._start_replica,
            stop,
            waited=waited,
            warn=self._warn,
            has_returned=lambda name: log.add(flow_state(name, self._plans[name].table, "RUNNING")),
            report=report,
            clock=clock,
        )

    def begin(self, plan: StreamPlan) -> None:
        """Start a flow, with its replica to follow. Raises FlowError for one that cannot start."""
        self._plans[plan.name] = plan
        if isinstance(plan, FlowPlan) and plan.is_replicated and (self._mode == "realtime" or plan.is_real_time):
            self._replicas.add(plan.name, replica_of(plan))
        self._report(f"Starting flow {plan.name}")
        self._log.add(flow_state(plan.name, plan.table, "STARTING", sink=plan.sink_name))
        self._begin(plan)

    def start(self, plans: Sequence[StreamPlan], progress: ProgressLog, stop: threading.Event) -> None:
        """Start those that have not begun yet, in turns, or as many as there is time for until `stop` is set.

        `progress` is told of those that stop.
        """
        self._progress = progress
        for plan in drifting(in_turns(plans)):
            if plan.name in self._plans:
                continue
            if self._queries:
                self.await_first_batch(stop)
                if stop.wait(STAGGER_SECONDS):
                    break
            self.begin(plan)

    def await_first_batch(self, stop: threading.Event) -> None:
        """Return when the flow that was started last runs its first batch, has ended or takes too long, or `stop` is set."""
        last, deadline = self._queries[next(reversed(self._queries))], self._clock() + FIRST_BATCH_SECONDS
        while self._mode == "realtime" and last.isActive and not self._has_begun(last) and self._clock() < deadline:
            if stop.wait(BEGIN_SECONDS):
                return

    def watch(self, stop: threading.Event) -> None:
        """Return when `stop` is set.

        Raises FlowError when a flow stops that should not. A flow that stops at a row which it must not accept does not end the
        others: its error is raised when `stop` is set, or when no other flow is left.
        """
        violated = None
        while not stop.wait(WATCH_SECONDS):
            self._replicas.look()
            for name in [name for name, query in self._queries.items() if not query.isActive]:
                query, plan = self._queries.pop(name), self._plans[name]
                if self._falls_back(plan, query.exception()) or self._begins_anew(plan, query.exception()):
                    continue
                error = self._failed(name, query)
                self._replicas.give_up(name)
                if not isinstance(error, ExpectationViolationError) or not self._queries:
                    raise error
                violated = error
        if violated is not None:
            raise violated

    def at_boundary(self, query: str, offsets: Offsets) -> None:
        """A query has committed a batch at these offsets just now. May be called by any thread."""
        self._replicas.at_boundary(query, offsets)

    def stop(self) -> None:
        """Stop all of them, each at what it has published; an interrupted batch takes a while to end, so all at once."""
        running = [*self._queries.values(), *self._replicas.release()]
        failed = {name for name, query in self._queries.items() if query.exception() is not None}
        with ThreadPoolExecutor(max_workers=max(1, len(running))) as stopping:
            list(stopping.map(lambda query: query.stop(), running))
        for name, query in self._queries.items():
            if name in failed:
                self._failed(name, query)
            else:
                self._stopped(self._plans[name])
        self._queries.clear()

    def _stopped(self, plan: StreamPlan) -> None:
        if isinstance(plan, FlowPlan) and self._progress:
            self._progress.stopped(plan.name, plan.spec)
        else:
            self._log.add(flow_state(plan.name, plan.table, "STOPPED", sink=plan.sink_name))

    def _begin(self, plan: StreamPlan) -> None:
        try:
            self._queries[plan.name] = self._start(plan, "realtime" if plan.is_real_time else self._mode)
        except PySparkException as error:
            if not self._falls_back(plan, error):
                raise self._cannot_start(plan, error) from error
        else:
            self._log.add(flow_state(plan.name, plan.table, "RUNNING", sink=plan.sink_name))
            self._replicas.expect(plan.name)

    def _start_replica(self, flow: str, replica: FlowPlan) -> StreamingQuery:
        self._share_place(self._plans[flow], replica)
        return self._start(replica, "realtime")

    def _falls_back(self, plan: StreamPlan, error: Exception | None) -> bool:
        """Start a flow that real-time mode has refused in micro-batches instead; whether it was refused."""
        reason = refusal(error)
        if reason is None:
            return False
        self._replicas.give_up(plan.name)
        try:
            self._queries[plan.name] = self._start(plan, "micro-batch")
        except PySparkException as fault:
            raise self._cannot_start(plan, fault) from fault
        self._warn(plan.name, f"in micro-batches of {MICRO_BATCH}, as real-time mode refuses it: {reason}")
        return True

    def _begins_anew(self, plan: StreamPlan, error: Exception | None) -> bool:
        """Start a flow that fell behind the topic of a table at the oldest rows that this still has; whether it had.

        It applies changes by key and sequence: rows that come again do no harm, and those after the gap are worth more than none.
        One that is too slow for what its topic keeps does so over and over, with a warning each time: it must not end the others.
        """
        if not isinstance(plan, FlowPlan) or not plan.is_follower or not has_lost_its_place(error):
            return False
        self._forget(plan)
        followed = ", ".join(plan.follows)
        warning = (
            f"again, at the oldest rows of {followed} that Kafka has, as those that came next are gone; "
            "a key that has not changed since keeps an older row"
        )
        self._log.add(flow_state(plan.name, plan.table, "STARTING", warning=warning))
        self._report(f"Flow {plan.name} starts {warning}")
        self._begin(plan)
        return True

    def _warn(self, name: str, warning: str) -> None:
        """Tell that a flow runs, though not as was asked for."""
        plan = self._plans[name]
        self._log.add(flow_state(name, plan.table, "RUNNING", sink=plan.sink_name, warning=warning))
        self._report(f"Flow {name} runs {warning}")

    def _cannot_start(self, plan: StreamPlan, error: Exception) -> FlowError:
        what = f"flow {plan.name} cannot start: {cause_of(error)}"
        return self._told(plan, FlowError(what, do="Correct the flow, or what it needs, then start again; the log says more."))

    def _failed(self, name: str, query: StreamingQuery) -> FlowError:
        plan = self._plans[name]
        error = failure(plan, query)
        return self._told(plan, error or FlowError(f"flow {name} ended by itself", do="Start the pipeline again."))

    def _told(self, plan: StreamPlan, error: FlowError) -> FlowError:
        self._log.add(flow_failed(plan.name, plan.table, error, sink=plan.sink_name))
        self._report(error.what)
        return error


def in_turns(plans: Sequence[StreamPlan]) -> list[StreamPlan]:
    """The plans in the order in which they start: those of upsert tables take turns with the others, and begin.

    They aggregate, so people wait for their first row, and it takes longest to come. Their later batches take longest to begin
    too; with a shorter one in between they keep out of each other's way.
    """
    upserting = [plan for plan in plans if _upserts(plan)]
    others = [plan for plan in plans if not _upserts(plan)]
    return [plan for turn in zip_longest(upserting, others) for plan in turn if plan]


def _upserts(plan: StreamPlan) -> bool:
    return isinstance(plan, FlowPlan) and plan.spec.mode is WriteMode.UPSERT


def drifting(plans: Sequence[StreamPlan]) -> list[StreamPlan]:
    """The plans with intervals that differ a little, the last one's most: no two flows keep meeting at their boundaries.

    Each interval is as asked for or up to a tenth shorter, never shorter than real-time mode allows.
    """
    return [replace(plan, interval=_shortened(plan.interval, place)) for place, plan in enumerate(plans)]


def _shortened(interval: str, steps: int) -> str:
    asked = milliseconds(interval) or MINIMUM_INTERVAL_MS
    shortest = max(MINIMUM_INTERVAL_MS, asked - asked // 10)
    return f"{max(shortest, round(asked - asked / _DRIFT * steps))} milliseconds"
