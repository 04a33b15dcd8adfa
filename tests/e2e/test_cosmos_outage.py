"""Outages of Cosmos DB of every kind, with restarts and kills during them."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.fakes.cosmos_operator import MESSAGES, call, edit, ledger, variables
from tests.fakes.cosmos_server import KEY
from tests.fakes.fault_proxy import Fault, FaultProxy
from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream
from tests.fakes.processes import wait_until

VISIBLE_WITHIN = 5
"""Seconds in which a running server shows a change; a promise to operators."""


FAULTS = [
    pytest.param(Fault(status=429, headers={"x-ms-retry-after-ms": "5000"}), id="throttled"),
    pytest.param(Fault(status=503), id="unavailable"),
    pytest.param(Fault(status=401), id="wrong-key"),
    pytest.param(Fault(status=403), id="firewall"),
    pytest.param(Fault(cut=True), id="cut"),
    pytest.param(Fault(delay=10), id="slow"),
    pytest.param(None, id="refused"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_calls_succeed_during_an_outage_and_lines_arrive_later_exactly_once(
    on_cosmos: LLMProxy, cosmos: FaultProxy, fault: Fault | None
) -> None:
    if fault is None:
        cosmos.down()
    else:
        cosmos.fault = fault
    sent = [call(on_cosmos).raise_for_status().headers["x-request-id"] for _ in range(20)]
    wait_until(lambda: on_cosmos.health()["catalogue"]["failure"], 20, "the news that the store is away")
    wait_until(lambda: on_cosmos.health()["status"] == "degraded", 20, "the report of waiting lines")
    health = on_cosmos.health()
    assert health["ledger"]["lines_waiting"] > 0
    assert health["ledger"]["problems"]
    assert KEY not in str(health) + on_cosmos.logs()
    sent += [call(on_cosmos).raise_for_status().headers["x-request-id"] for _ in range(5)]

    cosmos.fault = None
    cosmos.up() if fault is None else None
    wait_until(lambda: on_cosmos.health()["ledger"]["lines_waiting"] == 0, 60, "the lines")
    wait_until(lambda: on_cosmos.health()["catalogue"]["failure"] is None, 20, "the news that it is back")
    counted = ledger(cosmos)
    assert [request_id for request_id in sent if counted[request_id] != 1] == []
    assert set(counted.values()) == {1}


def test_a_restart_during_an_outage_starts_from_the_snapshot(on_cosmos: LLMProxy, cosmos: FaultProxy) -> None:
    secret = simulated("keyed", model_type="OpenAI", parameters={"api_key": "sk-literal-0123456789abcdef"})
    edit(cosmos, lambda container: container.upsert_item(secret))
    snapshot = Path(on_cosmos.env["DATA_DIR"]) / "catalog.json"
    wait_until(lambda: b'"keyed"' in snapshot.read_bytes(), VISIBLE_WITHIN, "the snapshot")
    assert b"sk-literal" not in snapshot.read_bytes()

    cosmos.down()
    on_cosmos.kill()
    on_cosmos.start()
    before = call(on_cosmos).raise_for_status().headers["x-request-id"]
    health = on_cosmos.health()
    assert health["status"] in {"ok", "degraded"}
    assert health["catalogue"]["failure"]
    assert health["catalogue"]["checked_seconds_ago"] > 0

    cosmos.up()
    wait_until(lambda: on_cosmos.health()["catalogue"]["failure"] is None, 30, "the store")
    wait_until(lambda: on_cosmos.health()["ledger"]["lines_waiting"] == 0, 60, "the line")
    assert ledger(cosmos)[before] == 1


def test_without_a_snapshot_it_waits_and_reports_why(on_cosmos: LLMProxy, cosmos: FaultProxy) -> None:
    on_cosmos.stop()
    (Path(on_cosmos.env["DATA_DIR"]) / "catalog.json").unlink()
    cosmos.down()
    on_cosmos.start()
    answer = call(on_cosmos)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
    assert answer.headers["retry-after"]
    detailed = httpx.get(f"{on_cosmos.url}/health", params={"detailed": "true"})
    assert (detailed.status_code, detailed.json()["status"]) == (503, "not_ready")
    assert on_cosmos.health()["catalogue"]["failure"]
    assert httpx.get(f"{on_cosmos.url}/health").status_code == 200, "alive, so nobody restarts it over and over"
    cosmos.up()
    wait_until(lambda: call(on_cosmos).status_code == 200, 30, "the first answer")


def test_lines_that_wait_when_the_server_is_killed_arrive_after_its_restart(
    on_cosmos: LLMProxy, cosmos: FaultProxy
) -> None:
    cosmos.down()
    sent = [call(on_cosmos).raise_for_status().headers["x-request-id"] for _ in range(30)]
    on_cosmos.kill()
    cosmos.up()
    on_cosmos.start()
    wait_until(lambda: set(sent) <= set(ledger(cosmos)), 30, "the lines")
    assert set(ledger(cosmos).values()) == {1}


def test_many_callers_notice_nothing_of_an_outage(tmp_path: Path, cosmos: FaultProxy) -> None:
    """Fifty callers, ten seconds without the database: no failed call, no lost line, no line twice."""
    simulator = Simulator("--ttft", "0.05")
    made = LLMProxy(tmp_path, upstream("wire", simulator.url), variables=variables(cosmos), prepare=("init",))
    answered: list[str] = []
    failed: list[int] = []
    stop = threading.Event()

    def call_on(number: int) -> None:
        with httpx.Client(base_url=made.url, headers={"api-key": made.key}, timeout=30) as client:
            turn = 0
            while not stop.is_set():
                turn += 1
                headers = {"x-request-id": f"call-{number}-{turn}"}
                body = {"model": "wire", "messages": MESSAGES, "stream": number % 2 == 0, "simulator": {"tokens": 3}}
                answer = client.post("/v1/chat/completions", json=body, headers=headers)
                (answered.append(headers["x-request-id"]) if answer.status_code == 200 else failed.append(turn))
                time.sleep(0.4)

    callers = [threading.Thread(target=call_on, args=(number,)) for number in range(50)]
    try:
        for caller in callers:
            caller.start()
        wait_until(lambda: len(answered) > 50, 20, "the first answers")
        cosmos.down()
        time.sleep(10)
        cosmos.up()
        time.sleep(2)
        stop.set()
        for caller in callers:
            caller.join(30)
        wait_until(lambda: made.health()["ledger"]["lines_waiting"] == 0, 90, "the lines")
        counted = ledger(cosmos)
        assert failed == []
        assert [request_id for request_id in answered if counted[request_id] != 1] == []
        assert max(counted.values()) == 1
    finally:
        stop.set()
        made.stop()
        simulator.stop()
