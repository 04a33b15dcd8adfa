"""Three servers, with the settings of ``deploy/kubernetes``, behind a real nginx with those of ``deploy/nginx``."""

from __future__ import annotations

import io
import math
import re
import time
import wave
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml
from openai import OpenAI

from tests.fakes.certificates import Authority
from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream
from tests.fakes.nginx import Nginx, free_port
from tests.fakes.processes import Running, wait_until
from tests.tools import ROOT

CONFIG = (ROOT / "deploy" / "nginx" / "nginx.conf").read_text("utf-8")
MANIFEST = ROOT / "deploy" / "kubernetes" / "base" / "settings.yaml"
ELSEWHERE = {"HOST", "PORT", "DATA_DIR", "COSMOS_URL", "LLMPROXY_METRICS_PORT", "LLMPROXY_DRAIN_DELAY"}
"""Settings of pods, which have an address and a disk of their own; and a test does not wait for a Service."""
SETTINGS = {
    name: value for name, value in yaml.safe_load(MANIFEST.read_text("utf-8"))["data"].items() if name not in ELSEWHERE
}
CALLER = "127.0.0.77"
"""A second address of this machine, so that the caller is not the proxy."""


@dataclass(frozen=True, slots=True)
class Site:
    """The address for callers, and the processes behind it."""

    url: str
    proxy: LLMProxy
    others: list[Running]
    simulator: Simulator
    http: httpx.Client

    def logs(self) -> str:
        return self.proxy.logs() + "".join(other.output() for other in self.others)


def configured(ports: list[int], listen: int, pem: Path) -> str:
    """Return the shipped configuration with the ports and the certificate of the test."""
    text = CONFIG.replace("/etc/llmproxy/tls.crt", str(pem)).replace("/etc/llmproxy/tls.key", str(pem))
    text = re.sub(r"listen (\[::\]:)?443", lambda found: f"listen {found[1] or ''}{listen}", text)
    lines = "".join(f"        server 127.0.0.1:{port} max_fails=0;\n" for port in ports)
    text, count = re.subn(r"(        server 127\.0\.0\.1:800\d max_fails=0;\n)+", lines, text)
    assert count == 1
    return text.replace("worker_processes auto", "worker_processes 1")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    authority = Authority(folder)
    simulator = Simulator("--tps", "20")
    proxy = LLMProxy(
        folder,
        upstream("wire", simulator.url),
        simulated("sim", operations=["ChatCompletion", "audio_stt"]),
        variables=SETTINGS | {"LLMPROXY_TRUSTED_PROXIES": "127.0.0.1"},
    )
    ready = r"llmproxy listening on (\S+)/v1"
    others = [Running("serve", "--port", "0", env=proxy.env, ready=ready) for _ in range(2)]
    port = free_port()
    servers = [proxy.port, *(int(other.base_url.rpartition(":")[2]) for other in others)]
    with Nginx(folder, configured(servers, port, authority.file("localhost")), port):
        transport = httpx.HTTPTransport(verify=authority.client(), local_address=CALLER)
        with httpx.Client(
            base_url=f"https://localhost:{port}", transport=transport, headers={"api-key": proxy.key}, timeout=60
        ) as http:
            yield Site(f"https://localhost:{port}/v1", proxy, others, simulator, http)
    assert [other.stop() for other in others] == [0, 0]
    proxy.stop()
    simulator.stop()


def chat(model: str, **members: object) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": "hi"}], **members}


def test_streams_are_not_buffered(site: Site) -> None:
    body = chat("wire", stream=True, simulator={"tokens": 60})
    with site.http.stream("POST", "/v1/chat/completions", json=body) as response:
        lines = response.iter_lines()
        assert next(lines).startswith("data:")
        assert site.simulator.calls()["open"] == 1, "the first event arrives while the upstream still writes"
        assert [line for line in lines if line][-1] == "data: [DONE]"


def test_the_official_client_works_through_it(site: Site) -> None:
    client = OpenAI(base_url=site.url, api_key=site.proxy.key, http_client=site.http, max_retries=0)
    assert client.chat.completions.create(model="sim", messages=[{"role": "user", "content": "hi"}]).choices
    assert [model.id for model in client.models.list()] == ["sim", "wire"]


def test_large_bodies_and_uploads_pass(site: Site) -> None:
    large = chat("sim") | {"messages": [{"role": "user", "content": "word " * 1_000_000}]}
    assert site.http.post("/v1/chat/completions", json=large).status_code == 200
    sound = io.BytesIO()
    with wave.open(sound, "wb") as recording:
        recording.setparams((1, 2, 16_000, 0, "NONE", ""))
        recording.writeframes(bytes(3 << 20))
    files = {"file": ("long.wav", sound.getvalue(), "audio/wav")}
    response = site.http.post("/v1/audio/transcriptions", data={"model": "sim"}, files=files)
    assert response.status_code == 200, response.text


def test_logs_name_the_caller_and_every_server_serves(site: Site) -> None:
    def served() -> bool:
        for _ in range(4):
            site.http.post("/v1/chat/completions", json=chat("sim")).raise_for_status()
        outputs = [site.proxy.logs(), *(other.output() for other in site.others)]
        return all("/v1/chat/completions" in text for text in outputs)

    wait_until(served, 30, "calls on every server")
    assert site.http.get("/v1/models", headers={"api-key": "sk-unknown"}).status_code == 401
    wait_until(lambda: f'"client": "{CALLER}"' in site.logs(), what="the address of the caller")


def test_a_caller_who_disconnects_ends_the_upstreams_call(site: Site) -> None:
    body = chat("wire", stream=True, simulator={"tokens": 2000})
    with site.http.stream("POST", "/v1/chat/completions", json=body) as response:
        next(response.iter_lines())
    wait_until(lambda: site.simulator.calls()["open"] == 0, 30, "the end of the upstream's call")


def test_a_limit_holds_for_all_servers_together(site: Site) -> None:
    key = site.proxy.create_key("limited")
    site.proxy.command("projects", "set-limits", "limited", "--rpm", "12")

    def call() -> httpx.Response:
        return site.http.post("/v1/chat/completions", json=chat("sim"), headers={"api-key": key})

    def known() -> bool:
        """Return whether every server knows the key and its limit; they are asked in turn."""
        return all("x-ratelimit-limit-requests" in call().headers for _ in range(6))

    wait_until(known, 30, "the limit on every server")
    began = time.monotonic()
    found = [call().status_code for _ in range(45)]
    # A quarter more than a minute's calls may pass for a moment, and what is refilled while this runs.
    refilled = math.ceil((time.monotonic() - began) * 12 / 60)
    assert found.count(200) <= 15 + refilled
    assert set(found) <= {200, 429}


def test_callers_do_not_notice_that_a_server_stops(site: Site) -> None:
    streams = [
        site.http.stream("POST", "/v1/chat/completions", json=chat("wire", stream=True, simulator={"tokens": 40}))
        for _ in range(4)
    ]
    with ExitStack() as stack:
        texts = [stack.enter_context(stream).iter_text() for stream in streams]
        assert all(next(text).startswith("data:") for text in texts)
        stop_and_call(site)
        assert all("".join(text).endswith("data: [DONE]\n\n") for text in texts)
    site.proxy.start()


def stop_and_call(site: Site) -> None:
    """Stop one of the servers, which waits for its streams, and call what is left."""
    assert site.proxy.stop() == 0
    for _ in range(6):
        assert site.http.post("/v1/chat/completions", json=chat("sim")).status_code == 200
