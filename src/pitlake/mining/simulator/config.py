"""What a run of the simulator is told."""

from __future__ import annotations

import difflib
from datetime import timedelta
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, PositiveFloat

from pitlake.errors import ConfigurationError
from pitlake.mining.simulator.stories import StoryName


class StoryStart(BaseModel):
    """A fault story, and how long after the start of the run it begins."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: StoryName
    after: timedelta = timedelta(0)

    @classmethod
    def parse(cls, text: str) -> StoryStart:
        """Read `bearing-wear` or `bearing-wear@90`, the number being seconds. Raises ConfigurationError for anything else."""
        name, _, seconds = text.partition("@")
        if name not in set(StoryName):
            nearest = difflib.get_close_matches(name, list(StoryName), n=1)
            hint = f"Did you mean {nearest[0]}? " if nearest else ""
            raise ConfigurationError(f"{name!r} is no fault story", do=f"{hint}The stories are {', '.join(StoryName)}.")
        try:
            after = timedelta(seconds=float(seconds or 0))
        except (ValueError, OverflowError) as error:
            raise ConfigurationError(
                f"{seconds!r} is no number of seconds", do=f"Write {name}@60 to begin after a minute."
            ) from error
        return cls(name=StoryName(name), after=after)


class SimulatorConfig(BaseModel):
    """One run. The same seed, start and stories give the same messages, byte for byte.

    `start` is the event time of the first message, now when it is None. `speed` is how many seconds of the mine pass in one of
    the wall clock; a message is never sent before its event time, so a `start` in the past is caught up with and not overtaken.
    `duration` is in the mine's time, endless when it is None. `ledger` and `labels` are JSONL files, appended to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 1
    start: AwareDatetime | None = None
    speed: PositiveFloat = 1.0
    duration: timedelta | None = None
    stories: tuple[StoryStart, ...] = ()
    ledger: Path | None = None
    labels: Path | None = None
