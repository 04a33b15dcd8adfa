"""TLS by the server itself, hosts that requests may name, and IPv6."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from openai import OpenAI

from tests.fakes.certificates import Authority
from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream
from tests.fakes.processes import Running, wait_until


class Secured(NamedTuple):
    """A server with a certificate.

    Attributes:
        proxy: the server.
        authority: signed its certificate.
        files: the certificate, which the server watches.
    """

    proxy: LLMProxy
    authority: Authority
    files: Path

    def serial(self) -> int:
        """Return the serial number of the certificate that a new connection gets."""
        context = self.authority.client()
        with (
            socket.create_connection(("127.0.0.1", self.proxy.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            found = connection.getpeercert()
        assert found is not None
        return int(str(found["serialNumber"]), 16)


@pytest.fixture(scope="module", params=[(), ("--workers", "2")], ids=["alone", "workers"])
def secured(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, simulator: Simulator
) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    authority, files = Authority(folder), folder / "tls.pem"
    shutil.copy(authority.file("localhost"), files)
    proxy = LLMProxy(
        folder,
        simulated("sim"),
        upstream("wire", simulator.url),
        variables={"LLMPROXY_TLS_CERT": str(files), "LLMPROXY_ALLOWED_HOSTS": "localhost,*.internal.example,::1"},
        options=request.param,
    )
    assert proxy.url.startswith("https://")
    yield Secured(proxy, authority, files)
    assert proxy.stop() == 0
    assert "Traceback" not in proxy.logs()
    assert "eof_received" not in proxy.logs()


def http(secured: Secured) -> httpx.Client:
    return httpx.Client(
        base_url=f"https://localhost:{secured.proxy.port}",
        verify=secured.authority.client(),
        headers={"api-key": secured.proxy.key},
        timeout=30,
    )


def test_clients_call_and_stream_over_tls(secured: Secured) -> None:
    with http(secured) as connection:
        client = OpenAI(
            base_url=f"{secured.proxy.url}/v1".replace("127.0.0.1", "localhost"),
            api_key=secured.proxy.key,
            http_client=connection,
            max_retries=0,
        )
        for model in ("sim", "wire"):
            assert client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}]).choices
            chunks = client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": "hi"}], stream=True
            )
            assert len(list(chunks)) > 2
        assert [model.id for model in client.models.list()] == ["sim", "wire"]


def test_callers_who_speak_plain_http_or_disconnect_do_no_harm(secured: Secured, simulator: Simulator) -> None:
    with socket.create_connection(("127.0.0.1", secured.proxy.port), timeout=10) as plain:
        plain.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        with pytest.raises((ConnectionError, AssertionError)):
            assert plain.recv(1000)
    body = {
        "model": "wire",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "simulator": {"stall_after": 1},
    }
    with http(secured) as client, client.stream("POST", "/v1/chat/completions", json=body) as response:
        lines = response.iter_lines()  # httpx closes the response with its iterator
        assert next(lines).startswith("data:")
        assert simulator.calls()["open"] == 1
    wait_until(lambda: simulator.calls()["open"] == 0, 20, "the end of the upstream's call")
    with http(secured) as client:
        assert client.get("/v1/models").status_code == 200


def test_a_new_certificate_is_used_once_its_file_has_changed(secured: Secured) -> None:
    before = secured.serial()
    current = secured.files.read_bytes()
    with http(secured) as client:  # its connection stays as it is
        assert client.get("/v1/models").status_code == 200
        secured.files.write_bytes(b"not a certificate")
        wait_until(lambda: "the new certificate cannot be used" in secured.proxy.logs(), 20, "the report")
        assert secured.serial() == before
        replacement = secured.files.with_suffix(".new")
        shutil.copy(secured.authority.file("localhost"), replacement)
        replacement.replace(secured.files)
        # Every worker looks by itself.
        wait_until(lambda: before not in {secured.serial() for _ in range(8)}, 30, "the new certificate")
        assert client.get("/v1/models").status_code == 200
    assert secured.files.read_bytes() != current


def test_only_listed_hosts_are_served_and_probes_pass(secured: Secured) -> None:
    with http(secured) as client:
        for host, status in (
            ("localhost", 200),
            (f"LOCALHOST:{secured.proxy.port}", 200),
            ("a.b.internal.example", 200),
            ("[::1]:8000", 200),
            ("internal.example", 400),
            ("127.0.0.1", 400),
            ("evil.example", 400),
            ("localhost.evil.example", 400),
        ):
            response = client.get("/v1/models", headers={"host": host})
            assert response.status_code == status, host
            if status == 400:
                assert response.json()["error"]["code"] == "host_not_allowed"
        assert client.get("/health", headers={"host": "10.0.0.7"}).status_code == 200


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"LLMPROXY_TLS_CERT": "/does/not/exist"},
            "LLMPROXY_TLS_CERT and LLMPROXY_TLS_KEY cannot be used: No such file",
        ),
        ({"LLMPROXY_TLS_KEY": "/does/not/exist"}, "LLMPROXY_TLS_KEY needs LLMPROXY_TLS_CERT"),
        ({"LLMPROXY_ALLOWED_HOSTS": "https://a.example"}, "LLMPROXY_ALLOWED_HOSTS is invalid"),
    ],
    ids=["no file", "key alone", "address"],
)
def test_wrong_settings_stop_the_start(tmp_path: Path, variables: dict[str, str], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        LLMProxy(tmp_path, variables=variables)


def test_a_server_listens_on_ipv6(tmp_path: Path) -> None:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("this machine has no IPv6")
    proxy = LLMProxy(tmp_path, simulated("sim"))
    proxy.stop()
    six = Running("serve", "--host", "::1", "--port", "0", env=proxy.env, ready=r"llmproxy listening on (\S+)/v1")
    try:
        assert six.base_url.startswith("http://[::1]:")
        client = OpenAI(base_url=f"{six.base_url}/v1", api_key=proxy.key, max_retries=0)
        assert client.chat.completions.create(model="sim", messages=[{"role": "user", "content": "hi"}]).choices
    finally:
        assert six.stop() == 0
