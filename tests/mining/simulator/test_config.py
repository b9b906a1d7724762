from __future__ import annotations

from datetime import timedelta

import pytest

from pitlake.errors import ConfigurationError
from pitlake.mining.simulator import StoryName, StoryStart


@pytest.mark.parametrize(("text", "seconds"), [("bearing-wear", 0), ("bearing-wear@90", 90), ("bearing-wear@0.5", 0.5)])
def test_a_story_is_given_by_its_name_and_begin(text, seconds):
    assert StoryStart.parse(text) == StoryStart(name=StoryName.BEARING_WEAR, after=timedelta(seconds=seconds))


def test_an_unknown_story_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigurationError, match="no fault story") as error:
        StoryStart.parse("bearing-ware")
    assert "Did you mean bearing-wear?" in error.value.do


def test_a_begin_that_is_no_number_is_refused():
    with pytest.raises(ConfigurationError, match="'soon' is no number"):
        StoryStart.parse("bearing-wear@soon")
