"""The command as a whole: help, exit codes, errors in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from domain.documents import exact_json
from llmproxy.cli.main import cli
from tests.builders import model_body
from tests.integration.cli.conftest import ROOT, Command


def commands() -> list[list[str]]:
    found: list[list[str]] = []

    def walk(command: click.Command, path: list[str]) -> None:
        if isinstance(command, click.Group):
            with click.Context(command) as context:
                for name in command.list_commands(context):
                    inner = command.get_command(context, name)
                    assert inner is not None
                    walk(inner, [*path, name])
        else:
            found.append(path)

    walk(cli, [])
    return found


def find(path: list[str]) -> click.Command:
    command: click.Command = cli
    for name in path:
        assert isinstance(command, click.Group)
        inner = command.get_command(click.Context(command), name)
        assert inner is not None
        command = inner
    return command


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_command_helps_with_an_example(path: list[str]) -> None:
    command = find(path)
    text = command.get_help(click.Context(command, info_name=" ".join(["llmproxy", *path])))
    assert f"llmproxy {' '.join(path)}" in " ".join((command.epilog or "").split())
    assert "Example" in text
    assert command.get_short_help_str()


@pytest.mark.parametrize("path", [path for path in commands() if path[0] not in {"serve", "simulator"}], ids=" ".join)
def test_every_command_that_ends_speaks_json(path: list[str]) -> None:
    assert "--json" in {option for parameter in find(path).params for option in parameter.opts}


def test_help_names_every_command_without_importing_them(llmproxy: Command) -> None:
    shown = llmproxy("--help")
    assert shown.code == 0
    for path in commands():
        assert path[0] in shown.out
    script = (
        "import sys\nfrom llmproxy.cli.main import cli\ncli(['--help'], standalone_mode=False)\n"
        "heavy = {'litellm', 'fastapi', 'pydantic', 'uvicorn'} & set(sys.modules)\nassert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own code


def test_wrong_usage_is_2(llmproxy: Command) -> None:
    for arguments in (
        ["nonsense"],
        ["catalog", "validate", "no-such-folder"],
        ["keys", "create"],
        ["usage", "report", "--json", "--csv"],
    ):
        done = llmproxy(*arguments)
        assert done.code == 2, arguments
        assert done.out == ""


def test_a_wrong_setting_is_one_line_that_names_it(llmproxy: Command) -> None:
    done = llmproxy("projects", "list", LLMPROXY_COLOUR="red")
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "LLMPROXY_COLOUR" in done.err


def test_a_store_that_cannot_be_opened_is_one_line(llmproxy: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    done = llmproxy("projects", "list", DATA_DIR=str(tmp_path / "file"))
    assert done.code == 1
    assert done.err.count("\n") == 1


def test_a_store_in_memory_cannot_be_reached_by_a_command(llmproxy: Command) -> None:
    done = llmproxy("projects", "create", "billing", DATA_DIR=":memory:")
    assert done.code == 1
    assert ":memory:" in done.err


def test_init_makes_the_store_and_may_be_repeated(llmproxy: Command, data_dir: Path) -> None:
    assert llmproxy("init").code == 0
    files = sorted(path.name for path in data_dir.glob("*.sqlite3"))
    assert files
    again = llmproxy("init", "--json")
    assert (again.code, again.json["ready"]) == (0, True)
    assert sorted(path.name for path in data_dir.glob("*.sqlite3")) == files


@pytest.mark.parametrize(
    "arguments",
    [
        ["usage", "report"],
        ["usage", "report", "--project", "billing"],
        ["usage", "processes"],
        ["usage", "call", "x"],
        ["projects", "list"],
        ["keys", "list", "billing"],
        ["keys", "create", "billing"],
        ["catalog", "history"],
        ["catalog", "export", "out"],
        ["explain", "--project", "billing", "--model", "m"],
    ],
    ids=" ".join,
)
def test_a_command_in_the_wrong_folder_names_it_and_creates_nothing(
    llmproxy: Command, data_dir: Path, tmp_path: Path, arguments: list[str]
) -> None:
    done = llmproxy(*arguments)
    assert done.code == 1
    assert done.err == (
        f"Error: no LLM Proxy data in {data_dir}: expected catalog.sqlite3 or usage.sqlite3;"
        " set DATA_DIR to the folder of the server, or create it with `llmproxy init`\n"
    )
    relative = llmproxy(*arguments, DATA_DIR="./data")
    assert f"no LLM Proxy data in {data_dir}:" in relative.err
    assert list(tmp_path.iterdir()) == []


def test_a_plan_on_an_empty_machine_creates_nothing(llmproxy: Command, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(exact_json.encode(model_body()))
    done = llmproxy("catalog", "plan", tmp_path / "model.json")
    assert "1 to add" in done.out
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]


def test_misspelt_names_are_answered_with_a_suggestion(llmproxy: Command, data_dir: Path) -> None:
    llmproxy("projects", "create", "billing")
    for arguments in (
        ["keys", "list", "biling"],
        ["keys", "create", "biling"],
        ["usage", "report", "--project", "biling"],
    ):
        done = llmproxy(*arguments)
        assert (done.code, done.err) == (1, f"Error: unknown project 'biling' in {data_dir}; did you mean 'billing'?\n")
    unknown = llmproxy("usage", "report", "--project", "zzz")
    assert unknown.err == f"Error: unknown project 'zzz' in {data_dir}; see `llmproxy projects list`\n"
    assert "Did you mean 'usage'?" in llmproxy("usge").err
    assert "Did you mean 'report'?" in llmproxy("usage", "rport").err
