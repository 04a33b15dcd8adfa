"""Hosts that secrets and tokens may be sent to."""

from __future__ import annotations

import pytest

from domain.errors import DeploymentUnusableError
from domain.model import Parameters
from domain.vendor import Credential
from domain.vendors import VENDORS, ModelType
from infra.providers.destinations import Destinations
from infra.providers.litellm.provider import LiteLLMProvider
from infra.providers.resolve import resolve
from llmproxy.settings import Settings
from tests.builders import model_document

RULES = Destinations.from_settings("*.openai.azure.com, gateway.example", "THE_KEY=api.example,http://127.0.0.1:9;*=")
SECRETS = {"THE_KEY": "secret", "OTHER_KEY": "other", "SP-THE-KEY": "hyphens", "AN_ADDRESS": "https://api.example/v1"}


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://res.openai.azure.com/", True),
        ("https://gateway.example/openai", True),
        ("https://RES.openai.azure.com:443", True),
        ("http://res.openai.azure.com/", False),
        ("https://openai.azure.com/", False),
        ("https://res.openai.azure.com.evil.example/", False),
        ("https://evilopenai.azure.com/", False),
        ("https://other.example/?x=.openai.azure.com", False),
        ("https://res.openai.azure.com@evil.example/", False),
        ("https://a.gateway.example", False),
        ("not an address", False),
    ],
)
def test_tokens_go_to_listed_hosts_over_https(address: str, allowed: bool) -> None:  # noqa: FBT001 - a parameter
    if allowed:
        RULES.check_identity(address)
    else:
        with pytest.raises(DeploymentUnusableError) as caught:
            RULES.check_identity(address)
        assert "example" not in caught.value.reason


@pytest.mark.parametrize(
    ("parameters", "allowed"),
    [
        (Parameters(secret_name="THE_KEY", endpoint="https://api.example/v1"), True),
        (Parameters(secret_name="the-key", endpoint="https://api.example/v1"), None),
        (Parameters(api_key="THE_KEY", endpoint="http://127.0.0.1:9"), True),
        (Parameters(api_key="THE_KEY", endpoint="AN_ADDRESS"), True),
        (Parameters(secret_name="THE_KEY", endpoint="http://api.example/v1"), False),
        (Parameters(secret_name="THE_KEY", endpoint="https://evil.example/v1"), False),
        (Parameters(secret_name="THE_KEY"), False),
        (Parameters(secret_name="OTHER_KEY", endpoint="https://api.example"), False),
        (Parameters(endpoint="https://evil.example", defaults={"user": "THE_KEY"}), False),
        (Parameters(endpoint="https://evil.example", model="OTHER_KEY"), False),
        (
            Parameters(
                secret_name="THE_KEY",
                endpoint="https://api.example",
                defaults={"aws_bedrock_runtime_endpoint": "https://evil.example"},
            ),
            False,
        ),
        (Parameters(endpoint="https://evil.example", api_key="sk-inline"), True),
    ],
)
def test_a_secret_goes_to_its_own_hosts_whatever_member_names_it(parameters: Parameters, allowed: object) -> None:
    if allowed is None:
        with pytest.raises(DeploymentUnusableError) as caught:
            resolve(parameters, SECRETS.get, RULES)
        assert "not set" in caught.value.reason
    elif allowed:
        resolve(parameters, SECRETS.get, RULES)
    else:
        with pytest.raises(DeploymentUnusableError) as caught:
            resolve(parameters, SECRETS.get, RULES)
        assert "LLMPROXY_SECRET_HOSTS" in caught.value.reason


def test_the_vendor_is_called_where_the_document_names_no_endpoint() -> None:
    rules = Destinations.from_settings("*", "THE_KEY=api.openai.com")
    named = Parameters(secret_name="THE_KEY")
    resolve(named, SECRETS.get, rules, default_address=VENDORS[ModelType.OPENAI].address)
    with pytest.raises(DeploymentUnusableError):
        resolve(named, SECRETS.get, rules, default_address=VENDORS[ModelType.ANTHROPIC].address)


GOOGLE = [each for each, vendor in VENDORS.items() if vendor.credential is Credential.SERVICE_ACCOUNT_OR_IDENTITY]


@pytest.mark.parametrize("model_type", [*GOOGLE, ModelType.LITELLM])
def test_identities_of_google_are_kept_as_well(model_type: ModelType) -> None:
    rules = Destinations.from_settings(Settings().llmproxy_identity_hosts, None)
    provider = LiteLLMProvider(lambda _: None, silence_timeout=1, total_timeout=1, destinations=rules)

    def reason(endpoint: str | None) -> str | None:
        named = Parameters(gcp_project="p", location="l", endpoint=endpoint, model="vertex_ai/gemini-2.0-flash")
        return provider.unusable_because(model_document(model_type=model_type, parameters=named))

    assert reason(None) is None
    assert reason("https://us-central1-aiplatform.googleapis.com") is None
    assert "LLMPROXY_IDENTITY_HOSTS" in (reason("https://evil.example") or "")
    assert "LLMPROXY_IDENTITY_HOSTS" in (reason("http://aiplatform.googleapis.com") or "")
