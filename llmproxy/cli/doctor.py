"""``llmproxy doctor``."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import click

from application.admin.doctor import examine, identity_checks, secret_checks
from application.admin.json_views import checks_as_json
from application.admin.messages import Check, Verdict
from application.admin.projects import list_projects
from application.errors import StoreUnavailableError
from llmproxy.cli.live_calls import agree_to_costs, call_deployments
from llmproxy.cli.output import json_option, print_checks, print_json
from llmproxy.cli.running import missing_data
from llmproxy.production import project_checks, setting_checks
from llmproxy.settings import Authentication, Settings, SettingsError, load_environment, load_settings
from llmproxy.signing import shared_by_replicas
from llmproxy.stores import open_stores


@click.command(epilog="Examples: llmproxy doctor --json; llmproxy doctor --live gpt-4o --yes")
@click.option("--production", is_flag=True, help="Check what a server in production should have set, too.")
@click.option("--live", metavar="MODEL", help="Also make the smallest call of each deployment of this model.")
@click.option("--yes", is_flag=True, help="Make these calls, which cost money, without asking.")
@json_option
def doctor(production: bool, live: str | None, yes: bool, as_json: bool) -> None:
    """Check settings, stores, secrets and documents before traffic does. Calls no upstream, unless --live is given.

    Exit code 1 if something fails; warnings alone are 0.
    """
    if live is not None:
        agree_to_costs(live, yes=yes)
    checks = _all_checks(live, production=production)
    failed = sum(check.verdict is Verdict.FAIL for check in checks)
    if as_json:
        print_json({"ok": not failed, "checks": checks_as_json(checks)})
    else:
        print_checks(checks)
    sys.exit(1 if failed else 0)


def _all_checks(live: str | None, *, production: bool) -> list[Check]:
    try:
        settings = load_settings()
    except SettingsError as error:
        return [Check(Verdict.FAIL, "settings", str(error))]
    checks = [Check(Verdict.OK, "settings", f"{settings.environment}, data in {settings.data_dir}")]
    if settings.auth is Authentication.OFF:
        checks.append(Check(Verdict.WARN, "settings", "AUTH=off: callers need no key"))
    if settings.cosmos_url is not None and not shared_by_replicas(settings):
        text = (
            "LLMPROXY_SIGNING_KEY is not set: each replica seals the ids of stored responses with a key of its own, "
            "and no replica can open those of another"
        )
        checks.append(Check(Verdict.WARN, "settings", text))
    if production:
        checks += setting_checks(settings)
    if settings.in_memory:
        text = "DATA_DIR=:memory: keeps nothing: documents, keys and the ledger end with the server"
        return [*checks, Check(Verdict.WARN, "stores", text)]
    missing = missing_data(settings)
    if missing is not None:
        return [*checks, Check(Verdict.WARN, "stores", missing)]
    try:
        return checks + asyncio.run(_examine(settings, live, production=production))
    except StoreUnavailableError as error:
        return [*checks, Check(Verdict.FAIL, "stores", str(error))]


async def _examine(settings: Settings, live: str | None, *, production: bool) -> list[Check]:
    # Imported late: faults of the settings are reported without waiting for every provider.
    from llmproxy.providers import make_providers  # noqa: PLC0415

    providers = make_providers(settings, load_environment())
    try:
        async with open_stores(settings) as stores:
            unusable_because = providers.dispatch.unusable_because
            now = datetime.now(UTC)
            examined = partial(examine, stores.catalog, stores.usage, stores.leases, unusable_because, now)
            checks = await examined()
            if await providers.load_secrets():  # their names are known by now
                checks = await examined()
            with suppress(StoreUnavailableError):  # which is among the checks already
                projects = await list_projects(stores.catalog)
                checks += identity_checks(projects, {each.tenant or each.names[0] for each in settings.issuers})
                checks += project_checks(settings, projects) if production else []
            checks = [*checks, *secret_checks(providers.secrets)]
    finally:
        await providers.close()
    return checks if live is None else checks + await call_deployments(settings, live)
