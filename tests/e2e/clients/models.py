"""The list of models, with members that the client does not know."""

from __future__ import annotations

import openai

from tests.e2e.clients.harness import ClientSetup, refused

OPERATION = "models"


def check_list(setup: ClientSetup) -> None:
    listed = {model.id: model for model in setup.client.models.list()}
    assert {setup.model(), setup.model("embedding"), "azure/gpt-4o"} <= set(listed)
    assert "private" not in listed
    assert {model.object for model in listed.values()} == {"model"}
    assert all(model.created and model.owned_by for model in listed.values())


def check_retrieve(setup: ClientSetup) -> None:
    for name in (setup.model("speech"), "azure/gpt-4o"):
        one = setup.client.models.retrieve(name)
        assert (one.id, one.object) == (name, "model")
    for name in ("private", "nobody-knows"):
        assert refused(openai.NotFoundError, setup.client.models.retrieve, model=name).code == "model_not_found"


def check_further_members_do_no_harm(setup: ClientSetup) -> None:
    listed = {model.id: model.model_dump() for model in setup.client.models.list()}
    chat, speech = listed[setup.model()], listed[setup.model("speech")]
    assert {"ChatCompletion", "Responses"} <= set(chat["operations"])
    assert speech["operations"] == ["audio_tts"]
    assert speech["endpoints"] == ["/v1/audio/speech"]
    assert chat["prices"] == [{"currency": "USD", "input": "2.5", "output": "10"}]
    assert setup.client.models.retrieve(setup.model()).model_dump() == chat
