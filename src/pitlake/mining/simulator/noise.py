"""Noise that stays near its nominal value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from pitlake.mining.site import Sensor

_PULL = 0.05
"""The part of its distance from nominal that a value goes back in one step."""

_KICK = 0.1
"""The standard deviation of one step, in half-widths of the normal range; with the pull, values fill about two thirds of it."""

_DECIMALS = {"t/h": 0, "mm/s": 2, "m/s": 3, "mm": 2, "km/h": 1, "A": 1, "Cel": 2, "%": 1, "[psi]": 2}


@dataclass
class MeanReverting:
    """A random walk that is pulled towards `nominal` and never leaves `low` to `high`."""

    rng: Random
    nominal: float
    low: float
    high: float
    decimals: int

    def __post_init__(self) -> None:
        self._value = self.nominal

    @classmethod
    def of(cls, sensor: Sensor, rng: Random) -> MeanReverting:
        """The walk of a healthy sensor: around its nominal value, within its normal range.

        Raises ValueError for a sensor that carries text.
        """
        low, high = sensor.normal
        if sensor.nominal is None or sensor.unit is None or low is None or high is None:
            raise ValueError(sensor.name)
        return cls(rng, sensor.nominal, low, high, _DECIMALS.get(sensor.unit, 1))

    def step(self) -> float:
        """The next value, rounded to what the instrument resolves."""
        kick = self.rng.gauss(0.0, _KICK * (self.high - self.low) / 2)
        moved = self._value + _PULL * (self.nominal - self._value) + kick
        self._value = min(self.high, max(self.low, moved))
        return round(self._value, self.decimals)
