"""A load test with Locust, from outside of the server: whole and streamed chat completions, and the list of models.

``pip install locust`` into a virtualenv of its own, then, with a key of a project and a model that it may use::

    LOAD_KEY=sk-... LOAD_MODEL=demo locust -f tests/locustfile.py --host http://127.0.0.1:8000 \
        --headless --users 50 --spawn-rate 10 --run-time 1m

Unlike ``llmproxy load-test`` it has no ceiling of cost: use a simulated model, or a project with a hard budget.
"""

from __future__ import annotations

import json
import os
from typing import Any

from locust import HttpUser, between, task

MODEL = os.environ.get("LOAD_MODEL", "demo")
_PATH = "/v1/chat/completions"


class Caller(HttpUser):  # type: ignore[misc]  # Locust is not installed where types are checked
    """A caller that waits a moment between two calls."""

    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        """Present the key with every request."""
        self.client.headers["Authorization"] = f"Bearer {os.environ['LOAD_KEY']}"

    @task(5)  # type: ignore[untyped-decorator]  # as above
    def streamed(self) -> None:
        """Read a stream to its end."""
        with self.client.post(
            _PATH, json=_body(stream=True), stream=True, name="stream", catch_response=True
        ) as answer:
            if answer.status_code != 200:
                answer.failure(_code(answer))
                return
            last = b""
            for line in answer.iter_lines():
                last = line or last
            if last == b"data: [DONE]":
                answer.success()
            else:
                answer.failure("the stream ended early")

    @task(4)  # type: ignore[untyped-decorator]
    def whole(self) -> None:
        """Read a whole answer."""
        with self.client.post(_PATH, json=_body(stream=False), name="whole", catch_response=True) as answer:
            if answer.status_code == 200 and answer.json()["choices"]:
                answer.success()
            else:
                answer.failure(_code(answer))

    @task(1)  # type: ignore[untyped-decorator]
    def models(self) -> None:
        """List the models."""
        self.client.get("/v1/models", name="models")


def _body(*, stream: bool) -> dict[str, Any]:
    messages = [{"role": "user", "content": "Write one short sentence about the sea."}]
    return {"model": MODEL, "messages": messages, "max_completion_tokens": 64, "stream": stream}


def _code(answer: Any) -> str:
    try:
        return str(json.loads(answer.content)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
