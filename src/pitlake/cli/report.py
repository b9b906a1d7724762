"""A run told in one HTML file that needs nothing but itself: what was checked, stored, predicted, and how long it took."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from pitlake.cli.alarms import detection_text, false_alarms_text
from pitlake.cli.ask import Checked
from pitlake.cli.durations import brief
from pitlake.cli.plots import latency_grid
from pitlake.cli.style import STYLE
from pitlake.cli.summary import SHARES, STAGES, WHOLE_WAY
from pitlake.lake.commits import Tally
from pitlake.lake.history import Spans
from pitlake.lake.latency import Histogram
from pitlake.lake.status import TableStatus
from pitlake.mining.scoring import Score

_SHOWN_ALARMS = 20


@dataclass(frozen=True)
class Report:
    """What is told of a run from `began` to `ended`, UTC.

    `stages` are the latencies per table that are shown as numbers, those since `measured_from`; `spans` those that are plotted.
    `alarms` is None where nothing predicts, `graph` the pipeline's graph as SVG, None where no pipeline has run.
    """

    began: datetime
    ended: datetime
    measured_from: datetime
    mode: str
    checks: Sequence[Checked]
    statuses: Sequence[TableStatus]
    stages: Mapping[str, Mapping[str, Histogram]]
    spans: Mapping[str, Mapping[str, Spans]]
    alarms: Score | None
    graph: str | None


def report_as_html(report: Report) -> str:
    """The whole page."""
    sections = [
        _section("Is all well?", _checks(report.checks)),
        *([_section("Predictions", _alarms(report.alarms))] if report.alarms else []),
        _section("Tables", _tables(report)),
        _section("Expectations", _expectations(report.statuses)),
        _section("Latency over the run", _latencies(report)),
        *([_section("The pipeline", f'<div class="wide">{report.graph}</div>')] if report.graph else []),
    ]
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    lines = [
        "<!doctype html>",
        f'<html lang="en"><head>{head}<title>pitlake: a run of the mine</title>',
        f"<style>{STYLE}</style>",
    ]
    body = [f"</head><body><main><h1>A run of the mine</h1><p>{_when(report)}</p>", _tiles(report), *sections]
    return "\n".join([*lines, *body, "</main></body></html>\n"])


def _when(report: Report) -> str:
    began, length = f"{report.began:%Y-%m-%d %H:%M:%S} UTC", (report.ended - report.began).total_seconds()
    return f"{began}, for {brief(length)}, in {escape(report.mode)} mode"


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _tiles(report: Report) -> str:
    return f'<div class="tiles">{"".join(_tile(*tile) for tile in _told(report))}</div>'


def _told(report: Report) -> Iterator[tuple[str, str, str]]:
    """The four or five things to look at first: a figure, what it is, and how it is, `good`, `bad` or neither."""
    passed = sum(check.verdict.ok for check in report.checks)
    yield f"{passed} of {len(report.checks)}", "validation queries passed", "good" if passed == len(report.checks) else "bad"
    whole = sum((stages.get(WHOLE_WAY, Histogram()) for stages in report.stages.values()), Histogram())
    slow = whole.percentile(SHARES["p99"])
    yield brief(whole.percentile(SHARES["p50"])), "event → in Delta, median", ""
    yield brief(slow), "event → in Delta, 99 of 100 rows", "good" if slow is not None and slow < 1 else "bad"
    judged = sum((tally for status in report.statuses for tally in status.expectations.values()), Tally())
    yield _rate(judged), "expectations met", ""
    if report.alarms is not None and report.alarms.false_alarm_rate is not None:
        yield f"{report.alarms.false_alarm_rate:.1f}", "false alarms per machine-day", ""


def _tile(figure: str, text: str, how: str) -> str:
    return f'<div class="tile {how}"><b>{escape(figure)}</b>{escape(text)}</div>'


def _checks(checks: Sequence[Checked]) -> str:
    rows = [[_mark(ok=c.verdict.ok), escape(c.query.name), escape(c.query.reads), escape(c.verdict.reason)] for c in checks]
    return _table(["", "query", "reads", "found"], rows)


def _alarms(found: Score) -> str:
    rows = [[_mark(ok=d.is_in_time), d.label.story, d.label.machine, d.label.sensor, detection_text(d)] for d in found.detections]
    false = [[e.machine, e.sensor, f"{e.first:%H:%M}", f"{e.last:%H:%M}"] for e in found.false_alarms[:_SHOWN_ALARMS]]
    more = len(found.false_alarms) - len(false)
    return "".join(
        [
            _table(["", "story", "machine", "sensor", "predicted"], rows) if rows else "<p>No fault was played.</p>",
            f"<p>{escape(false_alarms_text(found))}.</p>",
            _table(["false alarm on", "sensor", "from minute", "to minute, UTC"], false) if false else "",
            f"<p>And {more} more.</p>" if more > 0 else "",
        ]
    )


def _tables(report: Report) -> str:
    rows = [
        [
            escape(status.name.name),
            f"{status.rows:,}",
            brief((report.ended - status.last_commit).total_seconds()) if status.last_commit else "-",
            *_percentiles(report.stages.get(status.name.name, {}).get(WHOLE_WAY)),
        ]
        for status in report.statuses
    ]
    note = f"<p>p50, p95, p99: event → in Delta{_since(report)}; age: at the end of the run, since the last rows.</p>"
    return _table(["table", "rows", "age", *SHARES], rows, numbers=5) + note


def _since(report: Report) -> str:
    return ", without the first minute" if report.measured_from - report.began > timedelta(seconds=30) else ""


def _expectations(statuses: Sequence[TableStatus]) -> str:
    rows = [
        [escape(status.name.name), escape(name), f"{tally.passed:,}", f"{tally.failed:,}", _rate(tally), _bar(tally)]
        for status in statuses
        for name, tally in status.expectations.items()
    ]
    return _table(["table", "expectation", "met", "not met", "rate", ""], rows, numbers=3, first=2)


def _latencies(report: Report) -> str:
    key = '<span class="p50">p50</span>, <span class="p99">p99</span> of the rows of ten seconds or more, on a logarithmic scale'
    grid = latency_grid(report.spans, report.began, report.ended)
    rows = [
        [escape(name), escape(label), f"{stages[stage].count:,}", *_percentiles(stages[stage])]
        for name, stages in report.stages.items()
        for stage, label in STAGES.items()
        if stage in stages
    ]
    numbers = _table(["table", "stage", "rows", *SHARES], rows, numbers=4, first=2)
    return f'<p>{key}; the <span class="one">line</span> is one second.</p><div class="wide">{grid}</div>{numbers}'


def _percentiles(latencies: Histogram | None) -> list[str]:
    return [brief(latencies.percentile(share) if latencies else None) for share in SHARES.values()]


def _rate(tally: Tally) -> str:
    """The share of rows that met an expectation, rounded down: 100 % means all."""
    judged = tally.passed + tally.failed
    return f"{10_000 * tally.passed // judged / 100:.2f} %" if judged else "-"


def _bar(tally: Tally) -> str:
    judged = tally.passed + tally.failed
    return f'<meter min="0" max="{judged}" value="{tally.passed}"></meter>' if judged else ""


def _mark(*, ok: bool) -> str:
    return '<span class="good">✓</span>' if ok else '<span class="bad">✗</span>'


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0, first: int = 1) -> str:
    """A table of ready HTML cells; `numbers` of its columns, from the one at `first`, hold numbers."""
    styles = [' class="number"' if first <= column < first + numbers else "" for column in range(len(heads))]
    head = "".join(f"<th{style}>{escape(text)}</th>" for style, text in zip(styles, heads, strict=True))
    body = "".join(
        f"<tr>{''.join(f'<td{style}>{cell}</td>' for style, cell in zip(styles, row, strict=True))}</tr>" for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
