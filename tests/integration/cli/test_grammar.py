"""One grammar for every command: formats, columns, examples, completion, and the verbs of documents and projects."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from llmproxy.cli.main import COMPLETING, cli
from tests.fakes.llmproxy_server import simulated
from tests.integration.cli.conftest import ROOT, Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def run(data_dir: Path, tmp_path: Path) -> Run:
    """Run a command in this process."""

    def invoke(*arguments: str, **environment: str) -> Outcome:
        with chdir(tmp_path):
            done = CliRunner().invoke(cli, [*arguments], env={"DATA_DIR": str(data_dir), **environment})
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Outcome(done.exit_code, done.stdout, done.stderr)

    return invoke


@pytest.fixture
def filled(run: Run, tmp_path: Path) -> Run:
    """Return the same on a store with two documents and a project."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("first", "second"):
        (folder / f"{name}.json").write_text(json.dumps(simulated(name)))
    assert run("catalog", "apply", str(folder)).code == 0
    assert run("projects", "create", "billing", "--tag", "cost_centre=4711").code == 0
    return run


def commands(
    command: click.Command = cli, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), name)
            assert found is not None
            yield from commands(found, (*path, name))


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_every_help_has_an_example_that_parses(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli, [*path, "--help"], env={"COLUMNS": "4000"}).output
    assert re.search(r"Examples?:\s", shown), "groups, too"
    command = dict(commands())[path]
    for example in re.findall(r"llmproxy ((?:[a-z-]+ ?)+)", command.epilog or ""):
        words = tuple(example.split())
        assert any(words[: len(known)] == known and known for known in dict(commands())), example


def test_commands_with_a_result_have_the_same_formats() -> None:
    options = {path: {name for each in command.params for name in each.opts} for path, command in commands()}
    machine = {path for path, names in options.items() if "--json" in names} - {("simulator",)}
    assert len(machine) > 30
    assert {path for path in machine if not {"-o", "--output", "--columns"} <= options[path]} == set()


def test_every_format_has_the_same_rows(filled: Run) -> None:
    rows = filled("catalog", "list", "--json").json
    assert [row["id"] for row in rows] == ["first", "second"]
    assert filled("catalog", "list", "-o", "json").json == rows
    assert yaml.safe_load(filled("catalog", "list", "-o", "yaml").out) == rows
    of_csv = list(csv.DictReader(io.StringIO(filled("catalog", "list", "-o", "csv").out)))
    assert [(row["id"], row["state"], json.loads(row["operations"])) for row in of_csv] == [
        (row["id"], row["state"], row["operations"]) for row in rows
    ]
    assert filled("catalog", "list", "--columns", "state,id", "--json").json == [
        {"state": "enabled", "id": row["id"]} for row in rows
    ]
    assert filled("catalog", "list", "--columns", "id").out.split() == ["id", "------", "first", "second"]
    refused = filled("catalog", "list", "--columns", "stat")
    assert (refused.code, "did you mean 'state'?" in refused.err) == (2, True)
    assert filled("catalog", "list", "--json", "-o", "csv").code == 2


def test_colours_are_for_terminals_without_no_color(filled: Run, data_dir: Path) -> None:
    for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        variables = {"DATA_DIR": str(data_dir), **environment}
        done = CliRunner().invoke(cli, ["catalog", "history", "first"], env=variables, color=True)
        assert ("\x1b[" in done.output) is coloured
        assert "current" in done.output
    assert "\x1b[" not in filled("catalog", "history", "first").out


def test_documents_are_shown_and_switched(filled: Run) -> None:
    assert filled("catalog", "show", "first", "--json").json == json.loads(filled("catalog", "show", "first").out)
    assert "did you mean 'first'?" in filled("catalog", "show", "frist").err
    assert filled("catalog", "disable", "first", "--author", "ana").code == 0
    assert {row["id"]: row["state"] for row in filled("catalog", "list", "--json").json}["first"] == "disabled"
    assert "already" in filled("catalog", "disable", "first").out
    assert filled("catalog", "enable", "first", "--json").json["enabled"] is True
    assert [one["who"] for one in filled("catalog", "history", "first", "--json").json][1] == "ana"


def test_a_new_document_and_the_schema_need_no_store(run: Run) -> None:
    document = json.loads(run("catalog", "new", "AzureOpenAI").out)
    assert document["parameters"]["secret_name"]
    assert "deployment_name" in document["parameters"]
    assert run("catalog", "schema", "--json").json["properties"]["model_type"]["enum"]
    assert run("catalog", "new", "AzureOpenAy").code == 2


def test_faults_name_line_and_column(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "list.json").write_text(
        json.dumps([simulated("one"), simulated("two", priority="high", costs={"cost_image": "x"})], indent=2)
    )
    (folder / "broken.json").write_text('{\n  "id": "x",\n  "code" 1\n}')
    for line in run("catalog", "validate", str(folder)).out.splitlines()[:-1]:
        file, number, column, *_ = line.split(":")
        text = (folder / file).read_text().splitlines()[int(number) - 1][int(column) - 1 :]
        assert text.startswith(("1", '"priority"', '"cost_image"', '"costs"')), line
    faults = run("catalog", "validate", str(folder), "--json").json["faults"]
    assert {(one["file"], one["line"]) for one in faults} >= {("broken.json", 3)}
    assert all(one["column"] for one in faults)


def test_projects_are_shown_changed_and_deleted(filled: Run) -> None:
    key = filled("keys", "create", "billing", "--name", "ci", "--json").json
    shown = filled("projects", "show", "billing", "--json").json
    assert shown["tags"] == {"cost_centre": "4711"}
    assert [entry["id"] for entry in shown["keys"]] == [key["id"]]
    assert "sha256" not in json.dumps(shown)
    assert filled("keys", "show", "billing", "ci", "--json").json["id"] == key["id"]
    assert filled("projects", "tag", "billing", "cost_centre=", "team=x").code == 0
    assert filled("projects", "update", "billing", "--name", "Billing", "--disabled").code == 0
    after = filled("projects", "show", "billing", "--json").json
    assert (after["name"], after["enabled"], after["tags"]) == ("Billing", False, {"team": "x"})
    assert [entry["id"] for entry in after["keys"]] == [key["id"]]
    assert filled("projects", "update", "billing").code == 2
    assert filled("projects", "tag", "billing", "team").code == 2
    assert filled("projects", "delete", "billing").code == 1, "nobody can be asked"
    assert filled("projects", "delete", "billing", "--yes").code == 0
    assert filled("projects", "list", "--json").json == []
    assert filled("projects", "delete", "billing", "--yes").code == 1
    actions = [one["action"] for one in filled("audit", "list", "--json").json]
    assert any("delete" in action for action in actions)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_code_for_shells_is_printed(run: Run, shell: str) -> None:
    assert "_LLMPROXY_COMPLETE" in run("completion", shell).out


def completions(words: str, data_dir: Path) -> set[str]:
    """Ask for completions of the last word as bash does."""
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1), COMPLETING: "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-m", "llmproxy"],
        env=asked | {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATA_DIR": str(data_dir)},
        cwd=data_dir,
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.partition(",")[2] for line in done.stdout.splitlines()}


def test_ids_are_completed(filled: Run, data_dir: Path) -> None:
    key = filled("keys", "create", "billing", "--json").json["id"]
    for words, expected in (
        ("llmproxy catalog show fi", {"first"}),
        ("llmproxy keys revoke billing key", {key}),
        ("llmproxy explain --model s", {"second"}),
        ("llmproxy usage report --project b", {"billing"}),
    ):
        assert completions(words, data_dir) == expected, words
