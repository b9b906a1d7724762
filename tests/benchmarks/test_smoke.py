from __future__ import annotations

from typing import Any

import pytest

from benchmarks import smoke
from benchmarks.results import FOLDER, by_group, median, read_results
from benchmarks.smoke import FLOORS, LIMIT_SECONDS, failures, ratios
from pitlake.errors import ProcessError
from tests.benchmarks.support import result

FAST, SLOW = result("pitlake", 120, 10, 100), result("pitlake-micro", 120, 310, 950)


def test_ratios_are_of_micro_batches_to_real_time() -> None:
    of_a_sink = {"p50_ms": 31.0, "p99_ms": 9.5}
    assert ratios(FAST, SLOW) == {"topic": of_a_sink, "delta": of_a_sink}


def test_what_is_fast_and_right_passes() -> None:
    assert failures(FAST, SLOW, LIMIT_SECONDS) == []


def test_the_page_s_own_figures_pass() -> None:
    groups = by_group(read_results(FOLDER))

    def of_the_page(contender: str) -> dict[str, Any]:
        group = groups[120, contender]
        return {"sinks": {sink: {name: median(group, "sinks", sink, name) for name in of} for sink, of in FLOORS.items()}}

    found = ratios(of_the_page("pitlake"), of_the_page("pitlake-micro"))
    assert all(found[sink][name] > floor for sink, floors in FLOORS.items() for name, floor in floors.items())


def test_a_ratio_under_its_floor_fails() -> None:
    slow = failures(result("pitlake", 120, 100, 400), result("pitlake-micro", 120, 110, 410), 100)
    assert [line.split(":")[0] for line in slow] == [f"{sink} {name}" for sink, floors in FLOORS.items() for name in floors]


@pytest.mark.parametrize(
    ("others", "line"),
    [
        ({"differing_rows": 2}, "pitlake: 2 windows are wrong, 0 lack readings"),
        ({"unfinished_rows": 3}, "pitlake: 0 windows are wrong, 3 lack readings"),
    ],
)
def test_a_wrong_or_unfinished_window_fails(others: dict[str, Any], line: str) -> None:
    assert failures(result("pitlake", 120, 10, 100, **others), SLOW, 100) == [line]


def test_a_reading_that_was_never_seen_fails() -> None:
    unseen = failures(result("pitlake", 120, 10, 100, unseen=4), SLOW, 100)
    assert unseen == [f"pitlake: 4 readings were never seen in the {sink}" for sink in ("topic", "delta")]


def test_to_take_too_long_fails() -> None:
    assert failures(FAST, SLOW, 181) == ["it took 181 s, more than 180"]


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (
            ProcessError("The process writer ended. It said last:\nhelp\nme", do="The whole log is writer.log."),
            "The process writer ended. The whole log is writer.log.",
        ),
        (TimeoutError("pitlake has shown no result. It said last:\nwriter: help"), "pitlake has shown no result."),
    ],
)
def test_a_run_that_fails_is_told_in_one_line(
    fault: Exception, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(smoke, "fetch_jars", lambda _: None)
    monkeypatch.setattr(smoke, "measure", fail)
    assert smoke.main() == 1
    assert capsys.readouterr().err == f"error {line}\n"
