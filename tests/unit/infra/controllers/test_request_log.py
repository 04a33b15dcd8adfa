"""Access log entries of calls."""

from __future__ import annotations

import pytest

from application.use_cases.text_to_speech import SPEECH
from domain.usage import Usage
from infra.controllers.request_log import RequestRecord
from tests.builders import ledger_line
from tests.fakes.in_process_proxy import in_process_proxy, offering_everything
from tests.fakes.provider import FakeProvider


@pytest.mark.parametrize(
    ("usage", "units"),
    [
        (Usage(3, 4), {}),
        (Usage(characters=27), {"characters": 27}),
        (Usage(audio_milliseconds=1632), {"audio_milliseconds": 1632}),
        (Usage(3, 4, images=2, image_size="1024x1024"), {"images": 2}),
    ],
)
async def test_every_unit_that_a_call_used_is_told(usage: Usage, units: dict[str, int]) -> None:
    account = (await in_process_proxy(FakeProvider(), offering_everything())).ask(SPEECH, {"input": b'"hello"'})
    account.line = ledger_line(usage=usage)
    facts = RequestRecord("req_1", "POST", "/v1/audio/speech", account=account).facts()
    told = {name: facts[name] for name in ("characters", "audio_milliseconds", "images") if name in facts}
    assert told == units
    assert (facts["input_tokens"], facts["output_tokens"]) == (usage.input_tokens, usage.output_tokens)
