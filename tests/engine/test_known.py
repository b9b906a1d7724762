"""What a home knows of a pipeline that it has planned."""

from __future__ import annotations

import pytest

from pitlake.engine import known
from pitlake.engine.known import KnownPipeline


@pytest.fixture(name="file")
def _file(tmp_path):
    file = tmp_path / "pipeline.py"
    file.write_text("one")
    return file


def _known(home, *files, schema="site"):
    return KnownPipeline(home, files, "mine", schema)


def test_nothing_is_known_of_a_pipeline_that_was_not_planned(tmp_path, file):
    assert _known(tmp_path, file).first_flow() is None


def test_a_pipeline_that_has_not_changed_begins_with_the_same_flow(tmp_path, file):
    _known(tmp_path, file).remember("gold")
    assert _known(tmp_path, file).first_flow() == "gold"


def test_one_whose_file_has_changed_is_not_known(tmp_path, file):
    _known(tmp_path, file).remember("gold")
    file.write_text("other")
    assert _known(tmp_path, file).first_flow() is None


def test_what_another_version_has_planned_is_not_known(tmp_path, file, monkeypatch):
    _known(tmp_path, file).remember("gold")
    monkeypatch.setattr(known, "__version__", "0.0.0")
    assert _known(tmp_path, file).first_flow() is None


def test_pipelines_of_one_home_do_not_take_each_other_s_place(tmp_path, file):
    _known(tmp_path, file).remember("gold")
    _known(tmp_path, file, schema="other").remember("silver")
    assert _known(tmp_path, file).first_flow() == "gold"


def test_a_note_that_cannot_be_read_tells_nothing(tmp_path, file):
    _known(tmp_path, file).remember("gold")
    [note] = (tmp_path / "known").iterdir()
    note.write_text("{")
    assert _known(tmp_path, file).first_flow() is None
