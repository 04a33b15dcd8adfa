"""Environment variables named by a document: the same that a call looks up."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from domain.errors import DeploymentUnusableError
from domain.model import Parameters
from domain.variables import NamedVariable, named_variables
from infra.providers.resolve import resolve

EVERYTHING: dict[str, Any] = {
    "secret_name": "SP-SECRET",
    "api_key": "THE_API_KEY",
    "endpoint": "THE_END_POINT",
    "deployment_name": "THE_DEPLOYMENT_NAME",
    "api_version": "THE_API_VERSION",
    "gcp_project": "THE_GCP_PROJECT",
    "location": "THE_LOCATION",
    "model": "THE_MODEL",
    "defaults": {"user": "THE_USER", "max_tokens": 5, "stop": "no variable"},
}


def test_every_member_that_names_one() -> None:
    found = named_variables(Parameters(**EVERYTHING))
    assert {one.member for one in found if one.needed} == {"secret_name", "api_key", "endpoint"}
    optional = {"deployment_name", "api_version", "gcp_project", "location", "model", "user"}
    assert {one.member for one in found if not one.needed} == optional


def test_other_texts_name_none() -> None:
    plain = Parameters(api_key="sk-literal", endpoint="https://host", model="gpt-4", deployment_name="A", location="us")
    assert named_variables(plain) == ()
    assert named_variables(Parameters(secret_name="anything")) == (
        NamedVariable("secret_name", "anything", needed=True),
    )


@pytest.mark.parametrize("members", [one for size in range(4) for one in combinations(EVERYTHING, size)], ids="+".join)
def test_they_are_the_ones_that_a_call_looks_up(members: tuple[str, ...]) -> None:
    parameters = replace(Parameters(), **{member: EVERYTHING[member] for member in members})
    asked: set[str] = set()

    def secrets(name: str) -> str | None:
        asked.add(name)
        return "value"

    resolve(parameters, secrets)
    named = named_variables(parameters)
    assert {one.name for one in named} == asked
    for missing in named:

        def all_but(name: str, missing: str = missing.name) -> str | None:
            return None if name == missing else "value"

        if missing.needed:
            with pytest.raises(DeploymentUnusableError):
                resolve(parameters, all_but)
        else:
            resolve(parameters, all_but)
