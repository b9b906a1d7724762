from __future__ import annotations

import subprocess
from pathlib import Path

import orjson
import psutil
import pytest
from deltalake.exceptions import TableNotFoundError

from benchmarks import compare
from benchmarks.compare import is_wanted, schedule, warm_up_seconds
from benchmarks.measure import Run
from pitlake.errors import ProcessError
from tests.benchmarks.support import failed, result


def test_contenders_take_turns_and_rates_rise() -> None:
    runs = list(schedule(["a", "b"], [1_000, 120], 2))
    assert runs == [
        *((1, 120, "b"), (1, 120, "a"), (1, 1_000, "b"), (1, 1_000, "a")),
        *((2, 120, "a"), (2, 120, "b"), (2, 1_000, "a"), (2, 1_000, "b")),
    ]


@pytest.mark.parametrize(
    ("contender", "rate", "seconds"),
    [
        ("pitlake", 120, 45),
        ("flink", 9_999, 45),
        ("flink", 10_000, 120),
        ("pitlake-mining", 999, 45),
        ("pitlake-mining", 1_999, 120),
        ("pitlake-mining", 2_000, 300),
    ],
)
def test_the_warm_up_follows_the_rate_and_is_longest_for_the_mine(contender: str, rate: float, seconds: float) -> None:
    assert warm_up_seconds(contender, rate) == seconds


@pytest.mark.parametrize(
    "fault",
    [
        ProcessError("The process writer ended", do="See its log."),
        TimeoutError("it has shown no result"),
        subprocess.CalledProcessError(1, ["uv"]),
        TableNotFoundError("no log files"),
        psutil.NoSuchProcess(1),
        OSError("no space left"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_a_run_that_fails_is_a_result(fault: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(compare, "measure", fail)
    told = compare._measured(Run("flink", 120, 60, 45))
    assert told.pop("error") == str(fault)
    assert told == {"contender": "flink", "rate": 120, "seconds": 60, "warm_up": 45}


def test_a_fault_of_the_program_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "measure", lambda *_: {}["absent"])
    with pytest.raises(KeyError):
        compare._measured(Run("flink", 120))


def test_a_run_is_made_once_and_a_failed_one_again_when_that_is_wanted(tmp_path: Path) -> None:
    made, wrong = tmp_path / "made", tmp_path / "wrong"
    made.write_bytes(orjson.dumps(result("flink", 120, 1, 1)))
    wrong.write_bytes(orjson.dumps(failed("flink", 120)))
    absent = tmp_path / "absent"
    assert [is_wanted(file, again_failed=False) for file in (absent, made, wrong)] == [True, False, False]
    assert [is_wanted(file, again_failed=True) for file in (absent, made, wrong)] == [True, False, True]
