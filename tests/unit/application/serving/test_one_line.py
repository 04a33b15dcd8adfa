"""However a call goes, one line: responses under way, fetched by two at once or at a month's end, failed over."""

from __future__ import annotations

import asyncio

import pytest

from application.ports.providers import Answer, StoredAction, StoredCall
from application.use_cases.responses import RESPONSES
from domain import errors
from domain.response_id import ResponseLocation
from domain.usage import Usage, UsageSource
from tests.builders import model_body
from tests.fakes.in_process_proxy import IDS, KEY, in_process_proxy, offering_everything
from tests.fakes.provider import FakeProvider

JSON = b"application/json"
COSTS = {"cost_input_1Mtokens": "2.5", "cost_output_1Mtokens": 10}
BACKGROUND = {"input": b'"hi"', "background": b"true"}
MINE = IDS.public("billing", ResponseLocation("sim-1", "resp_up"))
LAST_MOMENT = 1_793_491_199  # 2026-10-31 23:59:59 UTC


def response(usage: Usage | None, status: str = "completed", created_at: int = LAST_MOMENT) -> Answer:
    text = f'{{"id":"resp_up","created_at":{created_at},"background":true,"status":"{status}","output":[]}}'
    return Answer(text.encode(), JSON, usage)


@pytest.mark.parametrize(
    "early", [response(Usage(), "queued"), response(Usage(1, 1), "in_progress"), response(Usage())]
)
async def test_a_response_under_way_does_not_take_the_line_of_its_result(early: Answer) -> None:
    answers = iter([early, response(Usage(10, 5))])

    async def behave() -> Answer:
        return next(answers)

    proxy = await in_process_proxy(FakeProvider(**{"sim-1": behave}), offering_everything(costs=COSTS))
    caller = proxy.serving.authenticate(KEY)
    for _ in range(2):
        await proxy.serving.stored(caller, StoredCall(StoredAction.RETRIEVE, MINE, "", "req-1"))
    assert [line.usage for line in proxy.lines] == [Usage(10, 5)]


@pytest.mark.parametrize("early", [None, Usage()])
async def test_a_promise_does_not_take_the_line_of_its_result(early: Usage | None) -> None:
    proxy = await in_process_proxy(FakeProvider(**{"sim-1": response(early, "queued")}), offering_everything())
    await proxy.serving.answer(proxy.ask(RESPONSES, BACKGROUND))
    (promise,) = proxy.lines
    assert not promise.id.startswith("response-")
    assert (promise.usage, promise.usage_source) == (Usage(), UsageSource.PARTIAL)


async def test_two_who_fetch_a_response_at_once_make_one_line_in_the_month_that_it_was_made_in() -> None:
    proxy = await in_process_proxy(FakeProvider(**{"sim-1": response(Usage(10, 5))}), offering_everything(costs=COSTS))
    caller = proxy.serving.authenticate(KEY)
    await asyncio.gather(
        *(
            proxy.serving.stored(caller, StoredCall(StoredAction.RETRIEVE, MINE, "", f"req-{number}"))
            for number in range(2)
        )
    )
    (line,) = proxy.lines
    assert line.time_ms == LAST_MOMENT * 1000


async def test_a_call_that_failed_over_has_one_line_for_what_was_used_of_the_one_that_answered() -> None:
    answer = Answer(b"{}", JSON, Usage(10, 5))
    provider = FakeProvider(a=errors.UpstreamRefusedError(503, "busy"), b=answer)
    proxy = await in_process_proxy(provider, model_body(id="a", priority=1), model_body(id="b", priority=2))
    await proxy.serving.answer(proxy.account())
    (line,) = proxy.lines
    assert (line.document_id, line.attempts, line.usage, line.status) == ("b", 2, Usage(10, 5), 200)
