"""``llmproxy admins``."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta

import click

from application.admin.administrators import (
    ListedAdministrator,
    create_administrator,
    list_administrators,
    revoke_administrator,
    rotate_administrator_key,
)
from application.admin.json_views import administrator_as_json, key_as_json, usable_administrator_keys
from domain.administrators import Role
from domain.api_key import ApiKey
from domain.documents.fault import reason
from domain.documents.write import moment_text
from llmproxy.cli.keys import duration_of, expiry_of, now
from llmproxy.cli.output import json_option, print_json, table
from llmproxy.cli.running import NoData, with_stores
from llmproxy.stores import Stores


@click.group(epilog="Example: llmproxy admins create alice --role operator")
def admins() -> None:
    """Administrators: who operates the proxy, with a role and keys of their own. Only the SHA-256 of a key is kept."""


@admins.command("create", epilog="Example: llmproxy admins create alice --role operator")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True, help="The permissions.")
@click.option("--project", "projects", multiple=True, metavar="ID", help="Of an owner: a project; repeatable.")
@click.option("--expires", metavar="TIME", help="As for `keys create`.")
@json_option
def create_command(name: str, role: str, projects: tuple[str, ...], expires: str | None, as_json: bool) -> None:
    """Create the administrator NAME. The key is shown now and never again: on stdout there is the key, nothing else.

    Once an administrator exists, LLMPROXY_ADMIN_KEY is not accepted any more, unless LLMPROXY_KEEP_ADMIN_KEY is true.
    """
    expires_at = None if expires is None else expiry_of(expires)

    async def work(stores: Stores) -> tuple[str, ApiKey]:
        return await create_administrator(
            stores.catalog,
            name,
            Role(role),
            projects,
            now=now(),
            random_bytes=secrets.token_bytes,
            expires_at=expires_at,
        )

    plain, key = with_stores(work, no_data=NoData.CREATE, changes=f"administrator {name}")
    if as_json:
        print_json({"key": plain, "administrator": name, "role": role, **key_as_json(key, now())})
    else:
        click.echo(plain)
        click.echo(f"{key.id} of administrator {name}, {role}; keep the key, it cannot be shown again", err=True)


@admins.command("list", epilog="Example: llmproxy admins list --json")
@json_option
def list_command(as_json: bool) -> None:
    """Every administrator with the number of usable keys."""

    async def work(stores: Stores) -> list[ListedAdministrator]:
        return await list_administrators(stores.catalog)

    listed = with_stores(work, no_data=NoData.EMPTY)
    if as_json:
        print_json([administrator_as_json(one, now()) for one in listed])
        return
    rows = []
    for one in listed:
        known = one.administrator
        state = f"out of service: {reason(one.faults)}" if known is None else "enabled" if known.enabled else "disabled"
        owned = ", ".join(sorted(known.projects)) if known else ""
        rows.append((one.id, known.role if known else "", owned, usable_administrator_keys(one, now()), state))
    headers = ["name", "role", "projects", "usable keys", "state"]
    click.echo(table(headers, rows, right=frozenset({"usable keys"})))


@admins.command("rotate", epilog="Example: llmproxy admins rotate alice --overlap 1h")
@click.argument("name")
@click.option("--key", metavar="KEY", help="The one to replace, of several: its id, prefix, or the key itself.")
@click.option("--overlap", default="24h", show_default=True, help="How long the old key goes on working: 30m, 24h, 7d.")
@click.option("--expires", metavar="TIME", help="As for `keys create`, of the new key.")
@json_option
def rotate_command(name: str, key: str | None, overlap: str, expires: str | None, as_json: bool) -> None:
    """Make a key in the place of another of NAME, which goes on working for a while."""
    expires_at = None if expires is None else expiry_of(expires)
    lasting: timedelta = duration_of(overlap)
    at = now()

    async def work(stores: Stores) -> tuple[str, ApiKey, ApiKey]:
        return await rotate_administrator_key(
            stores.catalog,
            name,
            key,
            overlap=lasting,
            now=at,
            random_bytes=secrets.token_bytes,
            expires_at=expires_at,
        )

    plain, new, old = with_stores(work, changes=f"administrator {name}")
    until = moment_text(old.ending_by(at + lasting))
    if as_json:
        replaced = {"replaces": old.id, "works_until": until}
        print_json({"key": plain, "administrator": name, **key_as_json(new, now()), **replaced})
    else:
        click.echo(plain)
        click.echo(f"{new.id} of administrator {name}; {old.id} works until {until}", err=True)


@admins.command("revoke", epilog="Example: llmproxy admins revoke alice")
@click.argument("name")
@click.option("--key", metavar="KEY", help="Only this key: its id, prefix, or the key itself.")
@json_option
def revoke_command(name: str, key: str | None, as_json: bool) -> None:
    """Revoke all keys of NAME for good, or one of them. Servers refuse them a few seconds later."""

    async def work(stores: Stores) -> Sequence[ApiKey]:
        return await revoke_administrator(stores.catalog, name, key, now=now())

    revoked = [one.id for one in with_stores(work, changes=f"administrator {name}")]
    if as_json:
        print_json({"administrator": name, "revoked": revoked})
    else:
        click.echo(f"revoked of administrator {name}: {', '.join(revoked) or 'nothing, there is no key'}")
