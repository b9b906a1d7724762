"""What becomes of flows, by queries that only say how they stand."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass

import pytest

from pitlake.engine import running
from pitlake.engine.event_log import EventLog, ProgressLog
from pitlake.engine.events import Update
from pitlake.engine.planning import FlowPlan, SinkPlan
from pitlake.engine.replicas import AGAIN_SECONDS, STAYS
from pitlake.engine.running import Flows, drifting, in_turns
from pitlake.errors import ExpectationViolationError, FlowError
from pitlake.pipelines.definitions import Location, Sink, SinkFormat
from tests.support.writing import START, append_spec, upsert_spec

UPDATE = Update("c", "s", 7)
REFUSED = "[STREAMING_REAL_TIME_MODE.SINK_NOT_SUPPORTED] Streaming real-time mode has a limitation."
GONE = "org.apache.kafka.clients.consumer.OffsetOutOfRangeException: Fetch position is out of range"
VIOLATED = "EXPECTATION_VIOLATION: silver: known is not met by the row {}"


@dataclass
class Query:
    """A query that runs, or one that ended by an error of that text."""

    ended_by: str | None = None
    stopped: bool = False
    looks: int = 0
    """After how many looks it runs its first batch."""

    @property
    def isActive(self):  # noqa: N802
        return self.ended_by is None and not self.stopped

    def exception(self):
        return Exception(self.ended_by) if self.ended_by else None

    def stop(self):
        self.stopped = True


class Records:
    """Records of which a replica takes those that the table keeps."""

    def where(self, _condition):
        return self

    def selectExpr(self, *_columns):  # noqa: N802 - Spark's name
        return self


class Stop(threading.Event):
    """Is set after so many looks at the flows."""

    def __init__(self, looks=2):
        super().__init__()
        self.looks = looks

    def wait(self, timeout=None):
        self.looks -= 1
        return self.looks < 0


class Told:
    """What the flows started, and what they told."""

    def __init__(self, tmp_path, *queries, mode="realtime", plans=None, now=None):
        self.now = now
        """The time in seconds; None lets it pass."""
        self.late = 0.0
        self.started, self.intervals, self.forgotten, self.shared, self.rows, self.reported = [], [], [], [], [], []
        self._queries = list(queries)
        self._plans = plans or [FlowPlan(name, append_spec(), None, "1 minute") for name in ("f", "g")[: len(queries) or 1]]
        log = EventLog(self, UPDATE, lambda: START)
        self._progress = ProgressLog(log, str(tmp_path), {})
        self.flows = Flows(
            self._start,
            self._forget,
            self._share_place,
            mode,
            stop=Query.stop,
            has_begun=self._has_begun,
            waited=lambda _: self.late,
            log=log,
            report=self.reported.append,
            clock=lambda: time.monotonic() if self.now is None else self.now,
        )

    def start(self, stop=None):
        self.flows.start(self._plans, self._progress, stop or threading.Event())

    def _has_begun(self, query):
        query.looks -= 1
        return query.looks < 0

    def _start(self, plan, mode):
        self.started.append((plan.name, mode))
        self.intervals.append(plan.interval)
        return self._queries.pop(0) if self._queries else Query()

    def _forget(self, plan):
        self.forgotten.append(plan.name)

    def _share_place(self, plan, replica):
        self.shared.append((plan.checkpoint, replica.checkpoint, len(self.started)))

    def send(self, topic, value):
        self.rows.append(json.loads(value))

    @property
    def states(self):
        return [(row["origin"]["flow_name"], json.loads(row["details"])["flow_progress"]["status"]) for row in self.rows]

    @property
    def levels(self):
        return [row["level"] for row in self.rows]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(running, "STAGGER_SECONDS", 0.0)
    monkeypatch.setattr(running, "BEGIN_SECONDS", 0.0)


def _run(told, stop=None):
    told.start()
    told.flows.watch(stop or Stop())


def test_flows_run_until_they_are_stopped(tmp_path):
    queries = Query(), Query()
    told = Told(tmp_path, *queries)
    _run(told)
    told.flows.stop()
    assert [query.stopped for query in queries] == [True, True]
    assert told.states == [
        ("f", "STARTING"),
        ("f", "RUNNING"),
        ("g", "STARTING"),
        ("g", "RUNNING"),
        ("f", "STOPPED"),
        ("g", "STOPPED"),
    ]


@pytest.mark.parametrize("mode", ["realtime", "micro-batch"])
def test_flows_start_in_the_mode_that_was_asked_for(tmp_path, mode):
    told = Told(tmp_path, Query(), mode=mode)
    _run(told)
    assert told.started == [("f", mode)]


def test_a_flow_that_asks_for_real_time_has_it_in_micro_batch_mode_too(tmp_path):
    told = Told(tmp_path, mode="micro-batch", plans=[FlowPlan("f", append_spec(), None, "1 minute", is_real_time=True)])
    _run(told)
    assert told.started == [("f", "realtime")]


def test_a_flow_into_a_sink_tells_its_states_by_the_sinks_name(tmp_path):
    sink = Sink("alarms", SinkFormat.KAFKA, {}, Location("p.py", 1))
    told = Told(tmp_path, plans=[SinkPlan("f", sink, "c.s", None, "1 minute")])
    _run(told)
    told.flows.stop()
    assert told.states == [("f", "STARTING"), ("f", "RUNNING"), ("f", "STOPPED")]
    assert {row["origin"]["sink_name"] for row in told.rows} == {"alarms"}
    assert [row for row in told.rows if "table_name" in row["origin"]] == []


def test_a_flow_that_stops_ends_the_update(tmp_path):
    told = Told(tmp_path, Query("Caused by: java.io.IOException: no space"), Query())
    with pytest.raises(FlowError, match="flow f stopped: Caused by"):
        _run(told)
    assert (told.states[-1], told.levels[-1]) == (("f", "FAILED"), "ERROR")


def test_a_flow_that_meets_a_bad_row_leaves_the_others_running(tmp_path):
    told = Told(tmp_path, Query(VIOLATED), other := Query())
    with pytest.raises(ExpectationViolationError, match="known is not met"):
        _run(told, Stop(looks=5))
    assert other.isActive
    assert told.states.count(("f", "FAILED")) == 1


def test_the_last_flow_that_meets_a_bad_row_ends_the_update(tmp_path):
    told = Told(tmp_path, Query(VIOLATED))
    with pytest.raises(ExpectationViolationError):
        _run(told, Stop(looks=10**6))


def test_a_flow_that_real_time_mode_ends_goes_on_in_micro_batches(tmp_path):
    told = Told(tmp_path, Query(REFUSED))
    _run(told)
    assert told.started == [("f", "realtime"), ("f", "micro-batch")]
    assert (told.states[-1], told.levels[-1]) == (("f", "RUNNING"), "WARN")
    assert "in micro-batches of 2 seconds, as real-time mode refuses it: [STREAMING_REAL_TIME_MODE.SINK" in told.reported[-1]


def test_a_flow_that_is_refused_no_more_is_in_real_time_again_when_it_is_started_anew(tmp_path):
    refused, again = Told(tmp_path, Query(REFUSED)), Told(tmp_path, Query())
    _run(refused)
    _run(again)
    assert (refused.started[-1], again.started) == (("f", "micro-batch"), [("f", "realtime")])
    assert again.levels == ["INFO", "INFO"]


def test_a_flow_that_asks_for_real_time_and_is_refused_falls_back_too(tmp_path):
    plan = FlowPlan("f", append_spec(), None, "1 minute", is_real_time=True)
    told = Told(tmp_path, Query(REFUSED), mode="micro-batch", plans=[plan])
    _run(told)
    assert (told.started, told.levels[-1]) == ([("f", "realtime"), ("f", "micro-batch")], "WARN")


def test_a_flow_that_real_time_mode_does_not_start_goes_on_in_micro_batches(tmp_path):
    class Refuses(Told):
        def _start(self, plan, mode):
            query = super()._start(plan, mode)
            if mode == "realtime":
                raise running.PySparkException(REFUSED)
            return query

    told = Refuses(tmp_path, Query())
    _run(told)
    assert told.started == [("f", "realtime"), ("f", "micro-batch")]
    assert told.levels == ["INFO", "WARN"]


def test_a_flow_that_spark_refuses_for_another_reason_does_not_start(tmp_path):
    class Refuses(Told):
        def _start(self, plan, mode):
            raise running.PySparkException("[SOMETHING_ELSE] is wrong")

    told = Refuses(tmp_path, Query())
    with pytest.raises(FlowError, match=r"flow f cannot start: \[SOMETHING_ELSE\]"):
        _run(told)
    assert (told.states[-1], told.levels[-1]) == (("f", "FAILED"), "ERROR")


def test_a_flow_that_fell_behind_a_tables_topic_begins_anew_at_the_oldest_rows(tmp_path):
    plan = FlowPlan("f", append_spec(), None, "1 minute", follows=("silver",), is_follower=True)
    told = Told(tmp_path, Query(GONE), plans=[plan])
    _run(told)
    assert (told.started, told.forgotten) == ([("f", "realtime")] * 2, ["f"])
    assert list(zip(told.states, told.levels, strict=True))[2:] == [
        (("f", "STARTING"), "WARN"),
        (("f", "RUNNING"), "INFO"),
    ]
    assert "at the oldest rows of silver that Kafka has" in told.rows[2]["message"]


def test_a_flow_that_falls_behind_over_and_over_begins_anew_each_time_and_ends_no_other(tmp_path):
    slow = FlowPlan("f", append_spec(), None, "1 minute", follows=("silver",), is_follower=True)
    told = Told(tmp_path, Query(GONE), Query(GONE), plans=[slow])
    _run(told)
    assert (told.started, told.forgotten) == ([("f", "realtime")] * 3, ["f", "f"])
    assert told.levels.count("WARN") == 2


@pytest.mark.parametrize(("follows", "ended_by"), [((), GONE), (("silver",), "Caused by: java.io.IOException: no space")])
def test_no_other_flow_forgets_where_it_was(tmp_path, follows, ended_by):
    told = Told(tmp_path, Query(ended_by), plans=[FlowPlan("f", append_spec(), None, "1 minute", is_follower=bool(follows))])
    with pytest.raises(FlowError):
        _run(told)
    assert told.forgotten == []


def test_flows_that_were_not_started_before_the_stop_are_left_out(tmp_path):
    told = Told(tmp_path, Query(), Query())
    told.start(Stop(looks=0))
    assert told.started == [("f", "realtime")]


def test_a_flow_starts_when_the_one_before_runs_its_first_batch(tmp_path):
    first = Query(looks=3)
    told = Told(tmp_path, first, Query())
    told.start()
    assert first.looks < 0
    assert told.started == [("f", "realtime"), ("g", "realtime")]


def test_a_flow_does_not_wait_for_one_that_has_ended(tmp_path):
    first = Query("[SOME_ERROR]", looks=10**9)
    told = Told(tmp_path, first, Query())
    told.start()
    assert (first.looks, len(told.started)) == (10**9, 2)


def test_a_flow_waits_only_so_long_for_one_that_does_not_begin(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "FIRST_BATCH_SECONDS", 0.05)
    told = Told(tmp_path, Query(looks=10**9), Query())
    told.start()
    assert told.started == [("f", "realtime"), ("g", "realtime")]


def test_in_micro_batches_a_flow_does_not_wait_for_a_batch_that_comes_with_records(tmp_path):
    first = Query(looks=10**9)
    told = Told(tmp_path, first, Query(), mode="micro-batch")
    told.start()
    assert (first.looks, len(told.started)) == (10**9, 2)


def test_upsert_tables_begin_and_take_turns_with_the_others():
    specs = {
        "bronze": append_spec(),
        "silver": append_spec(),
        "minutes": upsert_spec(),
        "status": append_spec(),
        "hours": upsert_spec(),
    }
    plans = [FlowPlan(name, spec, None, "1 minute") for name, spec in specs.items()]
    assert [plan.name for plan in in_turns(plans)] == ["minutes", "bronze", "hours", "silver", "status"]


def _replicated(**changes):
    return FlowPlan("minutes", upsert_spec(), Records(), "1 minute", is_replicated=True, **changes)


def _run_replicated(told):
    told.start()
    told.now = 30.0
    told.flows.watch(Stop())


def test_a_replica_begins_at_the_place_of_its_flow_each_time(tmp_path):
    told = Told(tmp_path, Query(), Query("Caused by: java.io.IOException: no space"), now=0.0, plans=[_replicated()])
    _run_replicated(told)
    told.now += AGAIN_SECONDS + 30.0
    told.flows.watch(Stop())
    assert told.shared == [("c.s.gold/minutes", "c.s.gold/minutes~2", started) for started in (1, 2)]


def test_a_late_flow_goes_on_without_its_replica_and_says_so(tmp_path):
    queries = [Query(), Query()]
    told = Told(tmp_path, *queries, now=0.0, plans=[_replicated()])
    _run_replicated(told)
    told.late = 20.0
    told.flows.at_boundary("minutes", {})
    told.flows.watch(Stop())
    assert ([query.stopped for query in queries], told.states[-1], told.levels[-1]) == (
        [False, True],
        ("minutes", "RUNNING"),
        "WARN",
    )
    assert told.reported[-1].startswith("Flow minutes runs by one query alone, as it is 20 s late")


def test_micro_batches_need_no_replica(tmp_path):
    told = Told(tmp_path, now=0.0, mode="micro-batch", plans=[_replicated()])
    _run_replicated(told)
    assert told.started == [("minutes", "micro-batch")]


def test_a_flow_that_asks_for_real_time_itself_has_its_replica(tmp_path):
    told = Told(tmp_path, now=0.0, mode="micro-batch", plans=[_replicated(is_real_time=True)])
    _run_replicated(told)
    assert told.started == [("minutes", "realtime"), ("minutes~2", "realtime")]


def test_a_flow_that_goes_on_without_its_replica_says_so_and_tells_when_it_is_back(tmp_path):
    told = Told(tmp_path, Query(), Query("Caused by: java.io.IOException: no space"), now=0.0, plans=[_replicated()])
    _run_replicated(told)
    assert told.reported[-1].startswith("Flow minutes runs by one query alone, as its second one ended: Caused by:")
    assert (told.states[-1], told.levels[-1]) == (("minutes", "RUNNING"), "WARN")
    told.now += AGAIN_SECONDS + 30.0
    told.flows.watch(Stop())
    told.flows.at_boundary("minutes~2", {})
    told.flows.watch(Stop())
    assert (told.states[-1], told.levels[-1]) == (("minutes", "RUNNING"), "INFO")


def test_a_replica_moves_to_the_middle_of_its_flow_s_batch_when_their_boundaries_meet(tmp_path):
    told = Told(tmp_path, now=0.0, plans=[_replicated()])
    _run_replicated(told)
    told.now += 60.0 * STAYS
    for query in ("minutes", "minutes~2"):
        told.flows.at_boundary(query, {})
    told.flows.watch(Stop())
    told.now += 30.0
    told.flows.watch(Stop())
    assert told.started == [("minutes", "realtime"), ("minutes~2", "realtime"), ("minutes~2", "realtime")]


def test_a_flow_that_failed_has_no_replica_and_stays_failed(tmp_path):
    queries = [Query(), Query(), Query()]
    told = Told(tmp_path, *queries, now=0.0, plans=[_replicated(), FlowPlan("f", append_spec(), None, "1 minute")])
    _run_replicated(told)
    queries[0].ended_by = VIOLATED
    with pytest.raises(ExpectationViolationError):
        told.flows.watch(Stop())
    assert (queries[2].stopped, told.states[-1]) == (True, ("minutes", "FAILED"))


def test_a_flow_that_neither_mode_takes_is_told(tmp_path):
    class Refuses(Told):
        def _start(self, plan, mode):
            raise running.PySparkException(REFUSED if mode == "realtime" else "[NOT_THIS] either")

    told = Refuses(tmp_path)
    with pytest.raises(FlowError, match=r"flow f cannot start: \[NOT_THIS\]"):
        told.start()
    assert told.states[-1] == ("f", "FAILED")


def test_a_flow_that_has_failed_before_anyone_looked_is_told_when_all_stop(tmp_path):
    told = Told(tmp_path, Query("Caused by: java.io.IOException: no space"))
    told.start()
    told.flows.stop()
    assert told.states[-1] == ("f", "FAILED")


def test_a_flow_that_has_begun_before_the_others_are_known_is_not_started_again(tmp_path):
    early, other = _replicated(), FlowPlan("f", append_spec(), None, "1 minute")
    told = Told(tmp_path, plans=[other, early])
    told.flows.begin(early)
    told.start()
    assert [name for name, _ in told.started] == ["minutes", "f"]


def test_a_flow_that_is_refused_only_once_it_runs_has_no_replica(tmp_path):
    told = Told(tmp_path, Query(REFUSED), now=0.0, plans=[_replicated()])
    told.start()
    told.flows.watch(Stop())
    told.now = 30.0
    told.flows.watch(Stop())
    assert told.started == [("minutes", "realtime"), ("minutes", "micro-batch")]


def test_replicas_stop_with_their_flows(tmp_path):
    queries = [Query(), Query()]
    told = Told(tmp_path, *queries, now=0.0, plans=[_replicated()])
    _run_replicated(told)
    told.flows.stop()
    assert [query.stopped for query in queries] == [True, True]


def test_intervals_differ_so_that_boundaries_part_again():
    plans = [FlowPlan(name, append_spec(), None, "1 minute") for name in "fgh"]
    assert [plan.interval for plan in drifting(plans)] == ["60000 milliseconds", "59000 milliseconds", "58000 milliseconds"]


@pytest.mark.parametrize(("interval", "shortest"), [("5 seconds", 5_000), ("1 minute", 54_000)])
def test_no_interval_is_much_shorter_than_asked_or_than_the_mode_allows(interval, shortest):
    plans = [FlowPlan(str(n), append_spec(), None, interval) for n in range(50)]
    assert drifting(plans)[-1].interval == f"{shortest} milliseconds"
