"""Bad forms through the real server: each gets an OpenAI-shaped error, at once where the head is enough for it."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.fakes.every_operation import (
    BODIES,
    EVERYTHING,
    FORMS,
    PICTURE,
    RECORDING,
    check_error,
    check_refused,
    client_of,
    line_of,
    lines,
    post_form,
)
from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream
from tests.fakes.raw_http import RawAnswer, exchange, request

TRANSCRIPTIONS = "/v1/audio/transcriptions"
EDITS = "/v1/images/edits"
FORM = "multipart/form-data; boundary=XX"
LIMIT = 64 * 1024
"""Bytes of a file, as this server is told."""
SECRET = b"a-very-private-recording"

Part = tuple[str, bytes]


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("uploads"),
        upstream("wire", simulator.url, operations=EVERYTHING),
        simulated("inside", operations=EVERYTHING),
        variables={"LLMPROXY_MAX_UPLOAD_BYTES": str(LIMIT)},
    )
    yield made
    made.stop()


def field(name: str, value: str) -> Part:
    return f'Content-Disposition: form-data; name="{name}"', value.encode()


def file(name: str, content: bytes, filename: str = "a.wav", kind: str = "audio/wav") -> Part:
    return f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {kind}', content


def encoded(parts: Sequence[Part]) -> bytes:
    return b"".join(b"--XX\r\n%b\r\n\r\n%b\r\n" % (head.encode(), content) for head, content in parts) + b"--XX--\r\n"


def head(proxy: LLMProxy, path: str = TRANSCRIPTIONS, kind: str = FORM, **headers: str) -> bytes:
    given = {"authorization": f"Bearer {proxy.key}", "content-type": kind}
    return request("POST", path, given | {name.replace("_", "-"): value for name, value in headers.items()})


def send(proxy: LLMProxy, body: bytes, path: str = TRANSCRIPTIONS, kind: str = FORM) -> RawAnswer:
    return exchange(proxy.port, head(proxy, path, kind, content_length=str(len(body))) + body)


MODEL, RECORDED = field("model", "wire"), file("file", RECORDING)
GOOD = [MODEL, RECORDED]
EDIT = [MODEL, field("prompt", "a harbour"), field("size", "256x256")]
PAINTED = file("image", PICTURE, "a.png", "image/png")


@pytest.mark.parametrize(
    ("path", "parts", "param"),
    [
        (TRANSCRIPTIONS, [MODEL], "file"),
        (TRANSCRIPTIONS, [MODEL, file("audio", RECORDING)], "file"),
        (TRANSCRIPTIONS, [MODEL, field("file", "talk.wav")], "file"),
        (TRANSCRIPTIONS, [MODEL, file("file", b"")], "file"),
        (TRANSCRIPTIONS, [*GOOD, RECORDED], "file"),
        (TRANSCRIPTIONS, [RECORDED], "model"),
        (TRANSCRIPTIONS, [field("model", ""), RECORDED], "model"),
        (TRANSCRIPTIONS, [*GOOD, field("model", "inside")], "model"),
        (TRANSCRIPTIONS, [*GOOD, field("model[]", "inside")], "model"),
        (TRANSCRIPTIONS, [file("model", b"wire"), RECORDED], "model"),
        (TRANSCRIPTIONS, [*GOOD, field("stream", "banana")], "stream"),
        (TRANSCRIPTIONS, [*GOOD, field("stream", "true"), field("stream", "false")], "stream"),
        (TRANSCRIPTIONS, [*GOOD, file("stream", b"true")], "stream"),
        (TRANSCRIPTIONS, [field("model", "wire"), *(field(f"f{n}", "") for n in range(1000)), RECORDED], None),
        (EDITS, EDIT, "image"),
        (EDITS, [*EDIT, file("image", b"")], "image"),
        (EDITS, [*EDIT, field("image", "a.png")], "image"),
        (EDITS, [*EDIT, *[file("image[]", PICTURE)] * 17], "image"),
        (EDITS, [MODEL, PAINTED], "prompt"),
        *(
            (EDITS, [*EDIT, PAINTED, field("n", wrong)], "n")
            for wrong in ("0", "-1", "11", "1.5", "two", "1" * 99, "٣")
        ),
    ],
)
def test_forms_that_no_upstream_needs_to_see(
    proxy: LLMProxy, simulator: Simulator, path: str, parts: list[Part], param: str | None
) -> None:
    before = simulator.calls()
    check_refused(send(proxy, encoded(parts), path), param)
    assert simulator.calls() == before


@pytest.mark.parametrize("model", ["wire", "inside"])
@pytest.mark.parametrize(
    ("path", "parts", "code", "param"),
    [
        (TRANSCRIPTIONS, [file("file", SECRET * 99, "talk.mp3", "audio/mpeg")], "invalid_value", "file"),
        (TRANSCRIPTIONS, [RECORDED, field("response_format", "banana")], "invalid_value", "response_format"),
        (TRANSCRIPTIONS, [RECORDED, field("temperature", "hot")], "invalid_type", "temperature"),
        (EDITS, [*EDIT[1:2], PAINTED, field("size", "banana")], "invalid_value", "size"),
        (EDITS, [*EDIT[1:], file("image", SECRET * 99, "a.png", "image/png")], "unsupported_file_mimetype", "image"),
    ],
)
def test_what_the_upstream_decides_comes_through(
    proxy: LLMProxy, path: str, parts: list[Part], code: str, param: str, model: str
) -> None:
    answer = send(proxy, encoded([field("model", model), *parts]), path)
    check_error(answer, 400, code, param)
    line = line_of(proxy, answer.headers["x-request-id"])
    assert (line["status"], line["audio_milliseconds"], line["images"], line["cost_units"]) == (400, 0, 0, 0)


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        ("multipart/form-data", encoded(GOOD), "boundary"),
        ('multipart/form-data; boundary=""', encoded(GOOD), "boundary"),
        ("multipart/form-data; boundary=" + "X" * 1000, encoded(GOOD), "boundary"),
        ("multipart/form-data; boundary=YY", encoded(GOOD), "form"),
        (FORM, b"", "incomplete"),
        (FORM, encoded(GOOD)[:-100], "incomplete"),
        (FORM, b"\0" * 10_000, "well-formed"),
        (FORM, b"--XX\r\nContent-Disposition: form-data\r\n\r\nwire\r\n--XX--\r\n", "name"),
        (FORM, b"--XX\r\n\r\nwire\r\n--XX--\r\n", "Content-Disposition"),
        (FORM, b"--XX\r\n" + b"x: y\r\n" * 100 + b"\r\nwire\r\n--XX--\r\n", "form"),
        (FORM, encoded([(field("model", "")[0], b"x" * (2 << 20))]), "limit"),
        ("application/json", b'{"model": "wire"}', "multipart/form-data"),
        ("application/x-www-form-urlencoded", b"model=wire&file=abc", "multipart/form-data"),
        ("multipart/mixed; boundary=XX", encoded(GOOD), "multipart/form-data"),
        ("", encoded(GOOD), "multipart/form-data"),
    ],
)
def test_what_is_no_form(proxy: LLMProxy, kind: str, body: bytes, says: str) -> None:
    answer = send(proxy, body, kind=kind)
    too_large = says == "limit"
    code, param = ("request_too_large", "model") if too_large else (None, None)
    assert says in check_error(answer, 413 if too_large else 400, code, param)


@pytest.mark.parametrize("path", [path for path in BODIES if path not in FORMS])
def test_a_form_where_json_is_expected(proxy: LLMProxy, path: str) -> None:
    assert "JSON" in check_error(send(proxy, encoded(GOOD), f"/v1/{path}"), 400)


@pytest.mark.parametrize(
    "kind", ['Multipart/Form-Data; Boundary="XX"', "multipart/form-data; charset=utf-8; boundary=XX"]
)
def test_how_a_form_is_announced_does_not_matter(proxy: LLMProxy, kind: str) -> None:
    assert send(proxy, encoded(GOOD), f"{TRANSCRIPTIONS}?unknown=1", kind=kind).status_code == 200


def test_forms_may_come_in_chunks_and_byte_by_byte(proxy: LLMProxy) -> None:
    body = encoded([MODEL, file("file", RECORDING[:300])])
    pieces = [body[at : at + 1] for at in range(len(body))]
    assert exchange(proxy.port, head(proxy, content_length=str(len(body))), *pieces).status_code == 200
    chunks = [b"1\r\n%b\r\n" % piece for piece in pieces]
    assert exchange(proxy.port, head(proxy, transfer_encoding="chunked"), *chunks, b"0\r\n\r\n").status_code == 200


def test_a_file_above_the_limit_is_refused_while_it_comes(proxy: LLMProxy) -> None:
    body = encoded([MODEL, file("file", bytes(LIMIT + 1))])
    refused = [send(proxy, body)]
    endless = [b"10000\r\n" + bytes(0x10000) + b"\r\n"] * 20
    begun = b"%x\r\n%b\r\n" % (len(body[:300]), body[:300])
    refused.append(exchange(proxy.port, head(proxy, transfer_encoding="chunked"), begun, *endless))
    for answer in refused:
        check_error(answer, 413, "request_too_large", "file")
    with client_of(proxy) as client:
        just = {"file": ("talk.wav", RECORDING + bytes(LIMIT - len(RECORDING)), "audio/wav")}
        assert post_form(client, "audio/transcriptions", "wire", files=just).status_code == 200


def test_who_waits_for_the_word_to_go_on_is_refused_before_the_body(proxy: LLMProxy) -> None:
    announced = head(proxy, content_length=str(proxy.max_body_bytes + 1), expect="100-continue")
    check_error(exchange(proxy.port, announced), 413, "request_too_large")
    nobody = request("POST", TRANSCRIPTIONS, {"content-type": FORM, "content-length": "9", "expect": "100-continue"})
    check_error(exchange(proxy.port, nobody), 401, "invalid_api_key")


def test_who_may_go_on_is_told_so(proxy: LLMProxy) -> None:
    body = encoded(GOOD)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as caller:
        caller.sendall(head(proxy, content_length=str(len(body)), expect="100-continue"))
        assert caller.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.sendall(body)
        assert caller.recv(1000).startswith(b"HTTP/1.1 200")


def test_a_length_that_lies(proxy: LLMProxy) -> None:
    body = encoded(GOOD)
    check_error(exchange(proxy.port, head(proxy, content_length=str(len(body) - 50)) + body), 400)
    check_error(exchange(proxy.port, head(proxy, content_length=str(len(body) + 50)) + body), 408, "request_timeout")
    both = head(proxy, content_length="5", transfer_encoding="chunked")
    check_error(exchange(proxy.port, both, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)), 400)


@pytest.mark.parametrize("sent", [0.5, 0.999])
def test_a_form_that_stops_half_way_times_out(proxy: LLMProxy, sent: float) -> None:
    body = encoded([MODEL, file("file", bytes(LIMIT))])
    begun = body[: int(len(body) * sent)]
    check_error(exchange(proxy.port, head(proxy, content_length=str(len(body))), begun), 408, "request_timeout")


def test_refused_forms_leave_nothing_behind(proxy: LLMProxy) -> None:
    with client_of(proxy) as client:
        assert post_form(client, "audio/transcriptions", "wire").status_code == 200
    folder = Path(proxy.env["DATA_DIR"]) / "uploads"
    assert not folder.exists() or not list(folder.iterdir())
    logged = proxy.logs()
    for hidden in ("Traceback", "internal error", SECRET.decode(), proxy.key):
        assert hidden not in logged
    assert SECRET.decode() not in str(lines(proxy))
