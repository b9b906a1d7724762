"""Processes that are started in order, at once or one after the other, kept alive, and ended in reverse order.

    with Supervisor(show) as supervisor:
        supervisor.start(broker)             # returns when it is ready
        …                                    # whatever must happen before the next part
        supervisor.launch(writer, pipeline)  # returns at once
        supervisor.await_ready()             # returns when all parts are ready
        supervisor.watch(stop)               # restarts what dies, until `stop` is set

Each part runs under a guard (guard.py) in a process group of its own, so that it ends with the supervisor however that ends.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from pitlake.errors import ProcessError
from pitlake.local.processes import LOG_BYTES, GuardedProcess, last_lines

_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Restarts:
    """When a part that died is started again.

    A death is quick when the part had been ready for less than `quick_seconds`, or was not ready yet. The first restart waits
    `first_seconds`, each further one after a quick death twice as long, up to `most_seconds`; after `quick_deaths` quick deaths
    in a row there is none.
    """

    quick_deaths: int = 5
    quick_seconds: float = 30.0
    first_seconds: float = 0.5
    most_seconds: float = 10.0

    def delay(self, quick_deaths: int) -> float | None:
        """Seconds until the next start after that many quick deaths in a row, or None to give up."""
        if quick_deaths >= self.quick_deaths:
            return None
        return min(self.most_seconds, self.first_seconds * 2.0 ** max(0, quick_deaths - 1))


@dataclass(frozen=True)
class Part:
    """A process to be kept running. `ready` tells whether the process that runs now does its work; it must not block for long.

    `env` is added to this process's environment. `log` takes what the part prints; what it printed before its last start, or
    before its log last grew beyond `log_bytes`, is kept beside it with the suffix `.1`. A part without `restarts` may end by
    itself with code 0; any other end of it is an error.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    restarts: Restarts | None = field(default_factory=Restarts)
    ready_seconds: float = 120.0
    grace_seconds: float = 15.0
    log_bytes: int = LOG_BYTES


class Change(StrEnum):
    """What can happen to a part."""

    STARTING = "starting"
    READY = "ready"
    DIED = "died"
    FINISHED = "finished"
    ENDING = "ending"
    ENDED = "ended"


@dataclass(frozen=True)
class Event:
    """Something happened to a part; `detail` is for people, and may be empty."""

    part: str
    change: Change
    detail: str = ""


class Supervisor:
    """Starts parts, keeps them running while it starts others or watches, and ends them when it is left.

    `on_event` hears of every change. `held` are descriptors that stay open as long as any part runs, such as a home's lock;
    `clock` gives seconds. One thread at a time.
    """

    def __init__(
        self,
        on_event: Callable[[Event], None] = lambda _: None,
        *,
        held: Sequence[int] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_event = on_event
        self._held = tuple(held)
        self._clock = clock
        self._keepers: list[_Keeper] = []

    def launch(self, *parts: Part) -> None:
        """Start parts and return at once; what comes next waits for them, and tells what becomes of them."""
        for part in parts:
            keeper = _Keeper(part, self._on_event, self._held, self._clock)
            self._keepers.append(keeper)
            keeper.start()

    def start(self, *parts: Part) -> None:
        """Start parts, together, and return when all of them are ready.

        Raises ProcessError when any part ends before it was ready once, or takes longer than its `ready_seconds`.
        """
        self.launch(*parts)
        self.await_ready(*(part.name for part in parts))

    def await_ready(self, *names: str) -> None:
        """Return when the parts of these names are ready, or all when none is named. Raises ProcessError as `start` does."""
        by_name = {keeper.part.name: keeper for keeper in self._keepers}
        awaited = [by_name[name] for name in names] or self._keepers
        while not all(keeper.is_up for keeper in awaited):
            time.sleep(_POLL_SECONDS)
            self._look()

    def watch(self, stop: threading.Event) -> None:
        """Restart parts that die, until `stop` is set. Raises ProcessError when a part dies again and again, or may not die."""
        while not stop.wait(_POLL_SECONDS):
            self._look()

    def pid(self, name: str) -> int | None:
        """The id of a part's process, None while there is none."""
        return next((keeper.pid for keeper in self._keepers if keeper.part.name == name), None)

    def stop(self) -> None:
        """End all parts, the last one started first, each within its grace. Further signals are not heard meanwhile."""
        with _signals_unheard():
            while self._keepers:
                self._keepers[-1].end()
                self._keepers.pop()

    def _look(self) -> None:
        for keeper in self._keepers:
            keeper.look()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


@contextmanager
def termination_as_exit() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit, so that a supervisor is left in order. For the main thread."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    # What nohup has told this process to ignore stays ignored.
    heard = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, leave) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _signals_unheard() -> Iterator[None]:
    """Keep an impatient second Ctrl-C from breaking the order; each part's grace bounds how long this takes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # A mask would hold for this thread alone, and the signal would come by way of another.
    impatient = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in impatient}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Keeper:
    """One part over its starts and ends."""

    def __init__(self, part: Part, on_event: Callable[[Event], None], held: tuple[int, ...], clock: Callable[[], float]) -> None:
        self.part = part
        self._on_event = on_event
        self._held = held
        self._clock = clock
        self._process: GuardedProcess | None = None
        self._since = clock()
        """When the present state began; without a process, when the next one is due."""
        self._quick_deaths = 0
        self._is_ready = False
        self._was_ready_once = False
        """What has never worked is not tried again: its fault is told at once."""
        self._has_finished = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_up(self) -> bool:
        """Whether the part is ready, or has done what it had to do."""
        return self._is_ready or self._has_finished

    def start(self) -> None:
        self._tell(Change.STARTING)
        part = self.part
        self._process = GuardedProcess(part.argv, part.env, part.log, grace_seconds=part.grace_seconds, held=self._held)
        self._is_ready = False
        self._since = self._clock()

    def look(self) -> None:
        """Take note of what has happened since the last look, and start the part when its time has come."""
        if self._process is None:
            if not self._has_finished and self._clock() >= self._since:
                self.start()
        elif (code := self._process.exit_code()) is not None:
            self._note_end(f"ended with code {code}", done=code == 0)
        else:
            self._process.bound_log(self.part.log_bytes)
            if not self._is_ready:
                self._look_whether_ready(self._process)

    def end(self) -> None:
        if self._process is None:
            return
        self._tell(Change.ENDING)
        self._process.end()
        self._process = None
        self._tell(Change.ENDED)

    def _look_whether_ready(self, process: GuardedProcess) -> None:
        if self.part.ready():
            self._is_ready = self._was_ready_once = True
            self._since = self._clock()
            self._tell(Change.READY)
        elif self._clock() - self._since > self.part.ready_seconds:
            process.end()
            self._note_end(f"was not ready after {self.part.ready_seconds:g} s", done=False)

    def _note_end(self, what: str, *, done: bool) -> None:
        self._process = None
        restarts = self.part.restarts
        if done and restarts is None:
            self._has_finished = True
            self._tell(Change.FINISHED)
            return
        delay = self._delay(restarts) if self._was_ready_once and restarts else None
        self._tell(Change.DIED, what if delay is None else f"{what}; starts again in {delay:g} s")
        if delay is None:
            raise self._failure(what)
        self._is_ready = False
        self._since = self._clock() + delay

    def _delay(self, restarts: Restarts) -> float | None:
        lasted = self._is_ready and self._clock() - self._since >= restarts.quick_seconds
        self._quick_deaths = 0 if lasted else self._quick_deaths + 1
        return restarts.delay(self._quick_deaths)

    def _failure(self, what: str) -> ProcessError:
        times = f", {self._quick_deaths} times in a row" if self._quick_deaths > 1 else ""
        return ProcessError(
            f"The process {self.part.name} {what}{times}. It said last:\n{last_lines(self.part.log)}",
            do=f"The whole log is {self.part.log}.",
        )

    def _tell(self, change: Change, detail: str = "") -> None:
        self._on_event(Event(self.part.name, change, detail))
