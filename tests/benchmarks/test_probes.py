from __future__ import annotations

import pytest

from benchmarks.topic_probe import micros


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
    assert micros(text) == 1_771_128_720_000_000
