from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest
from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway

from pitlake.errors import EnvironmentProblem
from pitlake.local.java import OLDEST, chosen_java, find_java, java_version, step_back

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has a niceness for each thread")


def _niceness(thread: int) -> int:
    """Of a thread, or of the first one of a process; 0 is usual, more gives way."""
    return os.getpriority(os.PRIO_PROCESS, thread)


def _install(folder: Path, says: str, code: int = 0) -> Path:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {code}\n")
    java.chmod(0o755)
    return java


def test_the_java_of_this_machine_is_new_enough() -> None:
    assert java_version(find_java()) >= OLDEST


def test_java_home_wins_over_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = _install(tmp_path / "home", 'openjdk version "21.0.2" 2024-01-16')
    other = _install(tmp_path / "other", 'openjdk version "17.0.15" 2025-04-15')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(other.parent), prepend=":")
    assert find_java() == wanted


def test_without_java_home_the_path_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = _install(tmp_path, 'openjdk version "17.0.15" 2025-04-15')
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(java.parent), prepend=":")
    assert find_java() == java


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ('openjdk version "26-ea" 2026-03-17', 26),
        ('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "21.0.2" 2024-01-16', 21),
    ],
)
def test_versions_are_read_in_all_their_spellings(tmp_path: Path, says: str, version: int) -> None:
    assert java_version(_install(tmp_path, says)) == version


def test_an_old_java_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(tmp_path, 'openjdk version "11.0.20" 2023-07-18')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EnvironmentProblem, match="is Java 11; Spark needs 17"):
        find_java()


def test_a_java_home_without_java_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EnvironmentProblem, match="JAVA_HOME is"):
        find_java()


def test_a_missing_java_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentProblem, match="not installed"):
        find_java()


def test_a_java_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="does not run"):
        java_version(_install(tmp_path, "No Java runtime present", code=1))


@LINUX
def test_all_that_a_java_computes_gives_way_to_its_compilers() -> None:
    jar = next(Path(pyspark.__file__).parent.glob("jars/py4j-*.jar"))
    port, java = launch_gateway(jarpath=str(jar), java_path=str(chosen_java()), return_proc=True, die_on_exit=True)
    with java:
        step_back(java.pid)
        JavaGateway(gateway_parameters=GatewayParameters(port=port)).jvm.java.lang.System.nanoTime()  # in a thread of its own
        threads = [(name.read_text(), _niceness(int(name.parent.name))) for name in Path(f"/proc/{java.pid}/task").glob("*/comm")]
        java.kill()
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert {nice for name, nice in threads if name.startswith(("C1 ", "C2 "))} == {own}
    assert {nice for name, nice in threads if name.startswith("java")} == {max(own, 10)}
    assert {nice for name, nice in threads if name.startswith("Thread-")} == {max(own, 10)}


@LINUX
@pytest.mark.parametrize("before", [0, 15])
def test_a_process_that_steps_back_never_steps_forward(before: int) -> None:
    argv = ["nice", "-n", str(before), sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        given = _niceness(process.pid)
        step_back(process.pid)
        assert _niceness(process.pid) == max(given, 10)
        process.communicate(b"\n")


def test_a_process_that_has_ended_steps_back_without_a_fault() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    step_back(process.pid)
