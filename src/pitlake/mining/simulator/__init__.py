"""A deterministic stand-in for the mine: machines that measure, gateways that report, faults that are played on purpose."""

from pitlake.mining.simulator.config import SimulatorConfig, StoryStart
from pitlake.mining.simulator.running import Clock, Summary, WallClock, run_simulator
from pitlake.mining.simulator.sender import Delivery, Sender
from pitlake.mining.simulator.stories import StoryName

__all__ = [
    "Clock",
    "Delivery",
    "Sender",
    "SimulatorConfig",
    "StoryName",
    "StoryStart",
    "Summary",
    "WallClock",
    "run_simulator",
]
