"""One driver for each pipeline on a home."""

from __future__ import annotations

import pytest

from pitlake.cli.pipeline import _only_run_of
from pitlake.errors import ConfigurationError
from pitlake.local.home import Home


def test_a_second_driver_of_the_same_files_is_refused(tmp_path):
    files, home = [tmp_path / "a.py", tmp_path / "b.py"], Home(tmp_path)
    with (
        _only_run_of(files, home),
        pytest.raises(ConfigurationError, match="already run on the home"),
        _only_run_of(files[::-1], home),
    ):
        pass
    with _only_run_of(files, home):
        pass


def test_other_files_run_beside_on_the_same_home(tmp_path):
    home = Home(tmp_path)
    with _only_run_of([tmp_path / "a.py"], home), _only_run_of([tmp_path / "b.py"], home):
        pass
