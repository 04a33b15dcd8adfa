"""Commands on Cosmos DB, as real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.builders import model_body
from tests.fakes.cosmos_server import KEY
from tests.fakes.fault_proxy import Fault, FaultProxy
from tests.fakes.processes import environment, llmproxy, llmproxy_json


@pytest.fixture
def env(proxy: FaultProxy, tmp_path: Path) -> Mapping[str, str]:
    return environment(
        COSMOS_URL=f"https://127.0.0.1:{proxy.port}",
        COSMOS_KEY=KEY,
        COSMOS_DATABASE_ID=tmp_path.name,
        LLMPROXY_COSMOS_VERIFY_TLS="false",
        DATA_DIR=str(tmp_path / "data"),
    )


def write(folder: Path, **over: object) -> Path:
    body = model_body(costs={"currency": "USD", "cost_input_1Mtokens": 2.5, "cost_output_1Mtokens": 10}, **over)
    folder.mkdir(exist_ok=True)
    (folder / "document.json").write_text(json.dumps(body), encoding="utf-8")
    return folder


def test_init_creates_and_may_be_repeated_and_nothing_else_creates(env: Mapping[str, str], tmp_path: Path) -> None:
    for command in (["projects", "list"], ["usage", "report"], ["catalog", "apply", str(write(tmp_path / "models"))]):
        done = llmproxy(*command, env=env, check=False)
        assert done.returncode == 1
        assert "`llmproxy init` creates it" in done.stderr
        assert "Traceback" not in done.stderr
    for _ in range(2):
        assert f"database {tmp_path.name} is ready" in llmproxy("init", env=env).stdout
    llmproxy("catalog", "apply", str(tmp_path / "models"), env=env)
    llmproxy("projects", "create", "billing", env=env)
    assert llmproxy("keys", "create", "billing", "--name", "ci", env=env).stdout.startswith("sk-")
    assert [listed["id"] for listed in llmproxy_json("projects", "list", env=env)] == ["billing"]
    assert "no calls" in llmproxy("usage", "report", env=env).stdout
    assert llmproxy_json("doctor", env=env)["ok"] is True


def test_init_needs_no_right_to_create_what_exists(env: Mapping[str, str], proxy: FaultProxy) -> None:
    llmproxy("init", env=env)
    creating = Fault(
        403, {"x-ms-substatus": "5300"}, only=lambda seen: seen.method == "POST" and "/docs" not in seen.path
    )
    proxy.fault = creating
    llmproxy("init", env=env)
    done = llmproxy("init", env=dict(env) | {"COSMOS_DATABASE_ID": "another"}, check=False)
    assert done.returncode == 1
    assert "data-plane roles do not allow to create" in done.stderr


def test_a_document_that_cosmos_cannot_keep_is_refused_in_one_line(env: Mapping[str, str], tmp_path: Path) -> None:
    llmproxy("init", env=env)
    done = llmproxy("catalog", "apply", str(write(tmp_path / "models", exact=2**53 + 1)), env=env, check=False)
    assert done.returncode == 1
    assert "the number 9007199254740993 has more digits than Cosmos DB keeps" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_cosmos_its_sdk_is_not_imported(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, llmproxy.wiring as w, llmproxy.settings as s\n"
        "async def main():\n"
        "    async with w.open_product(s.load_settings(), {}): pass\n"
        "asyncio.run(main())\n"
        "sys.exit(any(name.split('.')[0] in ('azure', 'aiohttp', 'msal') for name in sys.modules))"
    )
    env = environment(DATA_DIR=str(tmp_path))
    subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=60)  # noqa: S603 - our own code
