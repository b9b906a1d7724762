from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.stages import StageWatch, percentiles, stage_percentiles
from pitlake.lake import history
from pitlake.lake.latency import Histogram
from pitlake.lake.spec import Column
from tests.support.waiting import await_that
from tests.support.writing import START, append_spec, landing, open_writer, record, stamp

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def commit_a_row(lake: Path) -> None:
    columns = (*append_spec().columns, Column(name="at", type="TIMESTAMP"))
    early = stamp(START - timedelta(seconds=1))
    open_writer(lake, append_spec(columns=columns, event_time="at")).write([record(0, landing(0) | {"at": early})])


def test_percentiles_are_in_milliseconds() -> None:
    found = percentiles(Histogram.of([0.1] * 98 + [2.0] * 2))
    assert found == {
        "p50_ms": pytest.approx(100, rel=0.05),
        "p90_ms": pytest.approx(100, rel=0.05),
        "p99_ms": pytest.approx(2_000, rel=0.05),
        "p999_ms": pytest.approx(2_000, rel=0.05),
    }


def test_an_empty_histogram_has_no_percentiles() -> None:
    assert percentiles(Histogram()) == {}


def test_what_was_committed_in_the_block_is_gathered_at_its_end(tmp_path: Path) -> None:
    with StageWatch(str(tmp_path), LONG_AGO) as watch:
        commit_a_row(tmp_path)
    assert watch.stages()["silver"]["event_to_visible"].count == 1
    assert set(stage_percentiles(watch.stages())["silver"]["event_to_visible"]) == {"p50_ms", "p90_ms", "p99_ms", "p999_ms"}


def test_what_is_committed_before_the_moment_does_not_count(tmp_path: Path) -> None:
    with StageWatch(str(tmp_path), datetime.now(UTC) + timedelta(hours=1)) as watch:
        commit_a_row(tmp_path)
    assert watch.stages() == {}


def test_the_watch_goes_on_when_a_table_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def look(_self: Any) -> None:
        looks.append(1)
        raise OSError("it is just being made")

    monkeypatch.setattr(history.LatencyHistory, "look", look)
    monkeypatch.setattr(history, "LOOK_SECONDS", 0.01)
    with StageWatch(str(tmp_path), LONG_AGO):
        await_that(lambda: len(looks) > 2, "the watch has looked again")
