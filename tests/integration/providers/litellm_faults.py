"""Prints which faults an unpatched LiteLLM still has; run in a process of its own, because patches stay applied."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.chat_upstream import answering, chunk, completion, event, streaming
from tests.fakes.scripted_server import Behaviour, Peer, scripted_server

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS"] = "True"
os.environ["LITELLM_MODE"] = "PRODUCTION"

GEMINI = {"candidates": [{"content": {"parts": [{"text": "Hi"}], "role": "model"}, "index": 0}]}
COHERE = (
    {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"type": "text", "text": "Hi"}}}},
    {
        "type": "message-end",
        "delta": {"finish_reason": "MAX_TOKENS", "usage": {"tokens": {"input_tokens": 7, "output_tokens": 3}}},
    },
)


async def refuse(peer: Peer) -> None:
    """Answer every request with an error that clients repeat."""
    while True:
        await peer.request()
        await peer.answer(b"{}", status=b"500 Internal Server Error")


async def reset(peer: Peer) -> None:
    """Read a request and reset the connection."""
    await peer.request()
    linger = struct.pack("ii", 1, 0)
    peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    peer.writer.transport.abort()


async def calls(behaviour: Behaviour, function: str, **arguments: Any) -> int:
    """Make one call and count the requests it sends."""
    import litellm

    async with scripted_server(behaviour) as server:
        address = f"http://{server.origin.authority}"
        with contextlib.suppress(Exception):  # only the requests are counted
            await getattr(litellm, function)(api_base=address, api_key="k", **arguments)
        return len(server.requests)


async def read(model: str, path: str, *events: object) -> Any:
    """Read a stream to its end and return LiteLLM's wrapper of it."""
    import litellm

    async with scripted_server(streaming(*map(event, events))) as server:
        stream = await litellm.acompletion(
            model=model,
            api_base=f"http://{server.origin.authority}{path}",
            api_key="k",
            messages=[{"role": "user", "content": "hello"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        async for _ in stream:
            pass
        return stream


async def call_logging() -> bool:
    """LiteLLM computes the price of each call."""
    from litellm.litellm_core_utils.litellm_logging import Logging

    priced: list[object] = []
    logging: Any = Logging
    logging.response_cost_calculator = lambda self, **_: priced.append(self)
    messages = [{"role": "user", "content": "x"}]
    await calls(answering(json.dumps(completion()).encode()), "acompletion", model="openai/gpt-4o", messages=messages)
    return bool(priced)


async def cohere_chat() -> bool:
    """LiteLLM misses the end and the usage of Cohere's streams."""
    try:
        stream = await read("cohere_chat/command-r", "/v2/chat", *COHERE)
    except Exception:  # noqa: BLE001 - an error in place of the answer is the same fault
        return True
    return bool(stream.received_finish_reason != "length")


async def embed_content() -> bool:
    """Several texts become one request with several parts."""
    from litellm.llms.vertex_ai.gemini_embeddings.batch_embed_content_transformation import (
        transform_openai_input_gemini_embed_content as transform,
    )

    made = transform(input=["a", "b"], model="gemini-embedding-2", optional_params={})
    return len(made["content"]["parts"]) > 1


async def finish_reasons() -> bool:
    """Check that an answer that filled the context window passes for a complete one."""
    from litellm.litellm_core_utils.core_helpers import map_finish_reason

    reasons = ("model_context_window_exceeded", "MALFORMED_FUNCTION_CALL")
    return {map_finish_reason(reason) for reason in reasons} == {"stop"}


async def gemini_stream_end() -> bool:
    """Check that a stream without an end gets a finish reason."""
    stream = await read("gemini/gemini-2.0-flash", "/v1beta", GEMINI)
    return stream.intermittent_finish_reason is not None


async def image_threads() -> bool:
    """Check that the image handler is called without ``_is_async``, so that it blocks a thread."""
    from litellm.images.main import llm_http_handler

    asked: list[dict[str, Any]] = []
    handler: Any = llm_http_handler
    handler.image_generation_handler = lambda **arguments: asked.append(arguments)
    await calls(refuse, "aimage_generation", model="vertex_ai/imagen-4.0", prompt="a hat")
    del handler.image_generation_handler
    return bool(asked) and not asked[0].get("_is_async")


async def retries() -> bool:
    """Check that a refused and a reset call are sent again although retries are off."""
    refused = await calls(refuse, "aembedding", model="openai/m", input=["x"], max_retries=0, num_retries=0)
    messages = [{"role": "user", "content": "x"}]
    broken = await calls(reset, "acompletion", model="anthropic/m", messages=messages, max_retries=0, num_retries=0)
    return refused > 1 and broken > 1


async def stream_choices() -> bool:
    """Check that the second choice gets no finish reason, and 101 equal chunks raise an error."""
    import litellm

    choices = [chunk("a", choices=[{"index": index, "delta": {"content": "abc"}}]) for index in (0, 1)]
    ends = [chunk(choices=[{"index": index, "delta": {}, "finish_reason": "length"}]) for index in (0, 1)]
    stream = await read("openai/m", "/v1", *choices, *ends)
    ended = {choice.index for each in stream.chunks for choice in each.choices if choice.finish_reason}
    library: Any = litellm
    return ended != {0, 1} and bool(library.REPEATED_STREAMING_CHUNK_LIMIT <= 100)


async def transcription_upload() -> bool:
    """Check that the content of an upload is encoded as a whole."""
    from litellm.llms.vertex_ai.audio_transcription.transformation import VertexAIAudioTranscriptionConfig

    made = VertexAIAudioTranscriptionConfig().transform_audio_transcription_request(
        "chirp_3", ("a.wav", io.BytesIO(b"x" * 300)), {}, {}
    )
    return base64.b64encode(b"x" * 300).decode() in json.dumps(made.data)


async def vertex_addresses() -> bool:
    """Check that an ``api_base`` is taken as the whole URL."""
    from litellm.llms.vertex_ai.image_generation.vertex_imagen_transformation import VertexAIImagenImageGenerationConfig

    url = VertexAIImagenImageGenerationConfig().get_complete_url("http://up.example", None, "imagen-4.0", {}, {})
    return url == "http://up.example"


async def vertex_tokens() -> bool:
    """Each object has a cache of its own, and Imagen is sent the credential."""
    from litellm.llms.vertex_ai.image_generation.vertex_imagen_transformation import (
        VertexAIImagenImageGenerationConfig as Config,
    )

    made = Config().transform_image_generation_request("imagen-4.0", "a hat", {"vertex_credentials": "secret"}, {}, {})
    own = Config()._credentials_project_mapping is not Config()._credentials_project_mapping
    return own and "secret" in json.dumps(made)


async def anthropic_betas() -> bool:
    """Drop a feature newer than LiteLLM."""
    from litellm.anthropic_beta_headers_manager import filter_and_transform_beta_headers

    return filter_and_transform_beta_headers(["brand-new-2031-01-01"], "anthropic") == []


FAULTS: tuple[Callable[[], Awaitable[bool]], ...] = (
    anthropic_betas,
    call_logging,
    cohere_chat,
    embed_content,
    finish_reasons,
    gemini_stream_end,
    image_threads,
    retries,
    stream_choices,
    transcription_upload,
    vertex_addresses,
    vertex_tokens,
)
"""One check for each module of ``infra/providers/litellm/patches``, with its name."""


async def main() -> None:
    """Print the result of each check as JSON."""
    print(json.dumps({fault.__name__: await fault() for fault in FAULTS}))  # noqa: T201 - read by the test


if __name__ == "__main__":
    asyncio.run(main())
