"""Keys, addresses and names of the upstream never reach a caller."""

from __future__ import annotations

import pytest

from domain.errors import UpstreamRefusedError
from infra.providers.openai_wire.request.deployment import ResolvedDeployment
from infra.providers.openai_wire.response.redact import redact
from tests.unit.infra.providers.openai_wire.response.conftest import KEY, OPENAI, error, shown

FILTERED = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}}


@pytest.mark.parametrize(
    ("members", "shown"),
    [
        ({"innererror": FILTERED}, {"innererror": FILTERED}),
        (
            {"metadata": {"provider_name": "x", "raw": f"see {KEY}"}},
            {"metadata": {"provider_name": "x", "raw": "see ***"}},
        ),
        ({"list": [1, 2.5, None, True, KEY]}, {"list": [1, 2.5, None, True, "***"]}),
        ({KEY: "https://meu-recurso.openai.azure.com/x"}, {"***": "the upstream"}),
        ({"long": ["x" * 1000] * 9}, {"long": ["x" * 1000] + [None] * 8}),
    ],
)
def test_further_members_are_passed_on_redacted(
    members: dict[str, object], shown: dict[str, object], deployment: ResolvedDeployment
) -> None:
    found = error(400, {"error": OPENAI | members}, deployment)
    assert isinstance(found, UpstreamRefusedError)
    assert found.members == shown


@pytest.mark.parametrize(
    ("said", "clean"),
    [
        (f"key {KEY}.", "key ***."),
        ("key sk-pro***wxyz!", "key ***!"),
        (f"key {KEY[:12]}...", "key ***"),
        ("key ****************wxyz", "key ***"),
        ("see https://MEU-RECURSO.openai.azure.com:443/openai/x?y=1 now", "see the upstream now"),
        ("host meu-recurso.openai.azure.com is busy", "host the upstream is busy"),
        ("resource 'meu-recurso' is busy", "resource 'the upstream' is busy"),
        ("deployment deploy-7 has no tools", "deployment gpt-4 has no tools"),
        ("deploy-77 and my-deploy-7", "deploy-77 and my-deploy-7"),
        ("limit reached in organization org-AbCd12345678 today", "limit reached in organization *** today"),
        ("nothing **special** here", "nothing **special** here"),
    ],
)
def test_redaction(said: str, clean: str, deployment: ResolvedDeployment) -> None:
    assert redact(said, deployment) == clean


def test_every_member_is_redacted(deployment: ResolvedDeployment) -> None:
    found = error(400, {"error": {"message": KEY, "type": KEY, "param": KEY, "code": KEY}}, deployment)
    assert shown(found) == (400, "***", "***", "***", "***")


def test_a_very_long_message_is_cut(deployment: ResolvedDeployment) -> None:
    assert len(shown(error(400, {"error": {"message": "x" * 100_000}}, deployment))[1]) < 2100
