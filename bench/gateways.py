"""The other gateways: how each is configured and started, and what it had switched on."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.install import HERE, locked_version, program, virtualenv
from bench.processes import free_port
from bench.scenarios import PACED_MODEL, PLAIN_MODEL


@dataclass(frozen=True, slots=True)
class Launch:
    """A gateway that is ready to be started.

    Args:
        argv: its command line; empty = nothing is started and the upstream itself is asked.
        port: where it listens; None if it writes its address to ``address``.
        key: what callers present.
        path: of chat completions.
        model_prefix: goes before the name of a model.
        env: environment variables on top of ours.
        address: the file to which it writes its address.
    """

    argv: tuple[str, ...]
    port: int | None
    key: str = "sk-bench"
    path: str = "/v1/chat/completions"
    model_prefix: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    address: Path | None = None


@dataclass(frozen=True, slots=True)
class Gateway:
    """One of the things that are compared.

    Args:
        name: as on the command line.
        title: as in the tables.
        features: what it does to a call besides passing it on.
        version: which one it is.
        prepare: from an empty folder of its own and the upstream's port to something that can be started.
        check: after it was stopped, from the same folder and the number of answered calls to a sentence about what it
            left there; raises ``ValueError`` where that is wrong.
    """

    name: str
    title: str
    features: str
    version: Callable[[], str]
    prepare: Callable[[Path, int], Launch]
    check: Callable[[Path, int], str] | None = None


def prepare_direct(_work: Path, upstream: int) -> Launch:
    return Launch((), upstream)


NGINX = """\
{user}daemon off;
worker_processes 1;
pid {work}/nginx.pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_max_body_size 32m;
    client_body_buffer_size 2m;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    keepalive_requests 10000000;
    upstream model {{
        server 127.0.0.1:{upstream};
        keepalive 512;
        keepalive_requests 10000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{
            proxy_pass http://model;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""


def nginx_version() -> str:
    done = subprocess.run([program("nginx"), "-v"], check=False, capture_output=True, text=True)
    found = re.search(r"nginx/(\S+)", done.stderr)
    return found[1] if found else "unknown"


def prepare_nginx(work: Path, upstream: int) -> Launch:
    port = free_port()
    config = work / "nginx.conf"
    # Started by root, its worker would be somebody who may not write into our folder.
    user = "user root;\n" if os.geteuid() == 0 else ""
    config.write_text(NGINX.format(work=work, upstream=upstream, port=port, user=user))
    return Launch((program("nginx"), "-p", str(work), "-c", str(config), "-e", "stderr"), port)


def prepare_litellm(work: Path, upstream: int) -> Launch:
    port = free_port()
    key = "sk-bench-master"
    models = [
        {
            "model_name": model,
            "litellm_params": {
                "model": f"openai/{model}",
                "api_base": f"http://127.0.0.1:{upstream}/v1",
                "api_key": "sk-upstream",
                "input_cost_per_token": 0.0000025,
                "output_cost_per_token": 0.00001,
            },
        }
        for model in (PLAIN_MODEL, PACED_MODEL)
    ]
    config = work / "config.yaml"
    # JSON is YAML.
    config.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": key}}))
    command = virtualenv("litellm-proxy") / "litellm"
    options = ("--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1")
    env = {
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_TELEMETRY": "False",
        "PYTHONPATH": "",
    }
    return Launch((str(command), *options, "--telemetry", "False"), port, key=key, env=env)


TENSORZERO = """\
[gateway]
observability.enabled = false
disable_pseudonymous_usage_analytics = true
[object_storage]
type = "disabled"
"""
TENSORZERO_MODEL = """
[models.{model}]
routing = ["mock"]
[models.{model}.providers.mock]
type = "openai"
model_name = "{model}"
api_base = "http://127.0.0.1:{upstream}/v1/"
api_key_location = "none"
"""


def prepare_tensorzero(work: Path, upstream: int) -> Launch:
    config = work / "tensorzero.toml"
    models = (TENSORZERO_MODEL.format(model=model, upstream=upstream) for model in (PLAIN_MODEL, PACED_MODEL))
    config.write_text(TENSORZERO + "".join(models))
    address = work / "address"
    python = virtualenv("tensorzero") / "python"
    return Launch(
        (str(python), str(HERE / "tensorzero_gateway.py"), str(config), str(address)),
        None,
        path="/openai/v1/chat/completions",
        model_prefix="tensorzero::model_name::",
        env={"PYTHONPATH": ""},
        address=address,
    )


DIRECT = Gateway("direct", "direct, no gateway", "nothing", lambda: "", prepare_direct)
OTHERS = (
    DIRECT,
    Gateway(
        "nginx",
        "nginx",
        "plain reverse proxy, kept-alive upstream connections, access log off",
        nginx_version,
        prepare_nginx,
    ),
    Gateway(
        "litellm",
        "LiteLLM Proxy",
        "one worker, master key, cost computed; no database: no ledger, no budgets, no stored keys",
        lambda: locked_version("litellm-proxy", "litellm"),
        prepare_litellm,
    ),
    Gateway(
        "tensorzero",
        "TensorZero gateway",
        "routing and format translation; no key check, no ledger (both need its databases), observability off; "
        "memory includes the Python process that starts it",
        lambda: locked_version("tensorzero", "tensorzero"),
        prepare_tensorzero,
    ),
)
