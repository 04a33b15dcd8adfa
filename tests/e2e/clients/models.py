"""The list of models, whose entries carry more than the client knows."""

from __future__ import annotations

import openai

from tests.e2e.clients.harness import AsgiApp, refused

OPERATION = "models"


def check_list(door: AsgiApp) -> None:
    listed = {model.id: model for model in door.client.models.list()}
    assert {door.model(), door.model("embedding"), "azure/gpt-4o"} <= set(listed)
    assert "private" not in listed
    assert {model.object for model in listed.values()} == {"model"}
    assert all(model.created and model.owned_by for model in listed.values())


def check_retrieve(door: AsgiApp) -> None:
    for name in (door.model("speech"), "azure/gpt-4o"):
        one = door.client.models.retrieve(name)
        assert (one.id, one.object) == (name, "model")
    for name in ("private", "nobody-knows"):
        assert refused(openai.NotFoundError, door.client.models.retrieve, model=name).code == "model_not_found"


def check_further_members_do_no_harm(door: AsgiApp) -> None:
    listed = {model.id: model.model_dump() for model in door.client.models.list()}
    chat, speech = listed[door.model()], listed[door.model("speech")]
    assert {"ChatCompletion", "Responses"} <= set(chat["operations"])
    assert speech["operations"] == ["audio_tts"]
    assert speech["endpoints"] == ["/v1/audio/speech"]
    assert chat["prices"] == [{"currency": "USD", "input": "2.5", "output": "10"}]
    assert door.client.models.retrieve(door.model()).model_dump() == chat
