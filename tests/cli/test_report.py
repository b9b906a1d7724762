"""A run told in one page."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from pitlake.cli.ask import Checked
from pitlake.cli.report import Report, report_as_html
from pitlake.lake.commits import Tally
from pitlake.lake.latency import Histogram
from pitlake.lake.names import TableName
from pitlake.lake.status import TableStatus
from pitlake.mining.scoring import Detection, Episode, Label, Score
from pitlake.mining.validation import VALIDATION_QUERIES, Verdict

BEGAN = datetime(2026, 2, 15, 4, 12, tzinfo=UTC)
ENDED = BEGAN + timedelta(minutes=4)
WAY = {"event_to_visible": Histogram.of([0.3] * 99 + [2.0] * 3)}
LABEL = Label("bearing-wear", "CR_002", "Vibration_MM_S", BEGAN, ENDED)
SCORE = Score(
    detections=(Detection(LABEL, BEGAN + timedelta(minutes=2), None),),
    false_alarms=tuple(Episode(f"HT_{n:03}", "Fuel", BEGAN, BEGAN) for n in range(21)),
    machine_days=2.0,
)
REPORT = Report(
    began=BEGAN,
    ended=ENDED,
    measured_from=BEGAN + timedelta(minutes=1),
    mode="realtime",
    checks=[Checked(q, Verdict(ok=n != 1, reason=f"reason <{n}>")) for n, q in enumerate(VALIDATION_QUERIES)],
    statuses=[TableStatus(TableName("c", "s", "gold"), 1234, ENDED, {}, {"known": Tally(passed=2999, failed=1)})],
    stages={"gold": WAY},
    spans={"gold": {"event_to_visible": {BEGAN: WAY["event_to_visible"]}}},
    alarms=SCORE,
    graph="<svg id='graph'></svg>",
)

_VOID = {"meta", "br", "circle", "rect", "path", "polyline"}


class _Page(HTMLParser):
    """The texts of a page, and whether every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(name="texts")
def _texts():
    return _Page(report_as_html(REPORT)).texts


def test_every_element_is_closed():
    assert _Page(report_as_html(REPORT)).open == []


def test_it_needs_nothing_but_itself():
    assert re.findall(r"https?:|<link|<script|@import|src=", report_as_html(REPORT)) == []


def test_the_run_is_told_first(texts):
    assert "2026-02-15 04:12:00 UTC, for 4 min, in realtime mode" in texts


def test_the_figures_to_look_at_first_are_large():
    tiles = re.findall(r'class="tile (\w*)"><b>(.*?)</b>(.*?)</div>', report_as_html(REPORT))
    assert tiles == [
        ("bad", "5 of 6", "validation queries passed"),
        ("", "303 ms", "event → in Delta, median"),
        ("bad", "2.0 s", "event → in Delta, 99 of 100 rows"),
        ("", "99.96 %", "expectations met"),
        ("", "10.5", "false alarms per machine-day"),
    ]


def test_every_query_is_told_with_what_it_found(texts):
    assert {f"reason <{n}>" for n in range(len(VALIDATION_QUERIES))} <= set(texts)


def test_every_table_is_told_with_rows_and_percentiles(texts):
    at = texts.index("gold")
    assert texts[at : at + 6] == ["gold", "1,234", "0 ms", "303 ms", "303 ms", "2.0 s"]


def test_an_expectation_that_was_missed_once_is_not_met_by_all(texts):
    at = texts.index("known")
    assert texts[at : at + 4] == ["known", "2,999", "1", "99.96 %"]


def test_faults_and_false_alarms_are_told_and_not_endlessly(texts):
    assert "predicted 2 min after it began" in texts
    assert "21 false alarms in 2.00 machine-days, 10.5 per machine-day." in texts
    assert ("HT_019" in texts, "HT_020" in texts, "And 1 more." in texts) == (True, False, True)


def test_where_nothing_predicts_nothing_is_said_of_it():
    assert "Predictions" not in _Page(report_as_html(replace(REPORT, alarms=None))).texts


def test_the_graph_is_in_it():
    assert REPORT.graph in report_as_html(REPORT)


def test_without_a_pipeline_that_ran_there_is_no_graph():
    assert "The pipeline" not in report_as_html(replace(REPORT, graph=None))


def test_a_run_in_which_nothing_came_is_told_too():
    nothing = replace(REPORT, checks=[], statuses=[], stages={}, spans={}, alarms=Score((), (), 0.0))
    assert _Page(report_as_html(nothing)).open == []
