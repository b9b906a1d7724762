"""Pipeline files executed: which, in what surroundings, and what is said when one of them fails."""

from __future__ import annotations

import sys

import pyspark
import pytest

from pitlake.errors import ConfigurationError, DefinitionError
from pitlake.pipelines import api
from pitlake.pipelines.loading import load
from tests.support.definitions import refusal, write_file

ONE = "@dp.table\ndef {}(): ...\n"


def _modules():
    return {name: sys.modules.get(name) for name in ("dlt", "pyspark.pipelines")} | {
        "attribute": getattr(pyspark, "pipelines", None)
    }


def test_several_files_make_one_pipeline_in_the_order_given(tmp_path):
    files = [write_file(tmp_path, ONE.format(name), name=f"{name}.py") for name in ("b", "a")]
    assert list(load(files).datasets) == ["b", "a"]


def test_a_folder_stands_for_all_python_files_in_it_by_name(tmp_path):
    for name in ("b", "a", "sub/c"):
        write_file(tmp_path, ONE.format(name[-1]), name=f"{name}.py")
    (tmp_path / "notes.txt").write_text("no pipeline")
    assert list(load([tmp_path]).datasets) == ["a", "b", "c"]


def test_a_file_that_does_not_exist_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match="there is no pipeline file"):
        load([tmp_path / "none.py"])


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match="no pipeline file was given"):
        load([tmp_path])


def test_a_pipeline_defines_something(tmp_path):
    file = write_file(tmp_path, "")
    with pytest.raises(DefinitionError, match="defines no dataset") as caught:
        load([file])
    assert (caught.value.file, caught.value.line) == (str(file), 1)


def test_a_file_does_not_need_to_import_spark(loaded):
    assert loaded("assert spark\n" + ONE.format("f")).datasets


def test_the_modules_that_were_there_come_back(tmp_path, loaded):
    before = _modules()
    loaded(ONE.format("f"))
    assert _modules() == before


def test_the_modules_that_were_there_come_back_after_an_error(tmp_path):
    before = _modules(), list(sys.path)
    with pytest.raises(DefinitionError):
        load([write_file(tmp_path, "import dlt\nraise ValueError")])
    assert (_modules(), sys.path) == before


def test_a_module_that_was_not_there_is_gone_again(loaded, monkeypatch):
    monkeypatch.delitem(sys.modules, "dlt", raising=False)
    loaded("import dlt\n" + ONE.format("f"))
    assert "dlt" not in sys.modules
    assert getattr(pyspark, "pipelines", None) is not api


def test_a_module_beside_the_file_can_be_imported(tmp_path, loaded):
    write_file(tmp_path, "NAME = 'readings'", name="naming.py")
    assert list(loaded("from naming import NAME\n@dp.table(name=NAME)\ndef f(): ...").datasets) == ["readings"]


def test_a_module_beside_the_file_may_define_too(tmp_path, loaded):
    write_file(tmp_path, ONE.format("imported"), name="more.py")
    assert list(loaded("import more\n" + ONE.format("own")).datasets) == ["imported", "own"]


def test_a_module_beside_the_file_is_executed_anew_by_the_next_load(tmp_path, loaded):
    write_file(tmp_path, ONE.format("imported"), name="package/more.py")
    definitions = [list(loaded("import package.more\n" + ONE.format("own")).datasets) for _ in range(2)]
    assert definitions == [["imported", "own"]] * 2


def test_modules_from_elsewhere_stay_imported(loaded, monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    loaded("import colorsys\n" + ONE.format("f"))
    assert "colorsys" in sys.modules


@pytest.mark.parametrize(
    "statement", ["1 / 0  # here", "raise ValueError('no')  # here", "import nowhere  # here", "exit(3)  # here"]
)
def test_an_exception_is_told_with_its_line(refused, statement):
    error = refused(f"\n{statement}\n")
    assert "the file cannot be executed" in error.what


def test_an_exception_is_told_with_its_type_and_text(refused):
    assert "ValueError: not so" in refused("raise ValueError('not so')  # here").what


def test_an_exception_in_a_function_of_the_file_is_told_with_the_functions_line(refused):
    refused("def f():\n    raise KeyError('x')  # here\n\nf()\n")


def test_an_exception_in_an_imported_module_is_told_where_the_file_imports_it(tmp_path, refused):
    write_file(tmp_path, "\n\n\n1 / 0", name="broken.py")
    assert "ZeroDivisionError" in refused("import broken  # here").what


def test_a_syntax_error_is_told_with_its_line(refused):
    assert "SyntaxError" in refused("\ndef (  # here").what


def test_a_syntax_error_in_an_imported_module_is_told_where_it_is(tmp_path):
    broken = write_file(tmp_path, "def (  # here", name="broken.py")
    refusal(broken, lambda: load([write_file(tmp_path, "\n\n\n\nimport broken")]))


def test_a_call_with_a_missing_argument_is_told_with_its_line(refused):
    assert "target" in refused("@dp.append_flow()  # here\ndef f(): ...").what
