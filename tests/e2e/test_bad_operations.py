"""Bad requests of every operation, through the real server: OpenAI's errors, no fault of ours, no line lost."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence

import httpx
import pytest

from tests.fakes.every_operation import BODIES, EVERYTHING, check_error, check_refused, client_of, lines, post
from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream
from tests.fakes.processes import wait_until
from tests.fakes.raw_http import exchange, request
from tests.fakes.upstream_script import ScriptedUpstream

SECRET = "a-very-private-thought"
DEEP = json.loads("[" * 150 + "]" * 150)
WRONG: Sequence[object] = (
    *(None, True, 0, -1, 1.5, 10**30, "", "x", SECRET, "é😀\0", "x" * 20_000, [], [None], ["x"], [[]]),
    *({}, {"x": None}, {"type": 5}, [{"type": None}], [{"text": SECRET, "type": "input_text"}], DEEP, {"a": DEEP}),
)
"""Values that a caller may send by mistake."""

MEMBERS: Mapping[str, str] = {
    "chat/completions": "messages stream stream_options temperature n tools tool_choice user max_tokens stop metadata"
    " response_format functions logprobs modalities audio prediction",
    "completions": "prompt suffix max_tokens n best_of echo logprobs stop stream stream_options user seed logit_bias",
    "responses": "input instructions previous_response_id conversation prompt store background stream tools user text"
    " tool_choice reasoning include metadata max_output_tokens truncation top_logprobs parallel_tool_calls",
    "embeddings": "input dimensions encoding_format user",
    "images/generations": "prompt n size quality style response_format background moderation output_format stream user"
    " output_compression partial_images",
    "images/edits": "prompt images mask n size quality response_format input_fidelity background stream user",
    "audio/speech": "input voice instructions response_format speed stream_format",
}


@pytest.fixture(scope="module")
def careless() -> Iterator[ScriptedUpstream]:
    """Accept anything, and report no usage."""
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(
    tmp_path_factory: pytest.TempPathFactory, simulator: Simulator, careless: ScriptedUpstream
) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("bad"),
        upstream("wire", simulator.url, operations=EVERYTHING),
        simulated("inside", operations=EVERYTHING),
        upstream("careless", f"{careless.url}/v1", operations=EVERYTHING),
    )
    yield made
    made.stop()


@pytest.fixture
def client(proxy: LLMProxy) -> Iterator[httpx.Client]:
    with client_of(proxy) as made:
        yield made


def accounted(proxy: LLMProxy, answers: Sequence[httpx.Response]) -> None:
    """Each of these calls reached a deployment, so each has its line."""
    expected = {answer.headers["x-request-id"] for answer in answers}
    wait_until(lambda: expected <= lines(proxy).keys(), 20, "the lines of all calls")


@pytest.mark.parametrize("model", ["wire", "inside"])
@pytest.mark.parametrize("path", MEMBERS)
def test_wrong_values_in_every_member(client: httpx.Client, proxy: LLMProxy, path: str, model: str) -> None:
    served = []
    for name in MEMBERS[path].split():
        for value in WRONG:
            answer = post(client, path, model, **{name: value})
            if answer.status_code == 200:
                served.append(answer)
            else:
                detail = answer.json()["error"]
                assert answer.status_code in {400, 404}, (name, value, detail)
                check_error(answer, answer.status_code, detail["code"], detail["param"])
                assert SECRET not in detail["message"] or value == SECRET, (name, detail)
    accounted(proxy, served)


@pytest.mark.parametrize("path", MEMBERS)
def test_wrong_values_that_an_upstream_takes_are_counted_somehow(
    client: httpx.Client, proxy: LLMProxy, careless: ScriptedUpstream, path: str
) -> None:
    """Members from which usage is estimated may hold anything."""
    kind, body = (b"audio/mpeg", b"ID3 noise") if path == "audio/speech" else (b"application/json", b'{"id":"1"}')
    answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: %b\r\n\r\n%b" % (kind, body)
    served = []
    with careless.answering(answer, then="close"):
        for name in MEMBERS[path].split():
            for value in WRONG:
                got = post(client, path, "careless", **{name: value})
                if got.status_code == 200:
                    served.append(got)
                    continue
                code = got.json()["error"]["code"]
                # It is asked for a stream, and answers as a whole.
                streamed = (got.status_code, code, name, value) == (502, "upstream_protocol", "stream", True)
                assert got.status_code == 400 or streamed, (name, value, got.text)
    assert len(served) > 20
    accounted(proxy, served)


@pytest.mark.parametrize("value", ['"\\ud800"', '"\\u0000"', "1e999", "1" + "0" * 5000, '["\\udfff"]', '{"a":1,"a":2}'])
def test_what_json_allows_and_python_does_not(client: httpx.Client, proxy: LLMProxy, value: str) -> None:
    """Half of a surrogate pair, and numbers without end, in members that are read here and in one that is not."""
    served = []
    for path, body in BODIES.items():
        for name in ("user", "input", "prompt", "n", "instructions", "x-unknown"):
            members = {"model": "inside", **{kept: body[kept] for kept in body if kept != name}}
            text = f'{json.dumps(members)[:-1]}, "{name}": {value}}}'
            answer = client.post(f"/{path}", content=text.encode())
            assert answer.status_code in {200, 400}, (path, name, answer.text)
            if answer.status_code == 200:
                served.append(answer)
    accounted(proxy, served)


@pytest.mark.parametrize(
    ("path", "change", "param"),
    [
        ("completions", {"prompt": ...}, "prompt"),
        ("completions", {"prompt": 5}, "prompt"),
        ("completions", {"prompt": [1, "two"]}, "prompt"),
        ("responses", {"input": ...}, "input"),
        ("responses", {"input": {"role": "user"}}, "input"),
        ("responses", {"previous_response_id": 5}, "previous_response_id"),
        ("responses", {"background": "yes"}, "background"),
        ("embeddings", {"input": ...}, "input"),
        ("embeddings", {"input": ""}, "input"),
        ("embeddings", {"input": []}, "input"),
        ("embeddings", {"input": [[]]}, "input"),
        ("embeddings", {"input": ["a", ""]}, "input"),
        ("embeddings", {"input": ["a"] * 2049}, "input"),
        ("embeddings", {"input": [[1]] * 2049}, "input"),
        ("embeddings", {"input": [1, -1]}, "input"),
        ("embeddings", {"input": [1, 1.5]}, "input"),
        ("embeddings", {"input": [[1], 2]}, "input"),
        ("images/generations", {"prompt": ...}, "prompt"),
        ("images/generations", {"prompt": ""}, "prompt"),
        ("images/generations", {"n": 0}, "n"),
        ("images/generations", {"n": 11}, "n"),
        ("images/generations", {"n": "2"}, "n"),
        ("images/edits", {"images": []}, "images"),
        ("images/edits", {"images": "a.png"}, "images"),
        ("images/edits", {"n": 0}, "n"),
        ("audio/speech", {"input": ...}, "input"),
        ("audio/speech", {"input": ""}, "input"),
        ("audio/speech", {"input": ["a"]}, "input"),
        ("audio/speech", {"voice": 5}, "voice"),
        *((path, {"stream": "yes"}, "stream") for path in BODIES if path not in {"embeddings", "audio/speech"}),
        *((path, {"model": wrong}, "model") for path in BODIES for wrong in (..., None, 5, "", ["wire"])),
    ],
)
def test_what_no_upstream_needs_to_see(
    client: httpx.Client, simulator: Simulator, path: str, change: Mapping[str, object], param: str
) -> None:
    before = simulator.calls()
    members = {"model": "wire", **BODIES[path], **change}
    answer = client.post(f"/{path}", json={name: value for name, value in members.items() if value is not ...})
    check_refused(answer, param)
    assert simulator.calls() == before


@pytest.mark.parametrize(
    ("path", "change", "param", "code"),
    [
        ("embeddings", {"input": [10**9]}, "input[0]", "integer_above_max_value"),
        ("images/generations", {"size": "banana"}, "size", "invalid_value"),
        ("images/edits", {"size": "banana"}, "size", "invalid_value"),
        ("audio/speech", {"voice": "nobody"}, "voice", "invalid_value"),
        ("audio/speech", {"speed": 99}, "speed", "decimal_above_max_value"),
    ],
)
def test_what_the_upstream_decides_comes_through(
    client: httpx.Client, proxy: LLMProxy, path: str, change: Mapping[str, object], param: str, code: str
) -> None:
    for model in ("wire", "inside"):
        answer = post(client, path, model, **change)
        check_error(answer, 400, code, param)
        accounted(proxy, [answer])


@pytest.mark.parametrize("path", BODIES)
def test_how_json_is_announced_does_not_matter(client: httpx.Client, path: str) -> None:
    body = json.dumps({"model": "wire", **BODIES[path]}).encode()
    for kind in (
        "application/json",
        "application/json; charset=utf-8",
        'Application/JSON;charset="UTF-8"',
        "text/plain",
    ):
        answer = client.post(f"/{path}?unknown=1&api-version=x", content=body, headers={"content-type": kind})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", [*BODIES, "audio/transcriptions", "audio/translations"])
def test_other_methods(proxy: LLMProxy, path: str) -> None:
    for method in ("HEAD", "GET", "PUT", "OPTIONS", "PATCH", "DELETE", "TRACE"):
        headers = {"authorization": f"Bearer {proxy.key}"}
        if method == "HEAD":
            answer = httpx.head(f"{proxy.url}/v1/{path}", headers=headers)
            assert (answer.status_code, answer.content, answer.headers["allow"]) == (405, b"", "POST")
            continue
        refused = exchange(proxy.port, request(method, f"/v1/{path}", headers))
        check_error(refused, 405, "method_not_allowed")
        assert refused.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "response_id", ["resp_x", "resp_" + "A" * 5000, "..", "%2e%2e%2fadmin", "a%00b", "resp_%ff", "'; DROP TABLE lines"]
)
def test_ids_of_no_response(client: httpx.Client, response_id: str) -> None:
    for method, ending in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items")):
        answer = client.request(method, f"/responses/{response_id}{ending}")
        error = answer.json()["error"]
        assert answer.status_code in {404, 405}
        check_error(answer, answer.status_code, error["code"], error["param"])
        assert len(answer.content) < 1000


def test_neither_the_logs_nor_the_ledger_keep_what_was_sent(
    client: httpx.Client, proxy: LLMProxy, simulator: Simulator
) -> None:
    text_of = {"responses": "input", "embeddings": "input", "audio/speech": "input"}
    served = []
    for path in BODIES:
        if path != "chat/completions":
            member = text_of.get(path, "prompt")
            served.append(post(client, path, "wire", **{member: SECRET}))
            check_error(post(client, path, "", **{member: SECRET}), 400, None, "model")
            post(client, path, "wire", **{member: SECRET, "simulator": {"status": 500}})
    assert {answer.status_code for answer in served} == {200}
    accounted(proxy, served)
    time.sleep(0.5)  # access lines are written in batches
    logged = proxy.logs()
    assert '"path":"/v1/audio/speech"' in logged
    for hidden in ("Traceback", "internal error", SECRET, proxy.key, simulator.base_url.removeprefix("http://")):
        assert hidden not in logged
    kept = [line | {"end_user": None} for line in lines(proxy).values()]  # users are kept: reports are made by them
    assert [name for line in kept for name, value in line.items() if SECRET in str(value)] == []
