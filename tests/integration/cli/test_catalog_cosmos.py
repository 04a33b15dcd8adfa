"""The catalogue as code on Cosmos DB, through real processes and a real server."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest

from domain.documents import exact_json
from tests.builders import model_body
from tests.fakes.cosmos_server import KEY, cosmos_server
from tests.integration.cli.conftest import ROOT, Command, Outcome

_numbers = count()


@pytest.fixture(scope="module")
def cosmos_port() -> Iterator[int]:
    with cosmos_server() as port:
        yield port


@pytest.fixture
def variables(cosmos_port: int) -> dict[str, str]:
    return {
        "COSMOS_URL": f"https://127.0.0.1:{cosmos_port}",
        "COSMOS_KEY": KEY,
        "COSMOS_DATABASE_ID": f"code-{next(_numbers)}",
        "LLMPROXY_COSMOS_VERIFY_TLS": "false",
    }


@pytest.fixture
def cosmos(llmproxy: Command, variables: dict[str, str]) -> Callable[..., Outcome]:
    def run(*arguments: str | Path) -> Outcome:
        return llmproxy(*arguments, **variables)

    assert run("init").code == 0
    return run


def write(file: Path, *bodies: dict[str, object]) -> Path:
    file.write_text(exact_json.encode(list(bodies)), encoding="utf-8")
    return file


def test_plan_apply_history_and_rollback(cosmos: Callable[..., Outcome], tmp_path: Path) -> None:
    file = tmp_path / "all.json"
    first = model_body(id="a", costs={"input": Decimal("0.1"), "output": Decimal("0.30000000000000004")})
    assert cosmos("catalog", "plan", write(file, first, model_body(id="b", code="beta"))).code == 2
    assert cosmos("catalog", "apply", file, "--author", "ann").out.endswith("2 added, 0 changed, 0 unchanged\n")
    settled = cosmos("catalog", "plan", file)
    assert (settled.code, settled.out) == (0, "0 to add, 0 to change, 0 to remove, 2 unchanged\n")

    # Another provider is another partition, and still one document.
    write(file, first | {"provider": "Other", "costs": {"input": Decimal("0.2"), "output": 1}})
    planned = cosmos("catalog", "plan", file, "--prune")
    assert planned.code == 2
    assert "costs.input: 0.1 -> 0.2" in planned.out
    assert "every project loses beta" in planned.out
    assert not {"_etag", "_rid", "_ts", "_self", "_attachments"} & set(planned.out.replace(":", " ").split())
    assert cosmos("catalog", "apply", file, "--prune", "--yes").code == 0
    assert cosmos("catalog", "plan", file).code == 0

    assert cosmos("catalog", "rollback", "a", "1").code == 0
    assert cosmos("catalog", "rollback", "b", "1").code == 0
    assert cosmos("catalog", "plan", write(file, first, model_body(id="b", code="beta"))).code == 0
    entries = cosmos("catalog", "history", "a", "--json").json
    assert [(entry["version"], entry["how"], entry["current"]) for entry in entries] == [
        (3, "rolled back", True),
        (2, "changed", False),
        (1, "added", False),
    ]
    assert {entry["id"] for entry in cosmos("catalog", "history", "--json").json} == {"a", "b"}


def test_documents_that_cosmos_cannot_keep_are_reported_before_anything_is_written(
    cosmos: Callable[..., Outcome], tmp_path: Path
) -> None:
    exact = {"input": Decimal("0.1000000000000000000055"), "output": 1}
    file = write(tmp_path / "all.json", model_body(id="a"), model_body(id="b", costs=exact))
    for command in ("plan", "apply"):
        done = cosmos("catalog", command, file)
        assert (done.code, done.out) == (1, "")
        assert "nothing was written: the store cannot keep 'b': the number 0.1000000000000000000055" in done.err
    assert cosmos("catalog", "history", "--json").json == []


def test_two_operators_at_once_one_loses_and_nothing_is_lost(
    cosmos: Callable[..., Outcome], variables: dict[str, str], tmp_path: Path, data_dir: Path
) -> None:
    ids = [f"m{number}" for number in range(5)]
    cosmos("catalog", "apply", write(tmp_path / "base.json", *(model_body(id=one, weight=0) for one in ids)))
    plans = [tmp_path / f"{weight}.plan" for weight in (1, 2)]
    for weight, kept in enumerate(plans, 1):
        file = write(tmp_path / "mine.json", *(model_body(id=one, weight=weight) for one in ids))
        assert cosmos("catalog", "plan", file, "--out", kept).code == 2
    running = [
        subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "llmproxy", "catalog", "apply", "--plan", str(kept), "--author", kept.name],
            cwd=tmp_path,
            env=variables | {"PYTHONPATH": str(ROOT), "DATA_DIR": str(data_dir)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for kept in plans
    ]
    ended = [process.communicate(timeout=60) for process in running]
    codes = [process.returncode for process in running]

    assert sorted(codes) == [0, 1], ended
    loser, winner = codes.index(1), codes.index(0)
    assert re.search(r"changed (concurrently|since)", ended[loser][1])
    assert "nothing was written" in ended[loser][1]
    assert "5 changed" in ended[winner][0]
    for one in ids:
        latest = cosmos("catalog", "history", one, "--json", "--limit", "1").json[0]
        assert (latest["who"], latest["current"]) == (plans[winner].name, True)
