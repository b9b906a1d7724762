from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.measure import _delivered, _run_folder
from pitlake.errors import BrokerError


def test_the_folder_of_a_run_that_ends_well_is_removed() -> None:
    told: list[str] = []
    with _run_folder(told.append) as folder:
        (folder / "logs").mkdir()
    assert not folder.exists()
    assert told == []


def test_the_folder_of_a_run_that_fails_stays_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told: list[str] = []
    with pytest.raises(OSError, match="no space"), _run_folder(told.append) as folder:
        raise OSError("no space left")
    assert folder.is_dir()
    assert told == [f"the run failed; its logs are in {folder / 'logs'}"]


def test_the_folder_of_a_run_that_is_broken_off_is_removed() -> None:
    with pytest.raises(SystemExit), _run_folder(lambda _: None) as folder:
        raise SystemExit(143)
    assert not folder.exists()


def test_a_load_of_which_messages_are_missing_is_no_measurement() -> None:
    assert _delivered({"messages": 3, "delivered": 3}) == {"messages": 3, "delivered": 3}
    with pytest.raises(BrokerError, match="2 of the producer's 3 messages"):
        _delivered({"messages": 3, "delivered": 2})
