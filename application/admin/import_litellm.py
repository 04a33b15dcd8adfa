"""Import of LiteLLM Proxy's configuration (``model_list``, ``router_settings``, ``litellm_settings``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from application.admin.imported import Imported, Taken, decimal, document, is_variable, operations_of, variable_of
from domain.vendors import ModelType

_ENVIRONMENT = "os.environ/"
_TYPES = {
    "azure": ModelType.AZURE_OPENAI,
    "azure_ai": ModelType.AZURE_FOUNDRY,
    "openai": ModelType.OPENAI,
    "anthropic": ModelType.ANTHROPIC,
    "xai": ModelType.XAI,
    "perplexity": ModelType.PERPLEXITY,
    "openrouter": ModelType.OPENROUTER,
    "cohere": ModelType.COHERE,
    "cohere_chat": ModelType.COHERE,
}
"""By LiteLLM's name of the provider, which comes before the model. Others are called through LiteLLM."""
_BARE = (("claude", ModelType.ANTHROPIC), ("command", ModelType.COHERE))
"""By the beginning of names without a provider; others are OpenAI's."""
_COSTS = {
    "input_cost_per_token": "cost_input_1Mtokens",
    "output_cost_per_token": "cost_output_1Mtokens",
    "cache_read_input_token_cost": "cost_cached_input_1Mtokens",
    "cache_creation_input_token_cost": "cost_cache_write_1Mtokens",
    "input_cost_per_audio_token": "cost_audio_input_1Mtokens",
    "output_cost_per_audio_token": "cost_audio_output_1Mtokens",
}
_DEFAULTS = ("temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "stop", "reasoning_effort")
_STRATEGIES = {
    "simple-shuffle": "weighted",
    "least-busy": "least_busy",
    "latency-based-routing": "latency",
    "cost-based-routing": "cost",
}
_SETTINGS = {
    "num_retries": "LLMPROXY_RETRIES",
    "timeout": "LLMPROXY_TOTAL_TIMEOUT",
    "request_timeout": "LLMPROXY_TOTAL_TIMEOUT",
    "cooldown_time": "LLMPROXY_CIRCUIT_BREAKER_TIMEOUT",
}
_REASONS = {
    "fallbacks": "unavailable",
    "context_window_fallbacks": "context_length",
    "content_policy_fallbacks": "content_filter",
}


def import_litellm(config: Mapping[str, object]) -> Imported:
    """Convert a configuration. Keys that are in it are neither in the result nor in the report."""
    result = Imported()
    top = Taken(config, "", result)
    for entry in top.items("model_list"):
        _model(entry, result)
    fallbacks: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
    for name in ("router_settings", "litellm_settings"):
        section = top.table(name)
        _router(section, result, fallbacks)
        section.end()
    for made in result.models:
        found = fallbacks.get(str(made["code"]))
        if found:
            made["fallbacks"] = found["unavailable"] if list(found) == ["unavailable"] else found
    general = top.table("general_settings")
    if general.take("master_key") is not None:
        result.hints.append(
            "set LLMPROXY_ADMIN_KEY in place of master_key, or make administrators: llmproxy admins create"
        )
    general.leave(
        "database_url", "keys, users and spend in LiteLLM's database are not read; make projects and keys anew"
    )
    general.end()
    top.leave("environment_variables", "set them where the server runs")
    top.end()
    return result


def _model(entry: Taken, result: Imported) -> None:
    code = entry.text("model_name")
    params, info = entry.table("litellm_params"), entry.table("model_info")
    model = params.text("model")
    if code is None or model is None:
        result.left_out.append("an entry of model_list without model_name or litellm_params.model")
        return
    provider, _, name = model.partition("/")
    if not name:
        provider, name = next((kind.value.lower() for start, kind in _BARE if model.startswith(start)), "openai"), model
    base = _variable_or_text(params, "api_base") or _variable_or_text(params, "base_url")
    model_type = _TYPES.get(provider, ModelType.LITELLM)
    if model_type is ModelType.OPENAI and base is not None:
        model_type = ModelType.OPENAI_COMPATIBLE
    info.take("id")
    made = document(f"{code}-{provider}", code, model_type, operations_of(info.text("mode"), name))
    parameters: dict[str, object] = {"endpoint": base} if base is not None else {}
    parameters["deployment_name" if model_type is ModelType.AZURE_OPENAI else "model"] = (
        model if model_type is ModelType.LITELLM else name
    )
    for theirs, ours in (
        ("api_version", "api_version"),
        ("vertex_project", "gcp_project"),
        ("vertex_location", "location"),
    ):
        value = _variable_or_text(params, theirs)
        if value is not None:
            parameters[ours] = value
    _credential(params, parameters, str(made["id"]), result)
    parameters |= {name: given for name in _DEFAULTS if (given := params.take(name)) is not None}
    made["parameters"] = parameters
    _numbers(params, made)
    costs = {**_costs(params), **_costs(info)}
    made["costs"] = {"currency": "USD", **costs}
    if not costs:
        result.hints.append(
            f"{code}: no price in the file; `llmproxy catalog validate --prices` knows that of many models"
        )
    info.end()
    params.end()
    entry.end()
    result.add(made)


def _credential(params: Taken, parameters: dict[str, object], document_id: str, result: Imported) -> None:
    for name in ("api_key", "vertex_credentials"):
        key = params.text(name)
        if key is None:
            continue
        if key.startswith(_ENVIRONMENT):
            parameters["secret_name"] = key.removeprefix(_ENVIRONMENT)
        else:
            parameters["secret_name"] = variable_of(document_id)
            result.hints.append(f"{document_id}: its key is in the file itself; set {variable_of(document_id)} to it")


def _variable_or_text(params: Taken, name: str) -> str | None:
    value = params.text(name)
    if value is None or not value.startswith(_ENVIRONMENT):
        return value
    variable = value.removeprefix(_ENVIRONMENT)
    if is_variable(variable):
        return variable
    params.leave(name, f"documents take only names of the form A_B_C for variables, not {variable}")
    return None


def _numbers(params: Taken, made: dict[str, object]) -> None:
    limits = {
        ours: value
        for theirs, ours in (("rpm", "rpm"), ("tpm", "tpm"), ("max_parallel_requests", "concurrency"))
        if (value := params.number(theirs)) is not None
    }
    if limits:
        made["limits"] = limits
    timeouts = {
        ours: value
        for theirs, ours in (("timeout", "total"), ("stream_timeout", "first_byte"))
        if (value := params.number(theirs)) is not None
    }
    if timeouts:
        made["timeouts"] = timeouts
    for theirs, ours in (("max_retries", "retries"), ("weight", "weight"), ("order", "priority")):
        value = params.number(theirs)
        if value is not None:
            made[ours] = value


def _costs(source: Taken) -> dict[str, object]:
    found: dict[str, object] = {}
    for theirs, ours in _COSTS.items():
        price = decimal(source.take(theirs))
        if price is not None:
            found[ours] = f"{(price * Decimal(10**6)).normalize():f}"
    return found


def _router(section: Taken, result: Imported, fallbacks: defaultdict[str, dict[str, list[str]]]) -> None:
    for theirs, ours in _SETTINGS.items():
        value = section.number(theirs)
        if value is not None:
            result.settings.setdefault(ours, value)
    allowed = section.number("allowed_fails")
    if allowed is not None:
        result.settings["LLMPROXY_CIRCUIT_BREAKER_THRESHOLD"] = int(allowed) + 1
    strategy = section.text("routing_strategy")
    if strategy in _STRATEGIES:
        result.settings["LLMPROXY_ROUTING"] = _STRATEGIES[strategy]
    else:
        section.leave("routing_strategy", "no such strategy here; the default is used")
    for name, reason in _REASONS.items():
        for entry in section.items(name):
            for code, others in entry.members.items():
                if isinstance(others, list):
                    fallbacks[str(code)].setdefault(reason, []).extend(str(each) for each in others)
    for name in ("max_budget", "budget_duration"):
        section.leave(name, "budgets belong to projects: llmproxy projects set-budget PROJECT AMOUNT --period month")
