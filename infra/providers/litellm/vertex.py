"""Vertex AI's images, audio and embeddings in LiteLLM 1.106.2: addresses, tokens and waiting put right.

For images an address of the operator's own is taken for the whole URL and called without a token; for speech it is
taken for the whole URL, too. Imagen is sent the service account as one of its parameters. Tokens are fetched anew for
each call, while everybody else waits. Images are made in a thread that nobody can stop. Chat completions and embeddings
have none of these faults; but several texts become one vector where Vertex AI takes one text a call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from domain.errors import InvalidRequestError

_REPAIRED = "_llmproxy_repaired"
_ONE_TEXT = "vertex_ai/gemini-embedding"
_MOST_TEXTS = 100


def repair_addresses(configs: Iterable[Any]) -> None:
    """Make an ``api_base`` the beginning of the address, and send the token there. Safe to repeat."""
    for config in configs:
        if _REPAIRED not in vars(config):
            config.get_complete_url = _below(config.get_complete_url)
            config.validate_environment = _with_token(config.validate_environment)
            setattr(config, _REPAIRED, True)


def _below(original: Callable[..., str]) -> Callable[..., str]:
    def get_complete_url(self: Any, *, api_base: str | None, **others: Any) -> str:
        url = original(self, api_base=None, **others)
        return url if not api_base else api_base.rstrip("/") + urlsplit(url).path

    return get_complete_url


def _with_token(original: Callable[..., Any]) -> Callable[..., Any]:
    def validate_environment(self: Any, **arguments: Any) -> Any:
        known = {name: value for name, value in (arguments.get("litellm_params") or {}).items() if name != "api_base"}
        if "litellm_params" in arguments:
            arguments["litellm_params"] = known
        return original(self, **arguments | {"api_base": None})

    return validate_environment


def keep_credentials(config: Any) -> None:
    """Keep the private key of the service account, and all that leads to it, out of Imagen's parameters."""
    if _REPAIRED in vars(config):
        return
    original = config.transform_image_generation_request

    def transform_image_generation_request(self: Any, *, optional_params: dict[str, Any], **others: Any) -> Any:
        open_ones = {name: value for name, value in optional_params.items() if not name.startswith("vertex_")}
        return original(self, optional_params=open_ones, **others)

    config.transform_image_generation_request = transform_image_generation_request


def share_tokens(configs: Iterable[Any], tokens: Any) -> None:
    """Make configurations, which are made anew for each call, take their tokens from one that remembers them."""

    def remembered(_self: Any, *args: Any, **kwargs: Any) -> Any:
        return tokens._ensure_access_token(*args, **kwargs)  # noqa: SLF001 - LiteLLM has no other name for it

    def nothing_else(_self: Any) -> None:
        """No credential but the document's, or the identity of the machine, which ``None`` stands for."""

    for config in configs:
        config._ensure_access_token = remembered  # noqa: SLF001 - the same
        config._resolve_vertex_credentials = nothing_else  # noqa: SLF001 - the same


def with_token(function: Callable[..., Awaitable[Any]], tokens: Any) -> Callable[..., Awaitable[Any]]:
    """One of LiteLLM's functions, called only when the token is at hand: then nothing has to wait for it."""

    async def call(**arguments: Any) -> Any:
        if arguments["model"].startswith("vertex_ai/"):
            await tokens._ensure_access_token_async(  # noqa: SLF001 - the same
                credentials=arguments.get("vertex_credentials"),
                project_id=arguments.get("vertex_project"),
                custom_llm_provider="vertex_ai",
            )
        return await function(**arguments)

    return call


def without_threads(handler: Any) -> None:
    """Make LiteLLM's HTTP handler of images one that can be cancelled. Safe to repeat."""
    if not isinstance(handler.image_generation_handler, partial):
        handler.image_generation_handler = partial(handler.image_generation_handler, _is_async=True)


def text_by_text(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """LiteLLM's function for embeddings, called for each text alone where Vertex AI takes no more.

    One call after the other: the time that is left, and an error, are those of the caller's one call.
    """

    async def call(**arguments: Any) -> Any:
        texts = arguments["input"]
        if len(texts) == 1 or not arguments["model"].startswith(_ONE_TEXT):
            return await function(**arguments)
        if len(texts) > _MOST_TEXTS:
            message = f"'input' has {len(texts)} texts, but this model takes at most {_MOST_TEXTS} at a time."
            raise InvalidRequestError(message, param="input", code="invalid_value")
        answers = [await function(**arguments | {"input": [text]}) for text in texts]
        whole = answers[0]
        whole.data = [entry for answer in answers for entry in answer.data]
        whole.usage.prompt_tokens = sum(answer.usage.prompt_tokens for answer in answers)
        return whole

    return call
