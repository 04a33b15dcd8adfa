"""Late import of LiteLLM, which takes seconds and over 100 MB: only servers that need it pay for it."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import threading
import warnings
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from domain.errors import DeploymentUnusableError
from infra.providers.litellm.patches import apply_patches

FUNCTIONS = ("acompletion", "aembedding", "aimage_edit", "aimage_generation", "aspeech", "atranscription")
"""LiteLLM's functions that the adapter calls."""


@dataclass(frozen=True, slots=True)
class Library:
    """The parts of LiteLLM that the adapter uses.

    Args:
        functions: LiteLLM's functions by their names.
        call_logging: class of the object that LiteLLM reports a call's progress to; it does nothing.
        controls: names of arguments that control LiteLLM itself; callers may not send them.
    """

    functions: Mapping[str, Callable[..., Awaitable[Any]]]
    call_logging: Callable[..., object]
    controls: frozenset[str]


class Loader:
    """Imports LiteLLM once, in a thread, at first use or on ``warm_up``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._future: Future[Library] | None = None

    @property
    def state(self) -> str:
        """``not loaded``, ``loading``, ``ready`` or ``failed: ...``."""
        future = self._future
        if future is None:
            return "not loaded"
        if not future.done():
            return "loading"
        error = future.exception()
        return "ready" if error is None else f"failed: {type(error).__name__}: {error}"

    def warm_up(self) -> Future[Library]:
        """Start the import unless it has been started; return at once."""
        with self._lock:
            if self._future is None:
                self._future = Future()
                # A daemon: a server that stops does not wait for an import.
                threading.Thread(target=_run, args=(self._future,), name="litellm-import", daemon=True).start()
            return self._future

    async def ready(self) -> Library:
        """Return LiteLLM after its import.

        Raises:
            DeploymentUnusableError: it cannot be imported.
        """
        future = self._future
        if future is None or not future.done():
            future = self.warm_up()
            # A cancelled caller must not cancel the import that others wait for.
            await asyncio.wait([asyncio.wrap_future(future)])
        error = future.exception()
        if error is not None:
            raise DeploymentUnusableError(f"LiteLLM could not be loaded ({type(error).__name__}: {error})")
        return future.result()


def _run(future: Future[Library]) -> None:
    try:
        future.set_result(_load())
    except BaseException as error:  # noqa: BLE001  # an import can fail in any way; it is raised to whoever waits
        future.set_exception(error)


def _load() -> Library:
    # Read by LiteLLM: no price list and no list of beta features from the network, no .env file. None is a secret.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    _disable_loggers()
    import litellm
    from litellm.litellm_core_utils.litellm_logging import Logging
    from litellm.types.utils import all_litellm_params

    _configure(litellm)
    apply_patches()
    signature = inspect.signature(litellm.acompletion).parameters
    functions = {name: getattr(litellm, name) for name in FUNCTIONS}
    return Library(
        functions=functions, call_logging=Logging, controls=frozenset(all_litellm_params) | frozenset(signature)
    )


def _configure(litellm: Any) -> None:
    """Disable prints, logs (they would contain prompts and keys), telemetry and callbacks."""
    litellm.suppress_debug_info = True
    litellm.set_verbose = False
    litellm.telemetry = False
    litellm.disable_streaming_logging = True
    litellm.drop_params = False
    litellm.modify_params = False
    litellm.num_retries = None
    litellm.cache = None
    litellm.user_url_validation = True  # image addresses of callers never lead into the private network
    warnings.filterwarnings("ignore", category=UserWarning, module=r"pydantic\._internal\._generate_schema")
    for callbacks in ("callbacks", "input_callback", "success_callback", "failure_callback"):
        setattr(litellm, callbacks, [])
    _disable_loggers()


def _disable_loggers() -> None:
    """Disable loggers, before the import, which logs, and after it, because it adds handlers."""
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = False
        logger.disabled = True
    for name in ("httpx", "httpcore", "openai", "aiohttp.client", "google.auth", "urllib3"):
        # Below warnings they log addresses and bodies of upstream calls.
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
