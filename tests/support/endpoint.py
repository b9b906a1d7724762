"""The endpoint as a process of its own, with one client that may write to every table of `c.s`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pitlake.cli.clients import clients_file, last_addresses
from pitlake.ingest.addresses import Addresses
from pitlake.ingest.clients import Clients
from pitlake.ingest.tables import declare_landing_table
from pitlake.ingest.tokens import Grant, Tokens
from pitlake.local.home import Home
from pitlake.local.processes import GuardedProcess, last_lines

TABLE = "c.s.landing"
START_SECONDS = 60.0


@dataclass
class RunningEndpoint:
    """A running endpoint. After a kill, `start` brings it back on the same ports."""

    bootstrap: str
    home: Path
    client_id: str
    secret: str
    options: tuple[str, ...] = ()
    env: Mapping[str, str] | None = None

    @property
    def addresses(self) -> Addresses:
        found = last_addresses(Home(self.home))
        assert found is not None
        return found

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def token(self, table: str, *, age: int = 0) -> str:
        """A token for a table, issued so many seconds ago."""
        key = (self.home / "ingest" / "signing.key").read_bytes()
        return Tokens(key, clock=lambda: time.time() - age).issue(Grant(self.client_id, (table,)))

    def start(self) -> None:
        ready = self.home / "ready" / "endpoint"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pitlake", "serve", "--home", str(self.home), *self.options]
        log = self.home / "endpoint.log"
        env = {"PITLAKE_WAIT": "true", **(self.env or {})}
        self.process = GuardedProcess(command, env, log, grace_seconds=20.0)
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            assert self.process.exit_code() is None, f"the endpoint ended before it was ready:\n{last_lines(log)}"
            assert time.monotonic() < deadline, f"the endpoint is not ready:\n{last_lines(log)}"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it with SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)
        while self.process.exit_code() is None:
            time.sleep(0.005)

    def end(self) -> None:
        """End it with SIGTERM, and wait until it has gone."""
        self.process.end()


@contextmanager
def running_endpoint(
    bootstrap: str, home: Path, *, table: str = TABLE, options: tuple[str, ...] = (), env: Mapping[str, str] | None = None
) -> Iterator[RunningEndpoint]:
    """An endpoint on `home` while the block lasts; `table` is a landing table."""
    declare_landing_table(bootstrap, table)
    Home(home).write_run(bootstrap)
    secret = Clients(clients_file(Home(home))).add("tester", ["c.s.*"])
    endpoint = RunningEndpoint(bootstrap, home, "tester", secret, options, env)
    endpoint.start()
    try:
        yield endpoint
    finally:
        endpoint.end()
