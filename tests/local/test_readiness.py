from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pitlake.local.home import Home
from pitlake.local.readiness import announce_ready, is_ready

ANNOUNCE = """
import sys
from pathlib import Path
from pitlake.local.home import Home
from pitlake.local.readiness import announce_ready
announce_ready(Home(Path(sys.argv[1])), "writer")
"""


def test_a_part_that_announced_itself_is_ready(tmp_path: Path) -> None:
    announce_ready(Home(tmp_path), "writer")
    assert is_ready(Home(tmp_path), "writer")


def test_a_part_that_announced_nothing_is_not_ready(tmp_path: Path) -> None:
    announce_ready(Home(tmp_path), "writer")
    assert not is_ready(Home(tmp_path), "driver")


def test_the_announcement_of_a_process_that_has_ended_is_not_believed(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", ANNOUNCE, tmp_path], check=True)
    assert (tmp_path / "ready" / "writer").is_file()
    assert not is_ready(Home(tmp_path), "writer")


def test_another_process_under_the_same_id_is_not_taken_for_the_part(tmp_path: Path) -> None:
    announce_ready(Home(tmp_path), "writer")
    file = tmp_path / "ready" / "writer"
    file.write_text(file.read_text().replace('"started": 1', '"started": 2'))
    assert not is_ready(Home(tmp_path), "writer")
