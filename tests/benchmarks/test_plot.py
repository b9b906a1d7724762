from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from benchmarks.plot import LEFT, RIGHT, WIDTH, Bar, Panel, decades, plot, x_of

SVG = "{http://www.w3.org/2000/svg}"
PANELS = [Panel("120 readings/s", (Bar("pitlake <1>", (14.0, 20.0, 300.0, 500.0, 600.0)),))]


def test_the_plot_is_well_formed_and_needs_nothing_else() -> None:
    root = ET.fromstring(plot(PANELS))  # noqa: S314 - our own text
    assert root.tag == f"{SVG}svg"
    assert not [element for element in root.iter() if any("href" in name for name in element.attrib)]


def test_every_percentile_is_a_mark_that_says_its_value() -> None:
    root = ET.fromstring(plot(PANELS))  # noqa: S314 - our own text
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert titles == ["p50 14 ms", "p90 20 ms", "p99 300 ms", "p99.9 500 ms", "max 600 ms"]


def test_names_are_escaped() -> None:
    root = ET.fromstring(plot(PANELS))  # noqa: S314 - our own text
    assert "pitlake <1>" in [text.text for text in root.iter(f"{SVG}text")]


def test_the_scale_holds_all_values_between_powers_of_ten() -> None:
    assert decades([14.0, 600.0]) == (1, 3)
    assert decades([10.0, 10.0]) == (1, 2)


def test_the_scale_is_logarithmic() -> None:
    assert x_of(10.0, 1, 3) == LEFT
    assert x_of(1_000.0, 1, 3) == WIDTH - RIGHT
    assert x_of(100.0, 1, 3) == pytest.approx((LEFT + WIDTH - RIGHT) / 2)
