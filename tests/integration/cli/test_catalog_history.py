"""``llmproxy catalog history`` and ``rollback``."""

from __future__ import annotations

import getpass
import re
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from domain.documents import exact_json
from tests.builders import model_body
from tests.integration.cli.conftest import ROOT, Command


@pytest.fixture
def three_versions(llmproxy: Command, tmp_path: Path) -> Path:
    """Of the document ``m``; the last one by the user of this process."""
    file = tmp_path / "m.json"
    for weight, author in ((1, "ann"), (2, "bob"), (3, None)):
        file.write_text(exact_json.encode(model_body(id="m", weight=weight)))
        assert llmproxy("catalog", "apply", file, *(["--author", author] if author else [])).code == 0
    return file


def test_history_lists_who_when_and_what(llmproxy: Command, three_versions: Path) -> None:
    del three_versions
    found = llmproxy("catalog", "history", "m", "--json").json
    me = f"{getpass.getuser()}@{socket.gethostname()}"
    assert [(one["version"], one["who"], one["how"], one["current"]) for one in found] == [
        (3, me, "changed", True),
        (2, "bob", "changed", False),
        (1, "ann", "added", False),
    ]
    assert found[0]["fields"] == [{"field": "weight", "change": "changed", "old": 2, "new": 3}]
    assert all(one["when"].startswith("20") for one in found)
    shown = llmproxy("catalog", "history", "m").out
    assert "    weight: 2 -> 3" in shown.splitlines()
    assert shown.index("version 3") < shown.index("version 2") < shown.index("version 1")
    listed = llmproxy("catalog", "history", "--limit", "2").out.splitlines()
    assert [line.split()[:2] for line in listed[2:]] == [["m", "3"], ["m", "2"]]
    nobody = llmproxy("catalog", "history", "nobody")
    assert (nobody.code, nobody.out, nobody.err) == (0, "", "no version is kept of 'nobody'\n")


def test_a_version_comes_back_and_that_is_a_version_too(
    llmproxy: Command, three_versions: Path, tmp_path: Path
) -> None:
    done = llmproxy("catalog", "rollback", "m", "1", "--author", "eve")
    assert done.code == 0
    assert done.out == "~ m (change)\n    weight: 3 -> 1\nm is as it was in version 1\n"
    llmproxy("catalog", "export", tmp_path / "out")
    assert exact_json.decode((tmp_path / "out" / "m.json").read_text()) == model_body(id="m", weight=1)
    last = llmproxy("catalog", "history", "m", "--json", "--limit", "1").json[0]
    assert (last["version"], last["who"], last["how"], last["note"]) == (4, "eve", "rolled back", "to version 1")
    again = llmproxy("catalog", "rollback", "m", "1", "--json")
    assert (again.code, again.json["steps"]) == (0, [])
    assert llmproxy("catalog", "plan", three_versions).code == 2


def test_a_removed_document_comes_back(llmproxy: Command, three_versions: Path) -> None:
    three_versions.write_text("[]")
    assert llmproxy("catalog", "apply", three_versions, "--prune", "--yes").code == 0
    assert llmproxy("catalog", "history", "m", "--json").json[0]["removed"]
    for version in ("4", "5"):
        assert llmproxy("catalog", "rollback", "m", version).code == 1
    done = llmproxy("catalog", "rollback", "m", "3")
    assert done.code == 0
    assert "every project gains sim" in done.out


def test_a_change_made_with_sql_is_found_and_can_be_put_back(
    llmproxy: Command, three_versions: Path, data_dir: Path
) -> None:
    del three_versions
    with closing(sqlite3.connect(data_dir / "catalog.sqlite3")) as shell:
        shell.execute("UPDATE documents SET body = json_set(body, '$.weight', 77)")
        shell.commit()
    assert not llmproxy("catalog", "history", "m", "--json").json[0]["current"]
    llmproxy("catalog", "rollback", "m", "3")
    found = llmproxy("catalog", "history", "m", "--json").json
    assert [(one["version"], one["who"], one["how"]) for one in found[1:2]] == [(4, None, "found")]
    assert found[1]["fields"] == [{"field": "weight", "change": "changed", "old": 3, "new": 77}]
    assert llmproxy("catalog", "rollback", "m", "4").out.startswith("~ m (change)\n    weight: 3 -> 77\n")


def test_operators_who_apply_folders_at_once_lose_nothing(llmproxy: Command, tmp_path: Path, data_dir: Path) -> None:
    llmproxy("init")
    files = [tmp_path / f"{number}.json" for number in range(4)]
    for weight, file in enumerate(files):
        file.write_text(exact_json.encode([model_body(id=one, weight=weight) for one in ("a", "b", "c")]))
    command = [sys.executable, "-m", "llmproxy", "catalog", "apply", "--json", "--author"]
    running = [
        subprocess.Popen(  # noqa: S603 - our own command
            [*command, file.stem, str(file)],
            env={"PYTHONPATH": str(ROOT), "DATA_DIR": str(data_dir)},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for file in files
    ]
    ended = [process.communicate(timeout=60) for process in running]
    won = [file.stem for file, process in zip(files, running, strict=True) if process.returncode == 0]
    done = {
        file.stem: text[1].partition("done before: ")[2].partition(";")[0]
        for file, text, process in zip(files, ended, running, strict=True)
        if process.returncode
    }

    assert won
    lost = [text[1] for text, process in zip(ended, running, strict=True) if process.returncode]
    assert all(re.search(r"changed (concurrently|since)", text) for text in lost), ended
    for one in ("a", "b", "c"):
        found = llmproxy("catalog", "history", one, "--json").json
        # Every reported write exists, no other does, and none overwrote a version that it had not seen.
        writers = [*won, *(author for author, named in done.items() if repr(one) in named)]
        assert sorted(entry["who"] for entry in found) == sorted(writers)
        assert [entry["version"] for entry in found] == list(range(len(writers), 0, -1))
        assert [entry["current"] for entry in found] == [True] + [False] * (len(writers) - 1)


def test_what_is_wrong_is_one_line(llmproxy: Command, three_versions: Path) -> None:
    del three_versions
    for arguments in (["nobody", "1"], ["m", "9"]):
        done = llmproxy("catalog", "rollback", *arguments)
        assert (done.code, done.err.count("\n"), done.out) == (1, 1, "")
    assert llmproxy("catalog", "rollback", "m", "first").code == 2
