"""What the doctor found, printed."""

from __future__ import annotations

import json

import pytest

from pitlake.local import doctor
from pitlake.local.doctor import Finding

WELL = Finding("java", ok=True, what="Java 21")
ILL = Finding("disk", ok=False, what="0.1 GB free", do="Free some space.")


@pytest.fixture
def found(monkeypatch):
    """What the examination gives."""
    return lambda *findings: monkeypatch.setattr(doctor, "examine", lambda home: list(findings))


def test_a_healthy_machine_is_exit_code_0(run, found):
    found(WELL)
    result = run("doctor")
    assert (result.exit_code, result.stdout) == (0, "✓ java\n  Java 21\n")


def test_what_is_wrong_is_exit_code_1_and_comes_with_advice(run, found):
    found(WELL, ILL)
    result = run("doctor")
    assert (result.exit_code, result.stdout) == (1, "✓ java\n  Java 21\n✗ disk\n  0.1 GB free\n  do Free some space.\n")


def test_json_has_the_same(run, found):
    found(ILL)
    result = run("doctor", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == [{"name": "disk", "ok": False, "what": "0.1 GB free", "do": "Free some space."}]
