"""Checks of settings that production needs: ``llmproxy doctor --production``. docs/hardening.md has the reasons."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from application.admin.messages import Check, Verdict
from application.admin.projects import ListedProject
from domain.project import Project
from domain.rate_limit import NO_LIMITS
from infra.controllers.addresses import is_loopback
from llmproxy.server_settings import ChaosMode
from llmproxy.setting_values import listed
from llmproxy.settings import Authentication, Environment, Settings

_OTHERS = stat.S_IRWXO
_GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MOST_NAMED = 5

Finding = tuple[Verdict, str] | None
"""A verdict with its reason; None if the setting is as it should be."""


def _environment(settings: Settings) -> Finding:
    if settings.environment is Environment.PRODUCTION:
        return None
    return Verdict.FAIL, "is not `production`, which refuses unsafe combinations and reads no .env"


def _auth(settings: Settings) -> Finding:
    return (Verdict.FAIL, "is off: callers need no key") if settings.auth is Authentication.OFF else None


def _user(_settings: Settings) -> Finding:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Verdict.WARN, "is root; run it as a user of its own"
    return None


def _transport(settings: Settings) -> Finding:
    if settings.llmproxy_tls_cert or settings.llmproxy_trusted_proxies or is_loopback(settings.host):
        return None
    return Verdict.FAIL, (
        f"HOST={settings.host} speaks plain HTTP: set LLMPROXY_TLS_CERT, or put a proxy with TLS in front and name it "
        "in LLMPROXY_TRUSTED_PROXIES"
    )


def _hosts(settings: Settings) -> Finding:
    if settings.llmproxy_allowed_hosts or is_loopback(settings.host):
        return None
    return Verdict.WARN, "is not set: requests may name any host"


def _cors(settings: Settings) -> Finding:
    if "*" in listed(settings.llmproxy_cors_origins or ""):
        return Verdict.FAIL, "is *: every page on the Internet may use the keys that browsers hold"
    return None


def _admin_key(settings: Settings) -> Finding:
    if settings.llmproxy_admin_key is None:
        return Verdict.WARN, "is not set: nobody can see reasons at /health, nor use the administrator's paths"
    return None


def _metrics(settings: Settings) -> Finding:
    open_to_all = settings.llmproxy_metrics and not settings.llmproxy_metrics_protected
    if open_to_all and settings.llmproxy_metrics_port is None:
        return Verdict.WARN, (
            "callers can read names of projects and their costs: set LLMPROXY_METRICS_PROTECTED, or a port of their own"
        )
    return None


def _secret_hosts(settings: Settings) -> Finding:
    rows = [row.strip() for row in (settings.llmproxy_secret_hosts or "").split(";")]
    if any(row.replace(" ", "") == "*=" for row in rows):
        return None
    return Verdict.WARN, "has no row `*=`: whoever edits documents can send any variable to any host"


def _data(settings: Settings) -> Finding:
    if settings.in_memory:
        return Verdict.FAIL, "is :memory:, which keeps neither keys nor ledger"
    with suppress(OSError):
        if Path(settings.data_dir).stat().st_mode & _GROUP_AND_OTHERS:
            return Verdict.WARN, f"{settings.data_dir} can be opened by other users: chmod 700"
    return None


def _settings_file(settings: Settings) -> Finding:
    file = settings.llmproxy_env_file
    with suppress(OSError):
        if file is not None and file.stat().st_mode & _OTHERS:
            return Verdict.FAIL, f"{file} can be read by every user of this machine: chmod 640"
    return None


def _cosmos(settings: Settings) -> Finding:
    if settings.cosmos_key is not None:
        return Verdict.WARN, "is set: a managed identity with a data-plane role can do less, and cannot be copied"
    return None


def _alerts(settings: Settings) -> Finding:
    if settings.llmproxy_alert_webhook is not None and settings.llmproxy_alert_secret is None:
        return Verdict.WARN, "is not set: whoever knows the webhook's address can send alerts to it"
    return None


def _chaos(settings: Settings) -> Finding:
    if settings.llmproxy_chaos is not ChaosMode.OFF:
        return Verdict.WARN, "is on: an administrator can inject faults"
    return None


CHECKS: tuple[tuple[str, Callable[[Settings], Finding]], ...] = (
    ("ENVIRONMENT", _environment),
    ("AUTH", _auth),
    ("user of the process", _user),
    ("transport", _transport),
    ("LLMPROXY_ALLOWED_HOSTS", _hosts),
    ("LLMPROXY_CORS_ORIGINS", _cors),
    ("LLMPROXY_ADMIN_KEY", _admin_key),
    ("metrics", _metrics),
    ("LLMPROXY_SECRET_HOSTS", _secret_hosts),
    ("DATA_DIR", _data),
    ("LLMPROXY_ENV_FILE", _settings_file),
    ("COSMOS_KEY", _cosmos),
    ("LLMPROXY_ALERT_SECRET", _alerts),
    ("LLMPROXY_CHAOS", _chaos),
)
"""Subjects, as docs/hardening.md lists them, and what is checked of each."""

PROJECT_CHECKS: tuple[tuple[str, Callable[[Project], bool], str], ...] = (
    (
        "limits and budgets",
        lambda project: project.limits == NO_LIMITS and not any(budget.hard for budget in project.budgets),
        "a leaked key can spend without end in projects without limits and hard budgets",
    ),
    (
        "expiry of keys",
        lambda project: any(key.revoked_at is None and key.expires_at is None for key in project.keys),
        "keys never expire in projects",
    ),
)
"""Subjects, whether a project is a finding, and the text in front of the names of such projects."""


def setting_checks(settings: Settings) -> Iterator[Check]:
    """Check the settings, one after the other."""
    for subject, examine in CHECKS:
        verdict, text = examine(settings) or (Verdict.OK, "as it should be in production")
        yield Check(verdict, subject, text)


def project_checks(settings: Settings, projects: Sequence[ListedProject]) -> Iterator[Check]:
    """Check the projects that are in service."""
    serving = [each.project for each in projects if each.project is not None and each.project.enabled]
    for subject, is_finding, text in PROJECT_CHECKS:
        names = [project.id for project in serving if is_finding(project)]
        if subject == "limits and budgets" and settings.llmproxy_limits is not None:
            names = []
        further = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        if names:
            yield Check(Verdict.WARN, subject, f"{text}: {', '.join(names[:_MOST_NAMED])}{further}")
        else:
            yield Check(Verdict.OK, subject, "as it should be in production")
