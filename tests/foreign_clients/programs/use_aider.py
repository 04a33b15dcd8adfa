"""The ``aider`` command."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from common import BASE_URL, KEY, MODEL, report


def _aider(*arguments: str) -> None:
    command = [sys.executable, "-m", "aider", "--model", f"openai/{MODEL}", "--openai-api-base", BASE_URL]
    command += ["--openai-api-key", KEY, "--message", "hello", "--no-git", "--yes-always", "--no-check-update"]
    command += ["--no-show-model-warnings", "--no-analytics", *arguments]
    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | {"HOME": folder}
        done = subprocess.run(  # noqa: S603
            command, env=env, cwd=folder, capture_output=True, text=True, check=False, timeout=120
        )
    assert done.returncode == 0, done.stderr
    assert "Tokens:" in done.stdout, done.stdout[-300:]


def chat() -> None:
    _aider("--no-stream")


def stream() -> None:
    _aider("--stream")


report(chat=chat, stream=stream)
