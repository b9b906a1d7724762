"""What a home knows of a pipeline that it has planned."""

from __future__ import annotations

import pytest

from pitlake.engine import known
from pitlake.engine.known import KnownPipeline


@pytest.fixture(name="file")
def _file(tmp_path):
    file = tmp_path / "code" / "pipeline.py"
    (file.parent / "steps").mkdir(parents=True)
    file.write_text("one")
    (file.parent / "steps" / "gold.py").write_text("two")
    return file


def _known(home, *files, schema="site"):
    return KnownPipeline(home / "home", files, ("lake", "mine", schema))


def test_nothing_is_known_of_a_pipeline_that_was_not_planned(tmp_path, file):
    assert _known(tmp_path, file).first_flow() is None


def test_a_pipeline_that_has_not_changed_begins_with_the_same_flow(tmp_path, file):
    _known(tmp_path, file).remember("gold")
    assert _known(tmp_path, file).first_flow() == "gold"


def test_one_whose_file_has_changed_is_not_known(tmp_path, file):
    _known(tmp_path, file).remember("gold")
    file.write_text("other")
    assert _known(tmp_path, file).first_flow() is None


def test_one_whose_imported_file_has_changed_is_not_known(tmp_path, file):
    _known(tmp_path, file).remember("gold")
    (file.parent / "steps" / "gold.py").write_text("other")
    assert _known(tmp_path, file).first_flow() is None


def test_a_folder_of_files_is_known_like_a_file(tmp_path, file):
    _known(tmp_path, file.parent).remember("gold")
    assert _known(tmp_path, file.parent).first_flow() == "gold"


def test_code_that_was_saved_while_it_was_planned_is_not_known(tmp_path, file):
    planning = _known(tmp_path, file)
    file.write_text("other")
    planning.remember("gold")
    assert _known(tmp_path, file).first_flow() is None


def test_a_pipeline_among_very_many_files_is_not_known(tmp_path, file, monkeypatch):
    monkeypatch.setattr(known, "_MOST_FILES", 1)
    _known(tmp_path, file).remember("gold")
    assert _known(tmp_path, file).first_flow() is None


def test_a_virtual_environment_beside_a_pipeline_is_no_part_of_it(tmp_path, file):
    library = file.parent / ".venv" / "lib" / "library.py"
    library.parent.mkdir(parents=True)
    library.write_text("one")
    _known(tmp_path, file).remember("gold")
    library.write_text("other")
    assert _known(tmp_path, file).first_flow() == "gold"


def test_a_pipeline_is_known_by_every_file_however_its_folders_lie_in_each_other(tmp_path, file, monkeypatch):
    paths = [file, file.parent / "steps" / "gold.py"]
    monkeypatch.setattr(known, "_MOST_FILES", 2)
    _known(tmp_path, *paths).remember("gold")
    assert _known(tmp_path, *paths).first_flow() == "gold"
    paths[1].write_text("other")
    assert _known(tmp_path, *paths).first_flow() is None


def test_what_cannot_be_written_down_is_told_and_does_no_harm(tmp_path, file, caplog):
    (tmp_path / "home").write_text("a file")
    _known(tmp_path, file).remember("gold")
    assert "The next start takes longer" in caplog.text


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
    [note] = (tmp_path / "home" / "known").iterdir()
    note.write_text("{")
    assert _known(tmp_path, file).first_flow() is None
