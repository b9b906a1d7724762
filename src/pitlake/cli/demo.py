"""`pitlake demo`: the whole mine on this machine, watched live, with a summary at the end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pitlake.cli.live import watch_mine
from pitlake.cli.parts import SIMULATOR
from pitlake.cli.settings import Settings
from pitlake.mining.simulator import StoryStart


@dataclass(frozen=True)
class DemoConfig:
    """What to run: `seconds` is how long readings are sent, None for until Ctrl-C; a story may start later, as `name@60`."""

    settings: Settings
    seconds: float | None
    stories: tuple[str, ...]
    seed: int
    ledger: Path | None
    report: Path | None = None

    def simulator_arguments(self) -> list[str]:
        """The arguments of `pitlake simulate`."""
        stories = [argument for story in self.stories for argument in ("--story", story)]
        ledger = ["--ledger", str(self.ledger.resolve())] if self.ledger else []
        limit = ["--for", f"{self.seconds}s"] if self.seconds is not None else []
        return ["simulate", "--seed", str(self.seed), *stories, *ledger, *limit]


def run_demo(config: DemoConfig) -> None:
    """Run the demo. Raises ConfigurationError, EnvironmentProblem and ProcessError; Ctrl-C is a good end."""
    for story in config.stories:
        StoryStart.parse(story)
    watch_mine(
        config.settings,
        lambda system: system.supervisor.start(system.command(SIMULATOR, config.simulator_arguments())),
        seconds=config.seconds,
        report=config.report,
    )
