"""`usage report` says how complete it is, while servers run, hold lines, die and lose some."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.cosmos_operator import call
from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.llmproxy_server import LLMProxy, simulated
from tests.fakes.processes import llmproxy, wait_until


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[LLMProxy]:
    made = LLMProxy(tmp_path, simulated("first"))
    yield made
    made.stop()


def report(proxy: LLMProxy, *options: str) -> tuple[int, dict[str, Any]]:
    done = llmproxy("usage", "report", "--json", *options, env=proxy.env, check=False)
    return done.returncode, json.loads(done.stdout)


def test_final_waits_for_the_lines_of_a_running_server(proxy: LLMProxy) -> None:
    for _ in range(20):
        call(proxy).raise_for_status()
    code, found = report(proxy, "--final")
    assert (code, found["complete"], found["notes"]) == (0, True, ["complete"])
    assert sum(row["calls"] for row in found["rows"]) == 20


def test_final_waits_for_calls_under_way(proxy: LLMProxy) -> None:
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(call, proxy, simulator={"ttft": 9})
        time.sleep(1)
        code, found = report(proxy, "--final")
        assert slow.done(), "the report waited for it"
        slow.result().raise_for_status()
    assert (code, sum(row["calls"] for row in found["rows"])) == (0, 1)


def test_a_dead_server_is_taken_over_and_its_lines_count(proxy: LLMProxy) -> None:
    for _ in range(5):
        call(proxy).raise_for_status()
    proxy.kill()
    code, found = report(proxy, "--final")
    assert (code, found["complete"]) == (0, True)
    assert sum(row["calls"] for row in found["rows"]) == 5


def test_a_lost_disk_is_named_until_an_operator_forgets_it(proxy: LLMProxy) -> None:
    call(proxy).raise_for_status()
    wait_until(lambda: report(proxy)[1]["processes"], 15, "the first publication")
    proxy.kill()
    shutil.rmtree(Path(proxy.env["DATA_DIR"]) / "journal")
    code, found = report(proxy, "--final", "--wait", "0")
    (process,) = found["processes"]
    assert (code, found["complete"]) == (2, False)
    assert datetime.fromisoformat(found["complete_up_to"]).timestamp() < time.time()
    shown = llmproxy("usage", "report", env=proxy.env)
    assert shown.stderr.startswith("complete up to 20")
    llmproxy("usage", "processes", "--forget", process["process"], env=proxy.env)
    assert report(proxy, "--final")[0] == 0


def test_on_cosmos_the_process_that_holds_lines_is_named(on_cosmos: LLMProxy, cosmos: FaultProxy) -> None:
    wait_until(lambda: report(on_cosmos)[1]["processes"], 15, "the first publication")
    cosmos.down()
    for _ in range(10):
        call(on_cosmos).raise_for_status()
    on_cosmos.kill()
    journal = Path(on_cosmos.env["DATA_DIR"]) / "journal"
    journal.rename(journal.with_suffix(".elsewhere"))
    cosmos.up()
    code, found = report(on_cosmos, "--final", "--wait", "0")
    assert (code, found["complete"]) == (2, False)
    journal.with_suffix(".elsewhere").rename(journal)
    code, found = report(on_cosmos, "--final")
    assert (code, sum(row["calls"] for row in found["rows"])) == (0, 10)
