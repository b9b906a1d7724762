"""The window remembers what is new enough, and takes no more room for it."""

from __future__ import annotations

import random

import pytest

from pitlake.ingest.window import Window


@pytest.fixture(name="digests")
def _digests():
    chance = random.Random(1)  # noqa: S311
    return [chance.randbytes(16) for _ in range(30_000)]


def test_what_was_never_added_is_new(digests):
    window = Window(10_000)
    assert not window.add(digests)


def test_the_newest_are_known(digests):
    window = Window(10_000)
    window.add(digests)
    assert window.add(digests[-10_000:]) == digests[-10_000:]


def test_the_oldest_are_forgotten(digests):
    window = Window(1_000)
    window.add(digests)
    assert not window.add(digests[:10_000])
