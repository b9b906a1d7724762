from __future__ import annotations

from benchmarks.smoke import FLOORS, failures, ratios
from tests.benchmarks.support import result


def test_ratios_are_of_micro_batches_to_real_time() -> None:
    assert ratios(result("pitlake", 120, 10, 100), result("pitlake-micro", 120, 300, 400)) == {"p50_ms": 30.0, "p99_ms": 4.0}


def test_what_is_fast_and_right_passes() -> None:
    assert failures(result("pitlake", 120, 10, 100), result("pitlake-micro", 120, 300, 400)) == []


def test_a_ratio_under_its_floor_fails() -> None:
    slow = failures(result("pitlake", 120, 100, 400), result("pitlake-micro", 120, 110, 410))
    assert [line.split(":")[0] for line in slow] == list(FLOORS)


def test_a_wrong_window_fails() -> None:
    wrong = result("pitlake", 120, 10, 100, differing_rows=2)
    assert failures(wrong, result("pitlake-micro", 120, 300, 400)) == ["pitlake: 2 windows are wrong"]
