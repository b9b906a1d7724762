"""Predictions held against the labels of the fault stories that were played: what was seen, how soon, and what was imagined."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Rows = Sequence[Mapping[str, Any]]

WINDOW = timedelta(minutes=1)
PAUSE = timedelta(minutes=2)
"""An alarm that is silent for one minute is the same alarm; for longer, another."""

STATUS = "Status"


@dataclass(frozen=True)
class Label:
    """A sensor of a machine on which a fault shows, from `begins` until `ends`, UTC."""

    story: str
    machine: str
    sensor: str
    begins: datetime
    ends: datetime

    def explains(self, machine: str, sensor: str, window: datetime) -> bool:
        """Whether the fault shows in a minute of that sensor, given by its start."""
        return (machine, sensor) == (self.machine, self.sensor) and window < self.ends and window + WINDOW > self.begins


@dataclass(frozen=True)
class Detection:
    """Whether and when the fault on a labelled sensor was predicted.

    `seen_at` is when the first row of the fault was last computed: the alarm was there by then, and may have been up to a minute
    before. `faulted_at` is when the machine itself said FAULT, None when it did not.
    """

    label: Label
    seen_at: datetime | None
    faulted_at: datetime | None

    @property
    def delay(self) -> timedelta | None:
        """From the story's beginning to the alarm, at most; None when there was none."""
        return self.seen_at - self.label.begins if self.seen_at else None

    @property
    def is_in_time(self) -> bool:
        """Whether the alarm came before the machine said FAULT."""
        return self.seen_at is not None and (self.faulted_at is None or self.seen_at < self.faulted_at)


@dataclass(frozen=True)
class Episode:
    """An alarm on a sensor: minutes in a row, the first and the last given by their starts, UTC."""

    machine: str
    sensor: str
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Score:
    """What was seen of the labels, and the alarms that no label explains; `machine_days` is how much was watched."""

    detections: tuple[Detection, ...]
    false_alarms: tuple[Episode, ...]
    machine_days: float

    @property
    def false_alarm_rate(self) -> float | None:
        """False alarms per machine-day; None when nothing was watched."""
        return len(self.false_alarms) / self.machine_days if self.machine_days else None


def labels_in(lines: Iterable[str]) -> list[Label]:
    """The labels that name a sensor which measures; faults on the way, such as a drop-out, are not for predictions to see."""
    rows = (json.loads(line) for line in lines if line.strip())
    return [
        Label(r["story"], r["machine"], r["sensor"], _moment(r["from"]), _moment(r["to"]))
        for r in rows
        if r["machine"] and r["sensor"] and r["sensor"] != STATUS
    ]


def score(
    predictions: Sequence[Mapping[str, Any]],
    labels: Sequence[Label],
    faults: Mapping[str, Sequence[datetime]],
    machine_days: float,
) -> Score:
    """Score rows of ml_predictions. `faults` are the times at which each machine said FAULT, UTC."""
    false = [row for row in predictions if not any(label.explains(*_place(row)) for label in labels)]
    detections = tuple(_detection(label, predictions, faults.get(label.machine, ())) for label in labels)
    return Score(detections, tuple(episodes(false)), machine_days)


def episodes(predictions: Iterable[Mapping[str, Any]]) -> list[Episode]:
    """The alarms that rows of ml_predictions make, in the order of their beginnings."""
    windows: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for row in predictions:
        machine, sensor, window = _place(row)
        windows[machine, sensor].append(window)
    found = [Episode(*sensor, *span) for sensor, starts in windows.items() for span in _spans(sorted(starts))]
    return sorted(found, key=lambda episode: (episode.first, episode.machine, episode.sensor))


def _spans(starts: Sequence[datetime]) -> Iterable[tuple[datetime, datetime]]:
    breaks = [at for at, (one, other) in enumerate(pairwise(starts), start=1) if other - one > PAUSE]
    for begin, end in pairwise([0, *breaks, len(starts)]):
        yield starts[begin], starts[end - 1]


def _detection(label: Label, predictions: Rows, faults: Sequence[datetime]) -> Detection:
    rows = [row for row in predictions if label.explains(*_place(row))]
    first = min(rows, key=lambda row: row["window_start"], default=None)
    said = [moment for moment in faults if label.begins <= moment < label.ends]
    return Detection(label, first["prediction_time"] if first else None, min(said, default=None))


def _place(row: Mapping[str, Any]) -> tuple[str, str, datetime]:
    return row["equipment_id"], row["sensor_name"], row["window_start"]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
