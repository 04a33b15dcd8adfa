"""The ``llm`` command."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from common import BASE_URL, KEY, MODEL, report

ENTRY = f"""\
- model_id: ours
  model_name: {MODEL}
  api_base: {BASE_URL}
  api_key_name: ours
  supports_tools: true
  supports_schema: true
"""


def _llm(*arguments: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "extra-openai-models.yaml").write_text(ENTRY, encoding="utf-8")
        env = os.environ | {"LLM_USER_PATH": folder, "OPENAI_API_KEY": KEY}
        command = [sys.executable, "-m", "llm", "-m", "ours", "--key", KEY, *arguments]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def chat() -> None:
    assert _llm("--no-stream", "hello")


def stream() -> None:
    assert _llm("hello")


def tools() -> None:
    assert _llm("--functions", "def weather(city: str) -> str:\n    return 'sunny'\n", "What is the weather?")


def structured_output() -> None:
    assert "{" in _llm("--schema", "name, age int", "Somebody")


report(chat=chat, stream=stream, tools=tools, structured_output=structured_output)
