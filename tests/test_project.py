"""The files around the code: locks, Makefile, CI."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
TARGETS = ("demo", "test", "check", "bench-smoke", "deploy", "lock", "clean", "help")


def pins(lock: str) -> dict[str, list[str]]:
    """Each pinned requirement of a lock file, with its hashes."""
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text())
    return {entry.split(" ", 1)[0].strip(): re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry) for entry in entries}


def name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return found[0].lower()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_library_is_pinned_and_hashed(lock: str) -> None:
    locked = pins(lock)
    assert locked
    assert [pin for pin, hashes in locked.items() if "==" not in pin or not hashes] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_says_nothing_about_where_libraries_come_from(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert re.findall(r"\S*://\S*|--(?:index|extra-index|find)\S*|(?:^|\s)/\S+", text) == []


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    build = set(project["build-system"]["requires"])
    groups = project["dependency-groups"]
    runtime, dev = ({name(pin) for pin in pins(lock)} for lock in LOCKS)
    assert build <= set(groups["build"])
    assert {name(item) for item in [*project["project"]["dependencies"], *groups["build"]]} <= runtime
    assert {name(item) for item in groups["dev"]} <= dev


def test_the_locks_agree() -> None:
    runtime, dev = (pins(lock) for lock in LOCKS)
    assert {pin: dev.get(pin) for pin in runtime} == runtime


@pytest.mark.parametrize("command", [["make"], ["make", "help"]])
def test_make_shows_every_target(command: list[str]) -> None:
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert sorted(re.findall(r"^  make (\S+) +\S", shown, re.MULTILINE)) == sorted(TARGETS)


def test_ci_runs_what_people_run() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert re.findall(r"^make .*$", script.read_text(), re.MULTILINE) == ["make check", "make test"]


def test_the_licence_is_the_one_that_the_project_names() -> None:
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text()
