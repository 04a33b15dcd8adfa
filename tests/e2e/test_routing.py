"""Deployments are chosen by strategy, and one that keeps failing is taken out of rotation, as callers see it."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.fakes.llmproxy_server import PROJECT, LLMProxy, Simulator, upstream

DEAD = "http://127.0.0.1:1/v1"


def deployment(name: str, code: str, endpoint: str, **over: object) -> dict[str, object]:
    return upstream(code, endpoint) | {"id": name} | over


@pytest.fixture(scope="module")
def second() -> Iterator[Simulator]:
    made = Simulator()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def slow() -> Iterator[Simulator]:
    made = Simulator("--ttft", "0.4")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def proxy(
    tmp_path_factory: pytest.TempPathFactory, simulator: Simulator, second: Simulator, slow: Simulator
) -> Iterator[LLMProxy]:
    breaker = {"circuit_breaker_threshold": 3, "circuit_breaker_timeout": 1.5, "half_open_max_calls": 1}
    made = LLMProxy(
        tmp_path_factory.mktemp("routing"),
        deployment("dead", "failing", DEAD, **breaker),
        deployment("alive", "failing", simulator.url),
        deployment("only", "lonely", DEAD, **breaker),
        deployment("shut", "explained", DEAD, circuit_breaker_threshold=1, priority=1, fallbacks=["failing", "none"]),
        deployment("open", "explained", simulator.url, priority=2),
        *(
            deployment(f"{strategy}-{name}", strategy, url, routing=strategy, **over)
            for strategy in ("round_robin", "least_busy", "latency", "cost")
            for name, url, over in (
                ("one", simulator.url, {}),
                ("two", slow.url, {"costs": {"currency": "USD", "cost_input_1Mtokens": 5, "cost_output_1Mtokens": 20}}),
            )
        ),
        *(
            deployment(f"cached-{name}", "cached", url, affinity="prompt_cache")
            for name, url in (("one", simulator.url), ("two", second.url), ("three", slow.url))
        ),
    )
    yield made
    made.stop()


@pytest.fixture(scope="module")
def client(proxy: LLMProxy) -> OpenAI:
    return OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0)


def ask(client: OpenAI, model: str, text: str = "hi", *, stream: bool = False) -> None:
    create = client.chat.completions.create
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": text}]
    if stream:
        assert list(create(model=model, messages=messages, stream=True))
    else:
        create(model=model, messages=messages)


def served(proxy: LLMProxy, code: str) -> Counter[str]:
    """Count the calls of a code by the document that served them, from the access log."""
    time.sleep(0.5)  # access lines are written in batches
    lines = (json.loads(line) for line in proxy.logs().splitlines() if line.startswith("{"))
    return Counter(line["document"] for line in lines if line.get("model") == code and "document" in line)


@pytest.mark.parametrize("stream", [False, True])
def test_callers_do_not_notice_a_dead_deployment_and_it_is_taken_out_of_rotation(
    proxy: LLMProxy, client: OpenAI, *, stream: bool
) -> None:
    for _ in range(30):
        ask(client, "failing", stream=stream)
    assert served(proxy, "failing").keys() == {"alive"}
    logs = proxy.logs()
    assert logs.count('"circuit breaker opened", "document": "dead"') >= 1


def test_a_model_with_one_deployment_is_never_shut_out(proxy: LLMProxy, client: OpenAI) -> None:
    for _ in range(5):
        with pytest.raises(Exception, match="could not be reached"):
            ask(client, "lonely")
    assert served(proxy, "lonely") == {"only": 5}
    assert '"circuit breaker opened", "document": "only"' in proxy.logs()


def test_round_robin_takes_turns(proxy: LLMProxy, client: OpenAI) -> None:
    for _ in range(6):
        ask(client, "round_robin")
    assert served(proxy, "round_robin") == {"round_robin-one": 3, "round_robin-two": 3}


def test_least_busy_sends_fewer_calls_to_a_slow_deployment(proxy: LLMProxy, client: OpenAI) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ask(client, "least_busy"), range(80)))
    counted = served(proxy, "least_busy")
    assert counted["least_busy-one"] > 2 * counted["least_busy-two"]


def test_latency_prefers_the_faster_one(proxy: LLMProxy, client: OpenAI) -> None:
    for _ in range(30):
        ask(client, "latency")
    assert served(proxy, "latency")["latency-one"] >= 24


def test_cost_prefers_the_cheaper_one(proxy: LLMProxy, client: OpenAI) -> None:
    for _ in range(10):
        ask(client, "cost")
    assert served(proxy, "cost") == {"cost-one": 10}


def test_equal_prompts_meet_the_same_deployment(proxy: LLMProxy, client: OpenAI) -> None:
    for number in range(4):
        before = served(proxy, "cached")
        for _ in range(4):
            ask(client, "cached", f"prompt {number}")
        assert [*(served(proxy, "cached") - before).values()] == [4]


def test_explain_tells_the_order_the_breakers_and_what_is_next(proxy: LLMProxy, client: OpenAI) -> None:
    asked = ("explain", "--project", PROJECT, "--model", "explained")
    before = proxy.command(*asked)
    assert re.search(r"^ +1  shut .*\n +2  open ", before, re.MULTILINE)
    assert "ok    fallbacks: if every deployment has failed: 'failing'" in before
    assert "warn  fallbacks: 'none' is passed over" in before
    ask(client, "explained")
    after = proxy.command(*asked, "--url", proxy.url)
    assert re.search(r"^shut +unhealthy +open +1 ", after, re.MULTILINE)
    assert re.search(r"^open +healthy +closed +0 ", after, re.MULTILINE)
    assert "called only where every other one fails: shut" in after
    live = json.loads(proxy.command(*asked, "--url", proxy.url, "--json"))["live"]
    states = {name: state["circuit_breaker"]["state"] for name, state in live.items()}
    assert states == {"shut": "open", "open": "closed"}
    alone = proxy.command("explain", "--project", PROJECT, "--model", "lonely")
    assert "retries: there is nothing else to try" in alone
