"""Renders the results into docs/performance.md.

    python -m benchmarks.report

replaces what stands between the page's markers, and the plot beside the page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contenders import CONTENDERS, MINE, TABLE
from benchmarks.percentiles import FIGURES, SHARES
from benchmarks.plot import Bar, Panel, plot
from benchmarks.results import (
    FOLDER,
    SINKS,
    Result,
    are_right,
    by_group,
    distinct,
    is_bound,
    median,
    read_results,
    sustained,
)
from pitlake.cli.summary import STAGES, WHOLE_WAY

DOCS = Path(__file__).parents[1] / "docs"
PLOT = "latency.svg"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
SINK_TITLES = {"topic": "to a topic", "delta": "to a Delta table, as a polling reader sees it"}

_BUDGET_TABLES = ("ot_sensors_normalized", TABLE)
_BUDGET_STAGES = tuple(stage for stage in STAGES if stage != WHOLE_WAY)
_BUDGET_FIGURES = {"p99_ms": "p99", "p999_ms": "p99.9"}


def tables(results: Sequence[Result]) -> str:
    """A table per rate and sink, of costs per rate, and of the highest sustained rates, in Markdown."""
    parts = [f"![Latencies of all contenders, to both sinks]({PLOT})"]
    runs = by_group(results)
    for rate in sorted({rate for rate, _ in runs}):
        groups = {name: runs[rate, name] for name in CONTENDERS if (rate, name) in runs}
        parts.append(f"### {rate:,g} readings/s")
        parts += [_latency_table(groups, sink) for sink in SINKS]
        parts.append(_cost_table(groups))
        mine = groups.get(MINE, [])
        parts += [table for table in (_stage_table(mine), _budget_table(mine)) if table]
    parts += ["### Highest sustained rate", _sustained_table(results)]
    return "\n\n".join(parts)


def panels(results: Sequence[Result]) -> list[Panel]:
    """A panel per rate and sink; without those of whom not even the median was seen, as a mark would show what it was not."""
    rates = sorted({result["rate"] for result in results})
    return [Panel(f"{rate:,g} readings/s, {SINK_TITLES[sink]}", _bars(results, rate, sink)) for rate in rates for sink in SINKS]


def replaced(page: str, measured: str) -> str:
    """The page with what stands between its markers replaced. Raises ValueError when it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{measured}\n\n{END}{after}"


def _bars(results: Sequence[Result], rate: float, sink: str) -> tuple[Bar, ...]:
    bars = []
    for (at, name), group in by_group(results).items():
        figures = [median(group, "sinks", sink, figure) for figure in FIGURES]
        if at == rate and all(figures) and not is_bound(group, sink, "p50_ms"):
            bars.append(Bar(_title(name), tuple(figure for figure in figures if figure)))
    return tuple(sorted(bars, key=lambda bar: bar.values[0]))


def _latency_table(groups: dict[str, list[Result]], sink: str) -> str:
    rows = [
        [_title(name), *(_latency(group, sink, figure) for figure in FIGURES), _verdict(group)] for name, group in groups.items()
    ]
    return _table([f"event {SINK_TITLES[sink]}, ms", "p50", "p90", "p99", "p99.9", "max", "result"], rows)


def _cost_table(groups: dict[str, list[Result]]) -> str:
    rows = [
        [
            _title(name),
            _number(median(group, "start_up_seconds", "topic")),
            _number(median(group, "cost", "cpu_seconds_per_million")),
            _number(median(group, "cost", "cores")),
            _number(median(group, "cost", "memory_mb")),
            _number(median(group, "broker_cost", "cores")),
            str(len(group)),
            ", ".join(f"{seconds:g}" for seconds in distinct(group, "warm_up")),
            ", ".join(distinct(group, "machine", "commit")),
            _number(median(group, "producer", "lag", "p99_ms")),
            _range(distinct(group, "machine", "million_steps_per_second")),
        ]
        for name, group in groups.items()
    ]
    measured = ["start to first row, s", "CPU s per million", "cores", "memory, MB", "broker, cores"]
    return _table(["cost", *measured, "runs", "warm-up, s", "version", "producer late, p99 ms", "machine, M steps/s"], rows)


def _stage_table(group: Sequence[Result]) -> str:
    """From the event to the commit of each of the mine's tables, by the writer's own notes; empty when there are none.

    They count stored rows, the newest one per key and commit, not readings; so does the budget.
    """
    tables = dict.fromkeys(table for result in group for table, stages in result.get("stages", {}).items() if WHOLE_WAY in stages)
    rows = [[table, *(_number(median(group, "stages", table, WHOLE_WAY, figure)) for figure in SHARES)] for table in tables]
    return _table(["the mine's tables, event to Delta, ms", "p50", "p90", "p99", "p99.9"], rows) if rows else ""


def _budget_table(group: Sequence[Result]) -> str:
    """How much of the way each stage takes, of a table of readings and of one of minutes; empty when nothing is known of them."""
    tables = [table for table in _BUDGET_TABLES if any(table in result.get("stages", {}) for result in group)]
    head = [f"{STAGES[stage]}, {title}" for stage in _BUDGET_STAGES for title in _BUDGET_FIGURES.values()]
    rows = [
        [
            table,
            *(_number(median(group, "stages", table, stage, figure)) for stage in _BUDGET_STAGES for figure in _BUDGET_FIGURES),
        ]
        for table in tables
    ]
    return _table(["stage budget, ms", *head], rows) if rows else ""


def _sustained_table(results: Sequence[Result]) -> str:
    measured = {result["contender"] for result in results}
    names = [name for name in CONTENDERS if name in measured]
    rows = [[_title(name), *(_sustained(results, name, sink) for sink in SINKS)] for name in names]
    return _table(["readings/s with p99 < 1 s, here and at each lower rate", "to the topic", "to Delta"], rows)


def _sustained(results: Sequence[Result], name: str, sink: str) -> str:
    """The highest sustained rate and the next one that was tried; a lower bound where none above it was."""
    held, missed = sustained(results, name, sink)
    if missed is None:
        return f"≥ {_number(held)}"
    return f"not {_number(missed)}" if held is None else f"{_number(held)}, not {_number(missed)}"


def _verdict(group: Sequence[Result]) -> str:
    if are_right(group):
        return "right"
    failed = sum("error" in result for result in group)
    if failed:
        return f"{failed} of {len(group)} runs failed"
    return "differs from what was sent" if any(result["differing_rows"] for result in group) else "not finished"


def _title(name: str) -> str:
    return CONTENDERS[name].title


def _latency(group: Sequence[Result], sink: str, figure: str) -> str:
    shown = _number(median(group, "sinks", sink, figure))
    return f"≥ {shown}" if is_bound(group, sink, figure) else shown


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _range(values: Sequence[float]) -> str:
    """The lowest to the highest; `values` are sorted and distinct."""
    return " to ".join(_number(value) for value in dict.fromkeys((values[0], values[-1]))) if values else "-"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=FOLDER, help="folder of the runs' files")
    parser.add_argument("--print", action="store_true", help="print the tables instead, and leave the page as it is")
    given = parser.parse_args()
    results = read_results(given.results)
    if given.print:
        sys.stdout.write(f"{tables(results)}\n")
        return
    page = DOCS / "performance.md"
    page.write_text(replaced(page.read_text(encoding="utf-8"), tables(results)), encoding="utf-8")
    (DOCS / PLOT).write_text(plot(panels(results)), encoding="utf-8")


if __name__ == "__main__":
    main()
