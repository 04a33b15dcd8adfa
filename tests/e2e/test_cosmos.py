"""The product on Cosmos DB: operators edit documents there, and it outlives its database."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.cosmos.aio import ContainerProxy, CosmosClient

from tests.fakes.cosmos_server import KEY, cosmos_server
from tests.fakes.fault_proxy import Fault, FaultProxy
from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream
from tests.fakes.processes import llmproxy, wait_until

VISIBLE_WITHIN = 5
"""Seconds in which a running server shows a change; a promise to operators."""

MESSAGES = [{"role": "user", "content": "hi"}]


@pytest.fixture
def cosmos(tmp_path: Path) -> Iterator[FaultProxy]:
    """A Cosmos DB server of its own, behind a proxy that can take it away."""
    with cosmos_server() as port:
        (tmp_path / "tls").mkdir()
        made = FaultProxy(tmp_path / "tls", port)
        yield made
        made.close()


def variables(cosmos: FaultProxy) -> dict[str, str]:
    return {
        "COSMOS_URL": f"https://127.0.0.1:{cosmos.port}",
        "COSMOS_KEY": KEY,
        "LLMPROXY_COSMOS_VERIFY_TLS": "false",
    }


@pytest.fixture
def proxy(tmp_path: Path, cosmos: FaultProxy) -> Iterator[LLMProxy]:
    made = LLMProxy(tmp_path, simulated("first"), variables=variables(cosmos), prepare=("init",))
    yield made
    made.stop()


def call(proxy: LLMProxy, model: str = "first", **members: object) -> httpx.Response:
    body = {"model": model, "messages": MESSAGES} | members
    return httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers={"api-key": proxy.key}, timeout=30)


def edit(cosmos: FaultProxy, work: Callable[[ContainerProxy], Any], container: str = "models") -> Any:
    """What an operator does in the portal's Data Explorer, or any other tool: straight into the container."""

    async def run() -> Any:
        url = f"https://127.0.0.1:{cosmos.port}"
        async with CosmosClient(url, KEY, connection_verify=False) as client:
            return await work(client.get_database_client("llm-proxy").get_container_client(container))

    return asyncio.run(run())


def ledger(cosmos: FaultProxy) -> Counter[str]:
    """How often each request is in the container."""

    async def read(container: ContainerProxy) -> list[str]:
        return [item["request_id"] async for item in container.query_items("SELECT c.request_id FROM c")]

    return Counter(edit(cosmos, read, "usage"))


def test_init_is_safe_to_repeat(proxy: LLMProxy) -> None:
    proxy.command("init")
    proxy.command("init")
    assert call(proxy).status_code == 200


def test_an_edit_in_the_container_is_followed(proxy: LLMProxy, cosmos: FaultProxy) -> None:
    edit(cosmos, lambda container: container.upsert_item(simulated("second", note="unknown to us")))
    wait_until(lambda: call(proxy, "second").status_code == 200, VISIBLE_WITHIN, "the new document")

    edit(cosmos, lambda container: container.upsert_item(simulated("second", model_type="Nonsense")))
    wait_until(lambda: proxy.health()["catalogue"]["left_out"], VISIBLE_WITHIN, "the reason")
    (entry,) = proxy.health()["catalogue"]["left_out"]
    assert (entry["id"], entry["stale"]) == ("second", True)
    assert call(proxy, "second").status_code == 200, "the last good version stays in service"

    edit(cosmos, lambda container: container.upsert_item({"id": "half", "provider": "Simulator"}))
    edit(cosmos, lambda container: container.delete_item("second", "Simulator"))
    wait_until(lambda: call(proxy, "second").status_code == 404, VISIBLE_WITHIN, "its end")
    assert call(proxy).status_code == 200


def test_a_change_made_elsewhere_is_seen_by_every_replica(proxy: LLMProxy, cosmos: FaultProxy, tmp_path: Path) -> None:
    other = LLMProxy(tmp_path / "other", variables=variables(cosmos))
    try:
        proxy.apply(simulated("first"), simulated("third"))
        for replica in (proxy, other):
            wait_until(lambda it=replica: call(it, "third").status_code == 200, VISIBLE_WITHIN, "it")  # type: ignore[misc]
        assert call(other).status_code == 200
        wait_until(lambda: sum(row["calls"] for row in proxy.usage()) >= 3, 15, "the calls of both replicas")
    finally:
        other.stop()


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
def test_away_requests_go_on_and_lines_arrive_later_once_each(
    proxy: LLMProxy, cosmos: FaultProxy, fault: Fault | None
) -> None:
    if fault is None:
        cosmos.down()
    else:
        cosmos.fault = fault
    sent = [call(proxy).raise_for_status().headers["x-request-id"] for _ in range(20)]
    wait_until(lambda: proxy.health()["catalogue"]["failure"], 20, "the news that the store is away")
    health = proxy.health()
    assert health["status"] == "ok"
    assert health["ledger"]["lines_waiting"] > 0
    assert KEY not in str(health) + proxy.logs()
    sent += [call(proxy).raise_for_status().headers["x-request-id"] for _ in range(5)]

    cosmos.fault = None
    cosmos.up() if fault is None else None
    wait_until(lambda: proxy.health()["ledger"]["lines_waiting"] == 0, 60, "the lines")
    wait_until(lambda: proxy.health()["catalogue"]["failure"] is None, 20, "the news that it is back")
    counted = ledger(cosmos)
    assert [request_id for request_id in sent if counted[request_id] != 1] == []
    assert set(counted.values()) == {1}


def test_a_restart_while_it_is_away_starts_from_the_snapshot(proxy: LLMProxy, cosmos: FaultProxy) -> None:
    secret = simulated("keyed", model_type="OpenAI", parameters={"api_key": "sk-literal-0123456789abcdef"})
    edit(cosmos, lambda container: container.upsert_item(secret))
    snapshot = Path(proxy.env["DATA_DIR"]) / "catalog.json"
    wait_until(lambda: b'"keyed"' in snapshot.read_bytes(), VISIBLE_WITHIN, "the snapshot")
    assert b"sk-literal" not in snapshot.read_bytes()

    cosmos.down()
    proxy.kill()
    proxy.start()
    before = call(proxy).raise_for_status().headers["x-request-id"]
    health = proxy.health()
    assert health["status"] == "ok"
    assert health["catalogue"]["failure"]
    assert health["catalogue"]["checked_seconds_ago"] > 0

    cosmos.up()
    wait_until(lambda: proxy.health()["catalogue"]["failure"] is None, 30, "the store")
    wait_until(lambda: proxy.health()["ledger"]["lines_waiting"] == 0, 60, "the line")
    assert ledger(cosmos)[before] == 1


def test_without_a_snapshot_it_waits_and_says_why(proxy: LLMProxy, cosmos: FaultProxy) -> None:
    proxy.stop()
    (Path(proxy.env["DATA_DIR"]) / "catalog.json").unlink()
    cosmos.down()
    proxy.start()
    answer = call(proxy)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
    assert answer.headers["retry-after"]
    detailed = httpx.get(f"{proxy.url}/health", params={"detailed": "true"})
    assert (detailed.status_code, detailed.json()["status"]) == (503, "not_ready")
    assert detailed.json()["catalogue"]["failure"]
    assert httpx.get(f"{proxy.url}/health").status_code == 200, "alive, so nobody restarts it over and over"
    cosmos.up()
    wait_until(lambda: call(proxy).status_code == 200, 30, "the first answer")


def test_lines_that_wait_when_the_server_is_killed_arrive_after_its_restart(
    proxy: LLMProxy, cosmos: FaultProxy
) -> None:
    cosmos.down()
    sent = [call(proxy).raise_for_status().headers["x-request-id"] for _ in range(30)]
    proxy.kill()
    cosmos.up()
    proxy.start()
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


@pytest.mark.parametrize(("fault", "says"), [(Fault(status=401), "COSMOS_KEY"), (Fault(status=403), "Contributor")])
def test_commands_say_what_is_missing(proxy: LLMProxy, cosmos: FaultProxy, fault: Fault, says: str) -> None:
    cosmos.fault = fault
    done = llmproxy("projects", "list", env=proxy.env, check=False)
    assert done.returncode == 1
    assert says in done.stderr
    assert KEY not in done.stderr
    assert "Traceback" not in done.stderr


def test_before_init_the_server_says_that_it_is_needed(tmp_path: Path, cosmos: FaultProxy) -> None:
    env = LLMProxy.environment_of(tmp_path, variables(cosmos))
    done = llmproxy("projects", "list", env=env, check=False)
    assert done.returncode == 1
    assert "llmproxy init" in done.stderr
