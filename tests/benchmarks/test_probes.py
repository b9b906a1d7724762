from __future__ import annotations

import gc
from pathlib import Path

import pytest

from benchmarks.probes import record, recorded
from benchmarks.topic_probe import micros
from benchmarks.windows import Sighting

ROW = (1_771_128_720_000_000, "CR_002", "Vibration_MM_S")
SEEN = [Sighting(10.5, ROW, 1), Sighting(11.0, ROW, 4)]


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-15T04:12:00.000000Z",
        "2026-02-15T04:12:00Z",
        "2026-02-15T04:12:00+00:00",
        "2026-02-15T12:12:00+08:00",
        "2026-02-15T04:12:00",
    ],
)
def test_a_window_has_one_start_however_an_engine_spells_it(text: str) -> None:
    assert micros(text) == ROW[0]


def test_what_a_probe_saw_can_be_read_back(tmp_path: Path) -> None:
    record(lambda _is_over: SEEN, tmp_path)
    assert recorded(tmp_path) == SEEN


def test_a_probe_tells_that_it_watches_and_when_it_saw_the_first_row(tmp_path: Path) -> None:
    ready = []

    def sightings(_is_over: object) -> list[Sighting]:
        ready.append((tmp_path / "ready").is_file())
        return SEEN

    record(sightings, tmp_path)
    assert ready == [True]
    assert (tmp_path / "first").read_text() == "10.5"


def test_a_probe_never_stands_still_to_look_for_garbage(tmp_path: Path) -> None:
    looks = []

    def sightings(_is_over: object) -> list[Sighting]:
        looks.append(gc.isenabled())
        return SEEN

    record(sightings, tmp_path)
    assert (looks, gc.isenabled()) == ([False], True)
