"""``llmproxy simulator``: an upstream for tests."""

from __future__ import annotations

import json
import socket
from typing import Any

import click
import uvicorn

from infra.simulator.faults import SimulatorOptions
from infra.simulator.server import Simulator
from llmproxy.listening import base_url, listen

_BACKLOG = 2048
_KEEP_ALIVE = 75  # seconds; vendors keep idle connections for about that long
_STATUS = click.IntRange(400, 599)
_AMOUNT = click.FloatRange(min=0)
_COUNT = click.IntRange(min=0)


@click.command(
    epilog="""\b
Example:
  llmproxy simulator --port 9000 --ttft 0.3 --tps 50
  curl http://127.0.0.1:9000/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"model":"any","messages":[{"role":"user","content":"Hello"}],"stream":true}'

\b
A request can inject faults with a member "simulator":
  {"simulator": {"status": 429, "retry_after": 2}}
  {"simulator": {"cut_after": 5}}
A form does so with a text field "simulator" that contains the same object.

GET /simulator/calls returns the counters, GET /simulator/last the last request;
POST /simulator/reset resets both."""
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=9000, show_default=True, type=click.IntRange(0, 65535), help="0 = any free port.")
@click.option("--ttft", default=0.0, type=_AMOUNT, help="Seconds until the first byte.")
@click.option(
    "--tps", type=click.FloatRange(min=0, min_open=True), help="Tokens per second after it. [default: at once]"
)
@click.option(
    "--error-rate",
    type=click.FloatRange(0, 1),
    help="Share of the calls that fail, spread evenly. [default: 1 with --status]",
)
@click.option("--status", type=_STATUS, help="Error status of failing calls. [default: 500]")
@click.option("--retry-after", type=_AMOUNT, help="Seconds for Retry-After of failing calls.")
@click.option("--cut-after", type=_COUNT, help="Close each connection after so many chunks.")
@click.option("--stall-after", type=_COUNT, help="Send nothing more after so many chunks.")
@click.option("--malformed", is_flag=True, help="Answer with invalid JSON.")
@click.option("--html", is_flag=True, help="Answer with an HTML error page.")
@click.option("--no-usage", is_flag=True, help="Omit the usage.")
@click.option("--gzip", is_flag=True, help="Compress answers regardless of Accept-Encoding.")
@click.option("--api-key", help="Reject every other key. [default: accept any request]")
@click.option("--json", "as_json", is_flag=True, help="Print the address as JSON.")
def simulator(host: str, port: int, as_json: bool, **orders: Any) -> None:
    """Run a server that speaks OpenAI's API and generates its answers: the same request, the same answer.

    Chat, completions, responses, embeddings, images, speech, transcriptions and translations, under OpenAI's and
    Azure's paths. Models whose name contains "gpt-image" report tokens of images, "transcribe" tokens of audio.
    """
    options = SimulatorOptions(**orders)
    listener = listen(host, port)
    config = uvicorn.Config(
        Simulator(options),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="critical",  # connections are cut on purpose
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=1,
    )
    _Announcing(config, f"{base_url(host, listener)}/v1", as_json=as_json).run(sockets=[listener])


class _Announcing(uvicorn.Server):
    """A server that prints its address once it listens."""

    def __init__(self, config: uvicorn.Config, url: str, *, as_json: bool) -> None:
        super().__init__(config)
        self._line = json.dumps({"url": url}) if as_json else f"simulator listening on {url}"

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the line."""
        await super().startup(sockets)
        if self.started:
            click.echo(self._line)
