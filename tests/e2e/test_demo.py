"""A newcomer's first minute: start the demo, paste its lines."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from domain.operation import Endpoint
from tests.fakes.processes import Running, environment, llmproxy
from tests.tools import ROOT, require_tool

KEY = "sk-demo-key-of-the-tests"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("demo")
    env = environment(DATA_DIR=str(folder), LLMPROXY_DEMO_KEY=KEY)
    made = Running("serve", "--demo", "--port", "0", env=env, ready=r"base_url\s+(\S+)/v1")
    yield made
    made.stop()


def _printed(demo: Running, first: str, last: str) -> str:
    found = re.search(rf"^{first}.*?{last}[^\n]*$", demo.output(), re.MULTILINE | re.DOTALL)
    assert found, demo.output()
    return found.group()


def test_the_curl_line_answers(demo: Running) -> None:
    require_tool("curl")
    line = _printed(demo, "curl", "}'")
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=30, check=True)  # noqa: S603, S607
    assert '"object":"chat.completion"' in done.stdout


def test_the_python_lines_answer(demo: Running) -> None:
    lines = _printed(demo, "from openai", "flush=True")
    assert len(lines.splitlines()) == 5
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
    assert done.stdout.startswith("You asked")


def _readme(demo: Running, section: str, number: int) -> str:
    """Return a block of Python in a section of the README, on this demo and its key."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition(f"## {section}\n")[2]
    block = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[number]
    assert len(block.splitlines()) < 20
    return str(block).replace("http://127.0.0.1:8000", demo.base_url).replace("sk-...", KEY)


def _run(lines: str, folder: Path) -> list[str]:
    done = subprocess.run(  # noqa: S603 - our own lines
        [sys.executable, "-c", lines], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_every_operation_of_the_readme_answers(demo: Running, tmp_path: Path) -> None:
    chat = _readme(demo, "For application developers", 0)
    printed = _run(chat + "\nprint()\n" + _readme(demo, "For application developers", 1), tmp_path)
    chatted, responded, embedding, heard = printed
    assert chatted.startswith("You asked")
    assert responded.startswith("You asked")
    assert [abs(float(number)) < 1 for number in embedding.strip("[]").split(",")] == [True] * 3
    assert heard
    assert (tmp_path / "hello.mp3").stat().st_size > 1000


def test_the_lines_for_azures_client_answer(demo: Running, tmp_path: Path) -> None:
    (answer,) = _run(_readme(demo, "For application developers", 2), tmp_path)
    assert answer.startswith("You asked")


def test_the_curl_lines_of_every_operation_answer(demo: Running, tmp_path: Path) -> None:
    for tool in ("curl", "base64"):
        require_tool(tool)
    page = (ROOT / "docs/http.md").read_text(encoding="utf-8").partition("## With curl\n")[2]
    lines = page.partition("```sh\n")[2].partition("```")[0]
    # pytest's own interpreter stands in for the machine's, and what curl does not like is a failure.
    lines = "set -e\n" + lines.replace("python3", sys.executable).replace("curl -sS", "curl -sS --fail-with-body")
    env = environment(URL=demo.base_url, KEY=KEY)
    done = subprocess.run(  # noqa: S603
        ["bash", "-c", lines],  # noqa: S607
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for expected in ('"object":"response"', "event: response.completed", '"object":"text_completion"', '"embedding":['):
        assert expected in done.stdout
    assert "00:00:00,000 --> " in done.stdout
    assert (tmp_path / "lighthouse.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "night.json").read_text())["data"]
    assert (tmp_path / "hello.wav").read_bytes().startswith(b"RIFF")


def test_there_is_a_model_for_every_operation_with_its_price(demo: Running) -> None:
    headers = {"authorization": f"Bearer {KEY}"}
    models = httpx.get(f"{demo.base_url}/v1/models", headers=headers, timeout=10).json()["data"]
    offered = {endpoint for model in models for endpoint in model["endpoints"]}
    assert offered == {f"/v1/{endpoint}" for endpoint in Endpoint}
    assert all(model["prices"] for model in models)


def test_nothing_that_the_demo_serves_is_without_a_price(tmp_path: Path) -> None:
    env = environment(DATA_DIR=str(tmp_path / "data"), LLMPROXY_DEMO_KEY=KEY)
    own = Running("serve", "--demo", "--port", "0", env=env, ready=r"base_url\s+(\S+)/v1")
    try:
        chat = _readme(own, "For application developers", 0)
        _run(chat + "\n" + _readme(own, "For application developers", 1), tmp_path)
    finally:
        own.stop()
    found = json.loads(llmproxy("usage", "report", "--by", "operation", "--json", env=env).stdout)
    rows = {row["operation"]: row for row in found["rows"]}
    assert set(rows) == {"ChatCompletion", "Responses", "embeddings", "images", "audio_tts", "audio_stt"}
    assert all(Decimal(row["cost"]) > 0 and row["unpriced"] == 0 for row in rows.values())
    assert (rows["images"]["images"], rows["audio_tts"]["characters"]) == (2, len("Hello!"))
    assert Decimal(rows["audio_stt"]["audio_seconds"]) > 0


def test_the_key_is_the_one_that_was_set(demo: Running) -> None:
    assert KEY in demo.output()


def test_vendors_whose_keys_are_set_are_added(tmp_path: Path) -> None:
    env = environment(
        DATA_DIR=str(tmp_path),
        OPENAI_API_KEY="sk-openai-made-up",
        ANTHROPIC_API_KEY="sk-ant-made-up",
        AZURE_OPENAI_API_KEY="made-up",
        AZURE_OPENAI_ENDPOINT="https://resource.openai.azure.com",
    )
    made = Running("serve", "--demo", "--port", "0", env=env, ready=r"base_url\s+(\S+)/v1")
    try:
        models = _printed(made, "  models", "simulated-chat")
        assert all(name in models for name in ("demo", "gpt-4o-mini", "azure-chat", "claude-haiku-4-5"))
        doctor = llmproxy("doctor", env=env)
        assert "fail" not in doctor.stdout
        assert "made-up" not in made.output() + doctor.stdout
    finally:
        made.stop()


def test_the_demo_is_refused_in_production(tmp_path: Path) -> None:
    env = environment(DATA_DIR=str(tmp_path), ENVIRONMENT="production")
    assert "refused" in llmproxy("serve", "--demo", env=env, check=False).stderr


def test_a_taken_port_is_said_and_the_demo_that_runs_there_keeps_its_key(tmp_path: Path) -> None:
    folder = str(tmp_path)
    first = Running(
        "serve",
        "--demo",
        "--port",
        "0",
        env=environment(DATA_DIR=folder, LLMPROXY_DEMO_KEY=KEY),
        ready=r"url\s+(\S+)/v1",
    )
    try:
        port = str(httpx.URL(first.base_url).port)
        second = llmproxy("serve", "--demo", "--port", port, env=environment(DATA_DIR=folder), check=False)
        assert f"cannot listen on 127.0.0.1:{port}" in second.stderr
        assert second.returncode == 1
        time.sleep(2.5)  # longer than it takes a change to show
        models = httpx.get(f"{first.base_url}/v1/models", headers={"api-key": KEY}, timeout=10)
        assert models.status_code == 200
    finally:
        first.stop()


def test_the_demo_leaves_the_operators_data_alone(tmp_path: Path) -> None:
    env = environment(LLMPROXY_DEMO_KEY=KEY)
    demo = Running("serve", "--demo", "--port", "0", env=env, ready=r"base_url\s+(\S+)/v1", cwd=tmp_path)
    try:
        assert f"data      {tmp_path}/demo-data " in demo.output()
        assert [path.name for path in tmp_path.iterdir()] == ["demo-data"]
    finally:
        demo.stop()
