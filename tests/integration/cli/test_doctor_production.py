"""``llmproxy doctor --production``: each row of docs/hardening.md is found where it is not so, and only then."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from llmproxy.production import CHECKS, PROJECT_CHECKS
from tests.fakes.certificates import Authority
from tests.integration.cli.conftest import Command
from tests.tools import ROOT

GOOD = {
    "ENVIRONMENT": "production",
    "HOST": "0.0.0.0",  # noqa: S104 - what is checked
    "LLMPROXY_TRUSTED_PROXIES": "10.0.0.0/8",
    "LLMPROXY_ALLOWED_HOSTS": "llm.example.com",
    "LLMPROXY_ADMIN_KEY": "k" * 32,
    "LLMPROXY_METRICS_PROTECTED": "true",
    "LLMPROXY_SECRET_HOSTS": "VENDOR_API_KEY=api.example.com; *=",
}
BAD = [
    (
        {"ENVIRONMENT", "transport", "LLMPROXY_CORS_ORIGINS"},
        {"LLMPROXY_ALLOWED_HOSTS", "LLMPROXY_ADMIN_KEY", "metrics", "LLMPROXY_SECRET_HOSTS", "LLMPROXY_ALERT_SECRET"},
        {
            "ENVIRONMENT": "development",
            "LLMPROXY_TRUSTED_PROXIES": "",
            "LLMPROXY_CORS_ORIGINS": "https://a.example, *",
            "LLMPROXY_ALLOWED_HOSTS": "",
            "LLMPROXY_ADMIN_KEY": "",
            "LLMPROXY_METRICS_PROTECTED": "false",
            "LLMPROXY_SECRET_HOSTS": "VENDOR_API_KEY=*",
            "LLMPROXY_ALERT_WEBHOOK": "https://alerts.example/hook",
        },
    ),
    ({"DATA_DIR"}, {"LLMPROXY_CHAOS"}, {"DATA_DIR": ":memory:", "LLMPROXY_CHAOS": "production"}),
    ({"AUTH", "ENVIRONMENT"}, set(), {"ENVIRONMENT": "development", "AUTH": "off", "HOST": "127.0.0.1"}),
    (set(), {"COSMOS_KEY"}, {"COSMOS_URL": "https://127.0.0.1:1/", "COSMOS_KEY": "a2V5"}),
]
"""Subjects that fail, subjects that warn, and the settings with which they do."""
ROOT_USER = {"user of the process"} if hasattr(os, "geteuid") and os.geteuid() == 0 else set()


def verdicts(llmproxy: Command, **variables: str) -> dict[str, str]:
    """Return the verdict of each row of the page."""
    subjects = {subject for subject, *_ in (*CHECKS, *PROJECT_CHECKS)}
    found = llmproxy("doctor", "--production", "--json", **GOOD | variables)
    checks = {check["subject"]: check["verdict"] for check in found.json["checks"] if check["subject"] in subjects}
    assert found.code == int("fail" in {check["verdict"] for check in found.json["checks"]})
    return checks


@pytest.fixture
def ready(llmproxy: Command) -> Command:
    """Return the command on a store with a project that is as it should be."""
    llmproxy("init")
    llmproxy("projects", "create", "billing")
    llmproxy("projects", "set-limits", "billing", "--rpm", "600")
    llmproxy("keys", "create", "billing", "--name", "first", "--expires", "2099-01-01")
    return llmproxy


def test_the_page_lists_every_check_in_its_order() -> None:
    page = (ROOT / "docs" / "hardening.md").read_text("utf-8")
    rows = [row.strip("`") for row in re.findall(r"^\| (`?[^|`]+`?) \| .* \| (?:fails|warns)", page, re.MULTILINE)]
    assert rows == [subject for subject, *_ in (*CHECKS, *PROJECT_CHECKS)]


@pytest.mark.parametrize(("failing", "warning", "variables"), BAD, ids=["open", "not kept", "no keys", "a key"])
def test_each_fault_is_found(
    llmproxy: Command, failing: set[str], warning: set[str], variables: dict[str, str]
) -> None:
    found = verdicts(llmproxy, **variables)
    assert {subject for subject, verdict in found.items() if verdict == "fail"} == failing
    assert {subject for subject, verdict in found.items() if verdict == "warn"} == warning | ROOT_USER


def test_files_that_others_can_read_are_found(llmproxy: Command, tmp_path: Path) -> None:
    file, data = tmp_path / "settings.env", tmp_path / "open-data"
    file.write_text("VENDOR_API_KEY=secret\n", "utf-8")
    data.mkdir()
    for mode, expected in ((0o755, ("fail", "warn")), (0o700, ("ok", "ok"))):
        file.chmod(mode)
        data.chmod(mode)
        found = verdicts(llmproxy, LLMPROXY_ENV_FILE=str(file), DATA_DIR=str(data))
        assert (found["LLMPROXY_ENV_FILE"], found["DATA_DIR"]) == expected


def test_a_certificate_of_its_own_is_as_good_as_a_proxy(llmproxy: Command, tmp_path: Path) -> None:
    pem = Authority(tmp_path).file("localhost")
    found = verdicts(llmproxy, LLMPROXY_TRUSTED_PROXIES="", LLMPROXY_TLS_CERT=str(pem))
    assert found["transport"] == "ok"


def test_projects_without_bounds_and_keys_without_end_are_named(ready: Command) -> None:
    found = verdicts(ready)
    assert found.keys() == {subject for subject, *_ in (*CHECKS, *PROJECT_CHECKS)}
    assert {subject for subject, verdict in found.items() if verdict != "ok"} == ROOT_USER
    ready("projects", "create", "open")
    ready("keys", "create", "open", "--name", "first")
    text = ready("doctor", "--production", **GOOD).out
    assert re.search(r"warn  limits and budgets: .*: open$", text, re.MULTILINE), text
    assert re.search(r"warn  expiry of keys: .*: open$", text, re.MULTILINE), text
    assert verdicts(ready, LLMPROXY_LIMITS='{"rpm": 60}')["limits and budgets"] == "ok"
    plain = {check["subject"] for check in ready("doctor", "--json").json["checks"]}
    assert not plain & found.keys()
