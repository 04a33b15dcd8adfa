"""Features of Azure's class of clients: a deployment for the whole client, and tokens instead of a key."""

from __future__ import annotations

import os
from typing import Any

import openai

from tests.e2e.clients.harness import API_VERSION, ClientSetup, refused

OPERATION = "AzureOpenAI"

HELLO: Any = [{"role": "user", "content": "Tell me about the amber basin"}]
WHERE: dict[str, Any] = {"azure_endpoint": os.environ["URL"], "api_version": API_VERSION, "max_retries": 0}


def check_a_deployment_for_the_whole_client(setup: ClientSetup) -> None:
    client = openai.AzureOpenAI(**WHERE, api_key=setup.client.api_key, azure_deployment=setup.model())
    assert client.chat.completions.create(model="another", messages=HELLO).model == setup.model(), "the path decides"
    answer = client.responses.create(model=setup.model(), input="hi")
    assert client.responses.retrieve(answer.id).output_text == answer.output_text
    assert setup.model() in {model.id for model in client.models.list()}


def check_a_token_in_place_of_a_key(setup: ClientSetup) -> None:
    client = openai.AzureOpenAI(**WHERE, azure_ad_token_provider=lambda: str(setup.client.api_key))
    assert client.chat.completions.create(model=setup.model(), messages=HELLO).choices[0].message.content
    other = openai.AzureOpenAI(**WHERE, azure_ad_token="wrong")
    refused(openai.AuthenticationError, other.chat.completions.create, model=setup.model(), messages=HELLO)
