"""Callers of explained calls: projects and keys, found and refused as on the request path."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from application.admin.catalog_reader import Broken, Readings
from application.admin.explain_caller import explain_caller
from application.admin.messages import Check, Verdict
from application.ports.catalog_store import Kind
from application.serving.authenticate import authenticate
from domain.catalog import Catalog
from domain.errors import InvalidApiKeyError
from domain.project import Project
from tests.builders import api_key, project

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
KEY, OTHER_KEY, UNKNOWN_KEY = "sk-aaaaaaaaaaaaaaaa", "sk-bbbbbbbbbbbbbbbb", "sk-cccccccccccccccc"
BILLING = project(id="billing", keys=(api_key(),))
OTHER = project(id="other", keys=(api_key(OTHER_KEY),))


def ask(
    projects: Sequence[Project], project_id: str | None, key: str | None, *, authentication: bool = True
) -> tuple[str, list[Check]]:
    catalog = Catalog.of([], projects)
    broken = (Broken(Kind.PROJECT, "broken", "", "budgets: is a number"),)
    readings = Readings((), catalog, broken)
    return explain_caller(project_id, key, readings, lambda: NOW, authentication=authentication)


@pytest.mark.parametrize(
    ("projects", "project_id", "key", "said"),
    [
        ([BILLING], "nobody", None, "project: project 'nobody' does not exist"),
        ([BILLING], "broken", None, "project: the document of 'broken' has errors, so its keys are not in service:"),
        ([project(id="billing", enabled=False)], "billing", None, "project: 'billing' is switched off"),
        ([BILLING, OTHER], "billing", OTHER_KEY, "key: key_b belongs to project 'other', not to 'billing'"),
        ([BILLING, OTHER], "billing", "key_b", "key: unknown key"),
        ([BILLING], "billing", UNKNOWN_KEY, "key: unknown key"),
        ([BILLING], None, UNKNOWN_KEY, "key: unknown key"),
        ([project(keys=(api_key(revoked_at=NOW),))], "billing", KEY, "key: key_a: This API key has been revoked."),
        ([project(keys=(api_key(expires_at=NOW),))], "billing", KEY, "key: key_a: This API key has expired."),
        ([project(keys=(api_key(revoked_at=NOW),))], None, "key_a", "key: key_a: This API key has been revoked."),
        (
            [project(keys=(api_key(), api_key("sk-aaaab", id="key_2")))],
            None,
            "sk-aaaa",
            "key: several keys could be meant, name one by its id: key_a, key_2",
        ),
    ],
)
def test_callers_that_are_refused(projects: list[Project], project_id: str | None, key: str | None, said: str) -> None:
    _, checks = ask(projects, project_id, key)
    failures = [f"{check.subject}: {check.text}" for check in checks if check.verdict is Verdict.FAIL]
    assert len(failures) == 1
    assert failures[0].startswith(said)
    assert all(secret not in failures[0] for secret in (KEY, OTHER_KEY, UNKNOWN_KEY))


@pytest.mark.parametrize("key", [KEY, "key_a", KEY[:7]])
@pytest.mark.parametrize("named", ["billing", None])
def test_a_key_is_found_by_itself_its_id_or_its_prefix(key: str, named: str | None) -> None:
    live = project(id="billing", keys=(api_key(expires_at=NOW + timedelta(seconds=1)),))
    payer, checks = ask([live, OTHER], named, key)
    assert payer == "billing"
    assert [(check.subject, check.verdict) for check in checks] == [("project", Verdict.OK), ("key", Verdict.OK)]


@pytest.mark.parametrize("expires", [None, NOW, NOW + timedelta(seconds=1)])
@pytest.mark.parametrize("revoked", [None, NOW])
@pytest.mark.parametrize("enabled", [True, False])
def test_the_verdict_is_that_of_the_request_path(
    expires: datetime | None, revoked: datetime | None, *, enabled: bool
) -> None:
    one = project(enabled=enabled, keys=(api_key(expires_at=expires, revoked_at=revoked),))
    try:
        authenticate(KEY, Catalog.of([], [one]), lambda: NOW)
        opens = True
    except InvalidApiKeyError:
        opens = False
    _, checks = ask([one], "billing", KEY)
    assert all(check.verdict is Verdict.OK for check in checks) is opens


def test_a_project_without_a_usable_key_is_a_warning() -> None:
    for unused in ((), (api_key(revoked_at=NOW),)):
        payer, (check,) = ask([project(id="billing", keys=unused)], "billing", None)
        assert (payer, check.verdict) == ("billing", Verdict.WARN)


def test_without_authentication_every_caller_is_project_default() -> None:
    payer, (check,) = ask([BILLING], "billing", "nonsense", authentication=False)
    assert (payer, check.verdict) == ("default", Verdict.WARN)
