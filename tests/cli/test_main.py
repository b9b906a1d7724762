"""The command line as its users meet it: help, settings, results and errors."""

from __future__ import annotations

import pytest

from pitlake import __version__
from pitlake.cli import ask, demo
from pitlake.cli.main import settings
from pitlake.mining.simulator import StoryName

COMMANDS = ("demo", "up", "run", "write", "simulate", "validate", "sql", "check", "status", "doctor")


def _words(text):
    """The words of a text without the frames and line breaks of its layout."""
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize("args", [[], ["--help"]])
def test_help_teaches_with_examples_and_tells_of_exit_codes_and_completion(run, args):
    result = run(*args)
    text = _words(result.stdout)
    assert result.exit_code == 0
    assert 'pitlake sql "SELECT * FROM equipment_current_status LIMIT 5"' in text
    assert "Exit codes: 0 done, 1 failed, 2 wrong use" in text
    assert "pitlake --install-completion" in text
    assert all(f" {command} " in text for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(run, command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Usage: pitlake {command}" in _words(result.stdout)


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("pitlake st", ["status"]),
        ("pitlake demo --mode ", ["realtime", "micro-batch"]),
        ("pitlake demo --story ", list(StoryName)),
    ],
)
def test_the_shell_completes_commands_and_values(run, words, completed):
    env = {"_PITLAKE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    result = run(env=env, prog_name="pitlake")
    assert result.stdout.split() == completed


def test_the_version_is_printed(run):
    assert run("--version").stdout == f"pitlake {__version__}\n"


@pytest.mark.parametrize("command", ["demo", "simulate"])
def test_the_stories_are_listed_in_the_help(run, command):
    text = _words(run(command, "--help").stdout)
    assert [story for story in StoryName if story not in text] == []


def test_a_story_without_a_name_is_answered_with_the_stories(run):
    result = run("demo", "--story")
    assert result.exit_code == 2
    assert [story for story in StoryName if story not in result.stderr] == []


def test_an_unknown_story_is_answered_with_the_stories(run):
    result = run("demo", "--story", "meteor")
    assert result.exit_code == 2
    assert result.stderr == (f"error 'meteor' is no fault story\n   do The stories are {', '.join(StoryName)}.\n")


@pytest.mark.parametrize(
    ("args", "what", "do"),
    [
        (["staus"], "No such command 'staus'. Did you mean 'status'?", "See `pitlake --help`."),
        (["check", "--jason"], "No such option: --jason", "Did you mean --json? See `pitlake check --help`."),
        (["check", "1"], "Got unexpected extra argument(s) (1)", "See `pitlake check --help`."),
        (["run"], "Missing argument 'files'", "Pipeline files, or folders of them. See `pitlake run --help`."),
        (
            ["demo", "--for", "3x"],
            "Invalid value for '--for': '3x' is no duration; write it as 90s, 2m or 1h",
            "Stop after this long, such as 90s, 3m or 1h; else at Ctrl-C. See `pitlake demo --help`.",
        ),
    ],
)
def test_a_wrong_use_is_two_lines_and_exit_code_2(run, args, what, do):
    result = run(*args)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"error {what}\n   do {do}\n")


def test_a_statement_that_is_wrong_is_wrong_use_and_shows_where(run, home):
    result = run("sql", "SELECT 1 FROM WHERE", "--home", home)
    [_, statement, caret, do] = result.stderr.splitlines()
    assert result.exit_code == 2
    assert statement[caret.index("^") :].startswith("WHERE")
    assert do.startswith("   do ")


def test_an_error_is_a_failure_without_a_trace(run):
    result = run("check")
    assert result.exit_code == 1
    assert [line[:6] for line in result.stderr.splitlines()] == ["error ", "   do "]


@pytest.mark.parametrize("args", [["--debug", "check"], ["check", "--debug"]])
def test_debug_shows_the_trace_wherever_it_stands(run, args):
    result = run(*args)
    assert result.exit_code == 1
    assert result.stderr.startswith("Traceback")
    assert result.stderr.splitlines()[-1].startswith("   do ")


def test_what_nobody_foresaw_is_called_a_fault_of_pitlake(run, monkeypatch):
    def broken(_):
        raise KeyError("nonsense")

    monkeypatch.setattr(ask, "run_check", broken)
    result = run("check")
    assert (result.exit_code, result.stderr.splitlines()) == (
        1,
        ["error KeyError: 'nonsense'", "   do This is a fault of pitlake: run it again with --debug, report the trace."],
    )


def test_an_interrupted_command_says_nothing(run, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "run_demo", interrupted)
    result = run("demo")
    assert (result.exit_code, result.output) == (130, "")


@pytest.mark.parametrize("place", ["before", "after"])
def test_the_home_may_stand_before_the_command_or_after_it(run, home, place):
    args = ["sql", "SELECT count(*) AS n FROM c.s.silver", "--format", "csv"]
    given = ["--home", home, *args] if place == "before" else [*args, "--home", home]
    assert run(*given).stdout.split() == ["n", "3"]


def test_a_home_after_the_command_wins(run, home, tmp_path):
    assert run("--home", tmp_path / "other", "status", "--home", home).exit_code == 0


def test_a_statement_is_read_from_standard_input(run, home):
    result = run("sql", "--home", home, "--format", "json", input="SELECT max(batch_index) AS n FROM c.s.silver")
    assert (result.exit_code, result.stdout) == (0, '[{"n":0}]\n')


def test_a_home_given_wins_over_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("PITLAKE_HOME", str(tmp_path / "environment"))
    assert settings(None).home == tmp_path / "environment"
    assert settings(tmp_path / "given").home == tmp_path / "given"
