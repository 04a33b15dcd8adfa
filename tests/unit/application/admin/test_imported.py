"""Configurations of other programs: what is carried over is exact, what is not is named, and no key comes out."""

from __future__ import annotations

import json
from typing import Any

import yaml

from application.admin.import_litellm import import_litellm
from application.admin.import_providers import import_providers
from application.admin.imported import Imported

LITERAL = "sk-literal-key-of-the-file"

LITELLM = f"""
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/my-deployment
      api_base: https://one.openai.azure.com
      api_key: os.environ/AZURE_KEY
      api_version: "2024-10-21"
      rpm: 60
      timeout: 30
      weight: 2
      drop_params: true
    model_info: {{mode: chat, input_cost_per_token: 0.0000025, output_cost_per_token: 0.00001, base_model: gpt}}
  - model_name: gpt-4o
    litellm_params: {{model: openai/gpt-4o, api_key: {LITERAL}, order: 2}}
  - model_name: local
    litellm_params: {{model: openai/llama, api_base: os.environ/LOCAL_MODEL_BASE, temperature: 0.2}}
  - model_name: claude
    litellm_params: {{model: claude-sonnet-4-5, api_key: os.environ/ANTHROPIC_API_KEY, max_parallel_requests: 5}}
  - model_name: vectors
    litellm_params: {{model: bedrock/amazon.titan-embed-text-v2:0, aws_region_name: us-east-1}}
  - litellm_params: {{model: openai/nobody}}
router_settings:
  routing_strategy: least-busy
  num_retries: 3
  allowed_fails: 4
  fallbacks: [{{gpt-4o: [claude]}}]
  context_window_fallbacks: [{{gpt-4o: [claude, local]}}]
  redis_host: localhost
litellm_settings:
  max_budget: 100
  callbacks: [langfuse]
general_settings:
  master_key: {LITERAL}
  database_url: postgres://user:secret-password@host/db
"""

PROVIDERS = f"""
providers:
  main:
    type: openai
    base_url: https://api.openai.com/v1
    api_key_env: OPENAI_API_KEY
    models: [gpt-4o, text-embedding-3-large]
    priority: 1
    timeout: 45
    max_retries: 2
  own:
    type: vllm
    base_url: http://10.0.0.1:8000/v1
    api_key: {LITERAL}
    models: {{llama: meta/llama-3.3}}
    region: eu
rate_limit_rpm: 600
burst_limit: 50
pool_limits: {{max_connections: 100, max_keepalive: 20}}
circuit_breaker_threshold: 7
circuit_breaker_timeout: 90
cors_origins: [https://app.example, https://other.example]
log_level: debug
"""


def as_text(result: Imported) -> str:
    return json.dumps([result.models, result.settings, result.left_out, result.hints])


def by_id(result: Imported) -> dict[str, dict[str, Any]]:
    return {str(one["id"]): one for one in result.models}


def test_litellm_models_become_documents_that_can_serve() -> None:
    result = import_litellm(yaml.safe_load(LITELLM))
    assert [fault for fault in result.faults() if ": error: " in fault] == []
    models = by_id(result)
    azure = models["gpt-4o-azure"]
    assert azure["parameters"] == {
        "endpoint": "https://one.openai.azure.com",
        "deployment_name": "my-deployment",
        "api_version": "2024-10-21",
        "secret_name": "AZURE_KEY",
    }
    assert azure["costs"] == {"currency": "USD", "cost_input_1Mtokens": "2.5", "cost_output_1Mtokens": "10"}
    assert (azure["limits"], azure["timeouts"], azure["weight"]) == ({"rpm": 60}, {"total": 30}, 2)
    assert azure["fallbacks"] == {"unavailable": ["claude"], "context_length": ["claude", "local"]}
    assert {name: one["model_type"] for name, one in models.items()} == {
        "gpt-4o-azure": "AzureOpenAI",
        "gpt-4o-openai": "OpenAI",
        "local-openai": "OpenAICompatible",
        "claude-anthropic": "Anthropic",
        "vectors-bedrock": "LiteLLM",
    }
    assert models["local-openai"]["parameters"] == {
        "endpoint": "LOCAL_MODEL_BASE",
        "model": "llama",
        "temperature": 0.2,
    }
    assert models["vectors-bedrock"]["operations"] == ["embeddings"]
    assert models["gpt-4o-openai"]["priority"] == 2


def test_litellm_settings_are_carried_over_and_the_rest_is_named_without_values() -> None:
    result = import_litellm(yaml.safe_load(LITELLM))
    assert result.settings == {
        "LLMPROXY_ROUTING": "least_busy",
        "LLMPROXY_RETRIES": 3,
        "LLMPROXY_CIRCUIT_BREAKER_THRESHOLD": 5,
    }
    left = " | ".join(result.left_out)
    for name in (
        "model_list[0].litellm_params.drop_params",
        "model_list[0].model_info.base_model",
        "model_list[4].litellm_params.aws_region_name",
        "router_settings.redis_host",
        "litellm_settings.callbacks",
        "litellm_settings.max_budget",
        "general_settings.database_url",
        "without model_name",
    ):
        assert name in left
    assert LITERAL not in as_text(result)
    assert "secret-password" not in as_text(result)
    assert any("LLMPROXY_ADMIN_KEY" in hint for hint in result.hints)


def test_providers_become_documents_and_limits_settings() -> None:
    result = import_providers(yaml.safe_load(PROVIDERS))
    assert [fault for fault in result.faults() if ": error: " in fault] == []
    models = by_id(result)
    main, own = models["main-gpt-4o"], models["own-llama"]
    assert (main["model_type"], main["parameters"]) == ("OpenAI", {"secret_name": "OPENAI_API_KEY"})
    assert (main["priority"], main["timeouts"], main["retries"]) == (1, {"total": 45}, 2)
    assert models["main-text-embedding-3-large"]["operations"] == ["embeddings"]
    assert own["parameters"] == {
        "endpoint": "http://10.0.0.1:8000/v1",
        "secret_name": "OWN_API_KEY",
        "model": "meta/llama-3.3",
    }
    assert result.settings == {
        "LLMPROXY_LIMITS": {"rpm": 600, "burst": 50},
        "LLMPROXY_CIRCUIT_BREAKER_THRESHOLD": "7",
        "LLMPROXY_CIRCUIT_BREAKER_TIMEOUT": "90",
        "LLMPROXY_UPSTREAM_CONNECTIONS": 100,
        "LLMPROXY_CORS_ORIGINS": "https://app.example,https://other.example",
    }
    assert result.left_out == ["providers.own.region", "pool_limits.max_keepalive", "log_level"]
    assert LITERAL not in as_text(result)


def test_windows_of_requests_stay_as_they_are() -> None:
    result = import_providers({"providers": [], "requests_per_window": 100, "window_seconds": 10})
    assert result.settings == {"LLMPROXY_LIMITS": {"requests_per_window": 100, "window_seconds": 10}}


def test_nonsense_is_no_traceback() -> None:
    values: tuple[Any, ...] = (None, 7, "x", [], [7], {"a": 7}, [{"model_name": {}, "litellm_params": []}], {"x": None})
    for value in values:
        import_litellm({"model_list": value, "router_settings": value, "litellm_settings": value})
        import_providers({"providers": value, "pool_limits": value, "cors_origins": value, "rate_limit_rpm": value})
