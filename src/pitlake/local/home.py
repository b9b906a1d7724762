"""The home: the folder in which all state of one running system lives, its lock, and the note that says where its broker is."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pitlake.errors import BrokerError, ConfigurationError
from pitlake.local.files import write_atomically
from pitlake.local.locks import opened, try_lock
from pitlake.local.processes import is_alive

ENDING_SECONDS = 30.0
"""How long a start waits for the processes of a run whose supervisor was killed."""

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Home:
    """Where things are. Nothing is made before something is written."""

    path: Path

    @property
    def broker(self) -> Path:
        """Folder of the broker's configuration and log."""
        return self.path / "broker"

    @property
    def checkpoints(self) -> Path:
        """Folder of Spark's checkpoints, one below it for each flow."""
        return self.path / "checkpoints"

    @property
    def ingest(self) -> Path:
        """Folder of the endpoint's clients, key and addresses."""
        return self.path / "ingest"

    @property
    def lake(self) -> Path:
        """Folder of the Delta tables."""
        return self.path / "lake"

    @property
    def logs(self) -> Path:
        """Folder of what the processes print."""
        return self.path / "logs"

    @property
    def ready(self) -> Path:
        """Folder in which processes announce that they are ready."""
        return self.path / "ready"

    @property
    def run_file(self) -> Path:
        """File that says where the broker of the present run answers."""
        return self.path / "run.json"

    @property
    def labels(self) -> Path:
        """File of the faults that simulators have played here, as JSON lines; there once one ran."""
        return self.path / "labels.jsonl"

    def log(self, part: str) -> Path:
        """The log of a process."""
        return self.logs / f"{part}.log"

    @contextmanager
    def locked(self) -> Iterator[int]:
        """Hold the home for one run, and forget the run's address at the end.

        Gives the descriptor of the lock: processes that inherit it keep the home locked until they have ended too. When the run
        that holds the lock was killed, its processes are waited for. Raises ConfigurationError when another run has the home.
        """
        with opened(self.path / "lock") as lock:
            self._lock(lock)
            self.run_file.unlink(missing_ok=True)  # of a run that was killed; its process id may be another's now
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            try:
                yield lock
            finally:
                self.run_file.unlink(missing_ok=True)

    def write_run(self, bootstrap: str) -> None:
        """Tell other commands that the broker of this process's run answers at `bootstrap`."""
        write_atomically(self.run_file, json.dumps({"bootstrap": bootstrap, "pid": os.getpid()}))

    def has_run(self) -> bool:
        """Whether a run has said where its broker answers, and lives."""
        try:
            self.read_bootstrap()
        except BrokerError:
            return False
        return True

    def read_bootstrap(self) -> str:
        """Where the broker of the present run answers. Raises BrokerError when nothing runs on this home."""
        try:
            run = json.loads(self.run_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            raise self._idle() from None
        if not is_alive(run["pid"]):
            raise self._idle()
        return str(run["bootstrap"])

    def _lock(self, lock: int) -> None:
        deadline = time.monotonic() + ENDING_SECONDS
        while not try_lock(lock):
            holder = int(os.pread(lock, 32, 0) or b"0")
            if is_alive(holder):
                raise ConfigurationError(
                    f"The home {self.path} is in use by process {holder}.",
                    do=f"End that one (Ctrl-C in its terminal, or kill {holder}), or give this one another home with --home.",
                )
            if time.monotonic() > deadline:
                raise ConfigurationError(
                    f"Processes of an earlier run, whose process {holder} was killed, still use the home {self.path}.",
                    do="Wait until they have ended, or give this one another home with --home.",
                )
            time.sleep(_POLL_SECONDS)

    def _idle(self) -> BrokerError:
        return BrokerError(
            f"Nothing runs on the home {self.path}.",
            do="Start it with `pitlake demo`, name the home that runs with --home, or set PITLAKE_KAFKA to a Kafka that runs.",
        )
