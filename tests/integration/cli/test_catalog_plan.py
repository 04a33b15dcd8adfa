"""``llmproxy catalog plan`` and ``apply`` with real files."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from domain.documents import exact_json
from tests.builders import model_body
from tests.integration.cli.conftest import ROOT, Command, Outcome


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def write(folder: Path, *bodies: dict[str, object]) -> Path:
    for old in folder.glob("*.json"):
        old.unlink()
    for body in bodies:
        (folder / f"{body['id']}.json").write_text(exact_json.encode(body), encoding="utf-8")
    return folder


def exact(done: Outcome) -> dict[str, object]:
    value = exact_json.decode(done.out)
    assert isinstance(value, dict)
    return value


def test_exit_codes_for_pipelines(llmproxy: Command, folder: Path) -> None:
    write(folder, model_body(id="a"))
    assert llmproxy("catalog", "plan", folder).code == 2
    assert "no LLM Proxy data" in llmproxy("catalog", "history").err, "a plan writes nothing"
    assert llmproxy("catalog", "apply", folder).code == 0
    done = llmproxy("catalog", "plan", folder)
    assert (done.code, done.out) == (0, "0 to add, 0 to change, 0 to remove, 1 unchanged\n")
    write(folder, model_body(id="a", operations=[]))
    faulty = llmproxy("catalog", "plan", folder)
    assert faulty.code == 1
    assert re.search(r"a.json:\d+:\d+: error: operations", faulty.out)
    assert llmproxy("catalog", "plan", folder, "--json").json["errors"] == 1
    assert llmproxy("catalog", "plan", folder, DATA_DIR=":memory:").code == 1
    wrong = llmproxy("catalog", "plan", "nowhere")
    assert (wrong.code, wrong.out) == (2, "")


def test_everything_that_changes_is_named(llmproxy: Command, folder: Path) -> None:
    llmproxy("projects", "create", "billing")
    prices = {"currency": "USD", "cost_input_1Mtokens": Decimal("0.30"), "cost_output_1Mtokens": 10}
    write(folder, model_body(id="a", code="alpha", costs=prices), model_body(id="z", code="omega"))
    llmproxy("catalog", "apply", folder)
    changed = prices | {"cost_input_1Mtokens": Decimal("0.10000000000000000055")}
    write(
        folder,
        model_body(id="a", code="alpha", costs=changed, private=True, projects=["billing", "ghost"]),
        model_body(id="new", code="beta"),
    )
    done = llmproxy("catalog", "plan", folder, "--prune")
    assert done.code == 2
    price = "0.3 USD -> 0.10000000000000000055 USD per 1,000,000 tokens, -0.19999999999999999945 USD (-66.67 %)"
    for line in (
        "+ new (add)",
        "~ a (change)",
        "- z (remove)",
        "    costs.cost_input_1Mtokens: 0.3 -> 0.10000000000000000055",
        "    private: false -> true",
        '    projects: + "billing", + "ghost"',
        "  every project except billing, ghost (no such project) loses alpha",
        "  every project gains beta",
        "  every project loses omega",
        f"  alpha (document a), input: {price}; for billing, ghost",
        "1 to add, 1 to change, 1 to remove, 0 unchanged",
    ):
        assert line in done.out.splitlines()
    assert "\x1b" not in done.out
    assert "only in the store (--prune removes them): z" in llmproxy("catalog", "plan", folder).out


def test_the_same_for_machines_with_exact_numbers(llmproxy: Command, folder: Path) -> None:
    prices = {"currency": "USD", "cost_input_1Mtokens": Decimal("0.30"), "cost_output_1Mtokens": 10}
    llmproxy("catalog", "apply", write(folder, model_body(id="a", costs=prices)))
    changed = prices | {"cost_input_1Mtokens": Decimal("0.10000000000000000055")}
    done = llmproxy("catalog", "plan", write(folder, model_body(id="a", costs=changed, private=True)), "--json")
    assert done.code == 2
    found = exact(done)
    assert found["steps"] == [
        {
            "action": "change",
            "id": "a",
            "fields": [
                {"field": "private", "change": "changed", "old": False, "new": True},
                {
                    "field": "costs.cost_input_1Mtokens",
                    "change": "changed",
                    "old": Decimal("0.30"),
                    "new": Decimal("0.10000000000000000055"),
                },
            ],
        }
    ]
    access = {"model": "sim", "change": "loses", "projects": ["*"], "except": [], "unknown_projects": []}
    assert found["access"] == [access]
    assert found["prices"] == [
        {
            "document": "a",
            "instead_of": None,
            "model": "sim",
            "price": "input",
            "per": "1,000,000 tokens",
            "old": {"amount": Decimal("0.30"), "currency": "USD"},
            "new": {"amount": Decimal("0.10000000000000000055"), "currency": "USD"},
            "difference": Decimal("-0.19999999999999999945"),
            "percent": Decimal("-66.67"),
            "projects": [],
        }
    ]
    assert (found["changes"], found["errors"], found["warnings"]) == (True, 0, 1)


def test_no_secret_is_ever_printed(llmproxy: Command, folder: Path) -> None:
    def body(secret: str) -> dict[str, object]:
        parameters = {"api_key": secret, "headers": {"x": secret}, "timeout": 5}
        return model_body(id="a", parameters=parameters, notes={"password": secret})

    shown = ""
    for secret in ("hunter1", "hunter2"):
        write(folder, body(secret))
        for arguments in (["plan"], ["plan", "--json"], ["apply"]):
            done = llmproxy("catalog", arguments[0], folder, *arguments[1:])
            shown += done.out + done.err
    for arguments in (["history"], ["history", "a"], ["history", "a", "--json"], ["rollback", "a", "1"]):
        done = llmproxy("catalog", *arguments)
        assert done.code == 0
        shown += done.out + done.err
    assert "hunter" not in shown
    assert "parameters.api_key: is another one (not shown)" in shown


def test_a_plan_that_was_kept_is_carried_out_later_and_only_once(llmproxy: Command, folder: Path) -> None:
    kept = folder.parent / "changes.plan"
    llmproxy("catalog", "apply", write(folder, model_body(id="old")))
    write(folder, model_body(id="a", costs={"input": Decimal("0.10"), "output": 1}))
    kept.touch(mode=0o644)
    assert llmproxy("catalog", "plan", folder, "--prune", "--out", kept).code == 2
    assert kept.stat().st_mode & 0o777 == 0o600
    write(folder, model_body(id="other"))

    done = llmproxy("catalog", "apply", "--plan", kept, "--yes", "--json")
    assert done.code == 0, done.err
    assert (done.json["added"], done.json["removed"], done.json["unchanged"]) == (["a"], ["old"], [])
    out = folder.parent / "out"
    llmproxy("catalog", "export", out)
    assert [path.name for path in out.iterdir()] == ["a.json"]
    assert "0.10" in (out / "a.json").read_text()
    again = llmproxy("catalog", "apply", "--plan", kept, "--yes")
    assert again.code == 1
    assert "nothing was written: 'a' was changed since the plan was made" in again.err


def test_an_invalid_plan_is_refused_in_one_line(llmproxy: Command, folder: Path, tmp_path: Path) -> None:
    for name, content in (("json", b"[]"), ("text", b"hello"), ("binary", b"\xff\x00")):
        (tmp_path / name).write_bytes(content)
        done = llmproxy("catalog", "apply", "--plan", tmp_path / name)
        assert (done.code, done.err.count("\n")) == (1, 1)
    assert llmproxy("catalog", "apply").code == 2
    write(folder, model_body(id="a"))
    assert llmproxy("catalog", "apply", folder, "--plan", tmp_path / "json").code == 2
    assert llmproxy("catalog", "apply", "--plan", tmp_path / "json", "--prune").code == 2
    unwritable = llmproxy("catalog", "plan", folder, "--out", tmp_path / "json" / "below")
    assert (unwritable.code, unwritable.err.count("\n")) == (1, 1)
    assert llmproxy("catalog", "apply", folder, "--author", " ").code == 2


def test_pruning_without_a_terminal_needs_yes(llmproxy: Command, folder: Path) -> None:
    llmproxy("catalog", "apply", write(folder, model_body(id="a"), model_body(id="b")))
    write(folder, model_body(id="a", weight=2))
    refused = llmproxy("catalog", "apply", folder, "--prune")
    assert refused.code == 1
    assert "nothing was written: 'b' would be removed" in refused.err
    assert llmproxy("catalog", "plan", folder).out.endswith(
        "0 to remove, 0 unchanged; only in the store (--prune removes them): b\n"
    )
    done = llmproxy("catalog", "apply", folder, "--prune", "--yes")
    assert done.out.endswith("0 added, 1 changed, 1 removed, 0 unchanged\n")
    # Nothing is removed, so there is nothing to ask.
    assert llmproxy("catalog", "apply", folder, "--prune").code == 0


@pytest.mark.parametrize(("answer", "code", "left"), [("n", 1, 2), ("y", 0, 1)])
def test_pruning_asks_in_a_terminal(
    llmproxy: Command, folder: Path, data_dir: Path, answer: str, code: int, left: int
) -> None:
    llmproxy("catalog", "apply", write(folder, model_body(id="a"), model_body(id="b")))
    write(folder, model_body(id="a"))
    shown, returned = in_terminal(["catalog", "apply", str(folder), "--prune"], data_dir, "Remove 'b'?", answer)
    assert returned == code
    assert "\x1b[31m- b (remove)" in shown
    assert len(llmproxy("catalog", "history", "b", "--json").json) == 3 - left


def test_two_operators_at_once_one_loses_and_nothing_is_lost(llmproxy: Command, folder: Path, data_dir: Path) -> None:
    ids = [f"m{number}" for number in range(20)]
    llmproxy("catalog", "apply", write(folder, *(model_body(id=one, weight=0) for one in ids)), "--author", "base")
    running: list[subprocess.Popen[str]] = []
    for weight in (1, 2):
        mine = folder.parent / f"operator{weight}"
        mine.mkdir()
        kept = mine / "plan"
        llmproxy("catalog", "plan", write(mine, *(model_body(id=one, weight=weight) for one in ids)), "--out", kept)
    for weight in (1, 2):
        kept = folder.parent / f"operator{weight}" / "plan"
        running.append(start(["catalog", "apply", "--plan", str(kept), "--author", f"operator {weight}"], data_dir))
    ended = [process.communicate(timeout=60) for process in running]
    codes = [process.returncode for process in running]

    assert sorted(codes) == [0, 1], ended
    loser, winner = codes.index(1), codes.index(0)
    assert re.search(r"changed (concurrently|since)", ended[loser][1])
    assert "nothing was written" in ended[loser][1]
    assert "20 changed" in ended[winner][0]
    for one in ("m0", "m19"):
        entries = llmproxy("catalog", "history", one, "--json").json
        assert [(entry["who"], entry["version"]) for entry in entries] == [(f"operator {winner + 1}", 2), ("base", 1)]
        assert entries[0]["current"]


def environment(data_dir: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "DATA_DIR": str(data_dir), "TERM": "xterm"}


def start(arguments: list[str], data_dir: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "llmproxy", *arguments],
        cwd=data_dir.parent,
        env=environment(data_dir),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def in_terminal(arguments: list[str], data_dir: Path, question: str, answer: str) -> tuple[str, int]:
    """Run the command in a terminal, answer its question, and return its output and exit code."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "llmproxy", *arguments],
        cwd=data_dir.parent,
        env=environment(data_dir),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown, asked, deadline = "", False, time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed: end of file on Linux
                break
            if not piece:
                break
            shown += piece.decode()
        if not asked and question in shown:
            os.write(ours, f"{answer}\n".encode())
            asked = True
    os.close(ours)
    assert asked, shown
    return shown, process.wait(timeout=30)
