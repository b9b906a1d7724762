from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from pitlake.local.doctor import Finding, examine
from pitlake.local.home import Home

GB = 1024**3


@pytest.fixture
def taken(tmp_path: Path) -> Iterator[int]:
    """A port on which somebody listens, and which the home in `tmp_path` has kept for its clients."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        _keep(tmp_path, port)
        yield port


def _keep(home: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        controller = other.getsockname()[1]
    Home(home).broker.mkdir()
    (Home(home).broker / "ports.json").write_text(json.dumps({"clients": port, "controller": controller}))


def _finding(home: Path, name: str) -> Finding:
    return next(each for each in examine(home) if each.name == name)


def test_everything_is_examined_and_nothing_is_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert [finding.name for finding in examine(home)] == ["java", "jars", "disk", "memory", "home", "ports"]
    assert not home.exists()


def test_what_is_well_needs_nothing_done(tmp_path: Path) -> None:
    assert all(finding.do == "" for finding in examine(tmp_path) if finding.ok)


def test_a_missing_java_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    found = _finding(tmp_path, "java")
    assert not found.ok
    assert "Install Java" in found.do


def test_jars_that_are_not_there_yet_are_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITLAKE_CACHE", str(tmp_path))
    assert _finding(tmp_path, "jars").ok


def test_too_little_memory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=GB))
    found = _finding(tmp_path, "memory")
    assert (found.ok, found.what) == (False, "1.0 GB of memory available; 4 GB are needed")


def test_a_home_that_is_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    assert not _finding(tmp_path / "home", "home").ok


def test_ports_that_are_not_chosen_yet_are_no_fault(tmp_path: Path) -> None:
    assert _finding(tmp_path, "ports").ok


def test_ports_that_the_home_has_kept_and_nobody_has_taken_are_well(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    _keep(tmp_path, port)
    found = _finding(tmp_path, "ports")
    assert found.ok
    assert found.what.endswith("are free")


def test_ports_that_the_home_s_own_broker_uses_are_well(tmp_path: Path, taken: int) -> None:
    Home(tmp_path).write_run(f"127.0.0.1:{taken}")
    assert _finding(tmp_path, "ports").ok


def test_a_port_that_another_process_has_taken_is_found(tmp_path: Path, taken: int) -> None:
    found = _finding(tmp_path, "ports")
    assert (found.ok, found.what) == (False, f"{taken}, of this home's broker, taken by another process")
    assert f"lsof -i :{taken}" in found.do
