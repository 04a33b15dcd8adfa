"""Import of configurations with ``providers`` and limits beside them."""

from __future__ import annotations

from collections.abc import Mapping

from application.admin.imported import Imported, Taken, document, operations_of, variable_of
from domain.vendors import ModelType

_TYPES = {
    "openai": ModelType.OPENAI,
    "azure": ModelType.AZURE_OPENAI,
    "azure_openai": ModelType.AZURE_OPENAI,
    "azure_foundry": ModelType.AZURE_FOUNDRY,
    "anthropic": ModelType.ANTHROPIC,
    "claude": ModelType.ANTHROPIC,
    "vertex": ModelType.GOOGLE_VERTEX,
    "google": ModelType.GOOGLE_VERTEX,
    "gemini": ModelType.GOOGLE_VERTEX,
    "xai": ModelType.XAI,
    "perplexity": ModelType.PERPLEXITY,
    "blackbox": ModelType.BLACKBOX,
    "openrouter": ModelType.OPENROUTER,
    "cohere": ModelType.COHERE,
}
"""By the type of a provider. Others speak OpenAI's format, as far as they have an address."""
_SETTINGS = {
    "circuit_breaker_threshold": "LLMPROXY_CIRCUIT_BREAKER_THRESHOLD",
    "circuit_breaker_failure_threshold": "LLMPROXY_CIRCUIT_BREAKER_THRESHOLD",
    "circuit_breaker_timeout": "LLMPROXY_CIRCUIT_BREAKER_TIMEOUT",
    "circuit_breaker_recovery_timeout": "LLMPROXY_CIRCUIT_BREAKER_TIMEOUT",
    "circuit_breaker_half_open_max_calls": "LLMPROXY_HALF_OPEN_MAX_CALLS",
    "half_open_max_calls": "LLMPROXY_HALF_OPEN_MAX_CALLS",
    "host": "HOST",
    "port": "PORT",
}
_POOL = {
    "max_connections": "LLMPROXY_UPSTREAM_CONNECTIONS",
    "connect_timeout": "LLMPROXY_CONNECT_TIMEOUT",
    "pool_timeout": "LLMPROXY_UPSTREAM_QUEUE_TIMEOUT",
}
_MINUTE = 60


def import_providers(config: Mapping[str, object]) -> Imported:
    """Convert a configuration. Keys that are in it are neither in the result nor in the report."""
    result = Imported()
    top = Taken(config, "", result)
    providers = top.take("providers")
    if isinstance(providers, Mapping):
        entries = [(str(name), Taken(each, f"providers.{name}", result)) for name, each in providers.items()]
    else:
        listed = top.items("providers")
        entries = [(each.text("name") or f"provider-{number}", each) for number, each in enumerate(listed, 1)]
    for name, entry in entries:
        _provider(name, entry, result)
    _limits(top, result)
    for theirs, ours in _SETTINGS.items():
        value = top.text(theirs)
        if value is not None:
            result.settings[ours] = value
    pool = top.table("pool_limits")
    for theirs, ours in _POOL.items():
        number = pool.number(theirs)
        if number is not None:
            result.settings[ours] = number
    pool.end()
    origins = top.take("cors_origins")
    if isinstance(origins, str | list):
        names = [origins] if isinstance(origins, str) else [str(each) for each in origins]
        result.settings["LLMPROXY_CORS_ORIGINS"] = ",".join(names)
    top.end()
    return result


def _provider(name: str, entry: Taken, result: Imported) -> None:
    kind, base = entry.text("type") or name, entry.text("base_url")
    model_type = _TYPES.get(kind.lower().replace("-", "_"), ModelType.OPENAI_COMPATIBLE)
    if model_type is ModelType.OPENAI and base is not None and "api.openai.com" not in base:
        model_type = ModelType.OPENAI_COMPATIBLE
    secret = entry.text("api_key_env")
    if entry.take("api_key") is not None and secret is None:
        secret = variable_of(name)
        result.hints.append(f"providers.{name}: its key is in the file itself; set {secret} to it")
    priority, timeout, retries = (entry.number(each) for each in ("priority", "timeout", "max_retries"))
    models = entry.take("models")
    pairs = models.items() if isinstance(models, Mapping) else [(each, each) for each in _names(models)]
    for code, upstream in pairs:
        made = document(f"{name}-{code}", str(code), model_type, operations_of(None, str(code)))
        parameters: dict[str, object] = {}
        if base is not None and model_type is not ModelType.OPENAI:
            parameters["endpoint"] = base
        if secret is not None:
            parameters["secret_name"] = secret
        if isinstance(upstream, str) and upstream != code:
            parameters["model"] = upstream
        made["provider"], made["parameters"] = name, parameters
        made["costs"] = {"currency": "USD"}
        if timeout is not None:
            made["timeouts"] = {"total": timeout}
        for member, value in (("priority", priority), ("retries", retries)):
            if value is not None:
                made[member] = value
        result.hints.append(
            f"{code}: no price in the file; `llmproxy catalog validate --prices` knows that of many models"
        )
        result.add(made)
    entry.end()


def _names(models: object) -> list[str]:
    found = models if isinstance(models, list) else [] if models is None else [models]
    return [str(each.get("name", "")) if isinstance(each, Mapping) else str(each) for each in found]


def _limits(top: Taken, result: Imported) -> None:
    limits: dict[str, object] = {}
    rpm, requests, seconds = (top.number(each) for each in ("rate_limit_rpm", "requests_per_window", "window_seconds"))
    if rpm is not None:
        limits["rpm"] = rpm
    elif requests is not None:
        limits["requests_per_window"], limits["window_seconds"] = requests, seconds or _MINUTE
    burst = top.number("burst_limit")
    if burst is not None and limits:
        limits["burst"] = burst
    if limits:
        result.settings["LLMPROXY_LIMITS"] = limits
