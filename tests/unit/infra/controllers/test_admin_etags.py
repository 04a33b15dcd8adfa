"""ETags of the administration: any version of a store, there and back."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from domain.errors import InvalidRequestError
from infra.controllers.admin_api.services import answer, expected_version

VERSIONS = ["1", 'W/"x"', '"00000000-0000-0000-0000-000000000000"', '"a" "b"', "ü, 😀", "snapshot 5", "%22"]


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


@pytest.mark.parametrize("version", VERSIONS)
def test_the_etag_of_an_answer_is_read_back(version: str) -> None:
    tag = answer({}, version=version).headers["etag"]
    assert expected_version(request(if_match=tag)) == version
    assert expected_version(request(if_match=f"W/{tag}")) == version


def test_without_a_condition_any_version_will_do() -> None:
    assert expected_version(request()) is None
    assert expected_version(request(if_match="*")) is None
    assert expected_version(request(if_none_match="*")) == ""


@pytest.mark.parametrize("tag", ["x", '"', '"x', "''"])
def test_anything_else_is_refused(tag: str) -> None:
    with pytest.raises(InvalidRequestError, match="If-Match"):
        expected_version(request(if_match=tag))
