"""``llmproxy keys``."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime, timedelta

import click

from application.admin.json_views import key_as_json, key_state
from application.admin.keys import create_key, list_keys, revoke_key, rotate_key, show_key
from domain.api_key import ApiKey
from domain.documents.values import moment_of
from domain.documents.write import moment_text
from llmproxy.cli.output import json_option, print_json, table
from llmproxy.cli.running import with_stores
from llmproxy.stores import Stores


@click.group(epilog="Example: llmproxy keys create billing --name ci")
def keys() -> None:
    """Keys of a project. Only the SHA-256 of a key is kept."""


@keys.command("create", epilog="Example: llmproxy keys create billing --name ci --expires 2027-03-31")
@click.argument("project")
@click.option("--name", default="", help="Text for people.")
@click.option(
    "--expires",
    metavar="TIME",
    help="Last day (UTC) on which it works, 2027-03-31, or a time, 2027-03-31T12:00:00+02:00.",
)
@json_option
def create_command(project: str, name: str, expires: str | None, as_json: bool) -> None:
    """Give PROJECT another key. It is shown now and never again: on stdout there is the key and nothing else."""
    expires_at = None if expires is None else expiry_of(expires)

    async def work(stores: Stores) -> tuple[str, ApiKey]:
        return await create_key(
            stores.catalog,
            project,
            name,
            now=now(),
            random_bytes=secrets.token_bytes,
            expires_at=expires_at,
        )

    plain, key = with_stores(work, changes=f"project {project}")
    if as_json:
        print_json({"key": plain, "project": project, **key_as_json(key, now())})
    else:
        until = "never expires" if key.expires_at is None else f"expires at {moment_text(key.expires_at)}"
        click.echo(plain)
        click.echo(f"{key.id} of project {project}, {until}; keep the key, it cannot be shown again", err=True)


@keys.command("list", epilog="Example: llmproxy keys list billing")
@click.argument("project")
@json_option
def list_command(project: str, as_json: bool) -> None:
    """Every key that PROJECT was ever given."""

    async def work(stores: Stores) -> tuple[ApiKey, ...]:
        return await list_keys(stores.catalog, project)

    found = with_stores(work)
    if as_json:
        print_json([key_as_json(key, now()) for key in found])
        return
    rows = [
        (
            key.id,
            key.prefix,
            key.name,
            key_state(key, now()),
            moment_text(key.created_at),
            "" if key.expires_at is None else moment_text(key.expires_at),
        )
        for key in found
    ]
    click.echo(table(["id", "prefix", "name", "state", "created", "expires"], rows))


@keys.command("show", epilog="Example: llmproxy keys show billing key_1a2b3c4d5e6f")
@click.argument("project")
@click.argument("key", metavar="KEY")
@json_option
def show_command(project: str, key: str, as_json: bool) -> None:
    """Show a key of PROJECT, never the key itself. KEY is its id, its prefix, its name, or the key itself."""
    found = with_stores(lambda stores: show_key(stores.catalog, project, key))
    members = key_as_json(found, now()) | {"project": project}
    if as_json:
        print_json(members)
    else:
        click.echo(
            table(["member", "value"], [(name, "" if value is None else value) for name, value in members.items()])
        )


@keys.command("revoke", epilog="Example: llmproxy keys revoke billing key_1a2b3c4d5e6f")
@click.argument("project")
@click.argument("key", metavar="KEY")
@json_option
def revoke_command(project: str, key: str, as_json: bool) -> None:
    """Revoke a key of PROJECT for good. KEY is its id, its prefix, its name, or the key itself."""

    async def work(stores: Stores) -> ApiKey:
        return await revoke_key(stores.catalog, project, key, now=now())

    revoked = with_stores(work, changes=f"project {project}")
    before = revoked.revoked_at is not None
    if as_json:
        print_json({"id": revoked.id, "project": project, "revoked": True, "was_revoked_before": before})
    else:
        click.echo(f"{revoked.id} {'was revoked already' if before else 'is revoked'}")


@keys.command("rotate", epilog="Example: llmproxy keys rotate billing key_1a2b3c4d5e6f --overlap 24h")
@click.argument("project")
@click.argument("key", metavar="KEY")
@click.option("--overlap", default="24h", show_default=True, help="How long the old key goes on working: 30m, 24h, 7d.")
@click.option("--expires", metavar="TIME", help="As for `keys create`, of the new key.")
@json_option
def rotate_command(project: str, key: str, overlap: str, expires: str | None, as_json: bool) -> None:
    """Make a key in the place of another, which goes on working for a while.

    The new one has the old one's limits and budgets, and what has been used of them. On stdout there is the key and
    nothing else.
    """
    expires_at = None if expires is None else expiry_of(expires)
    lasting, at = duration_of(overlap), now()

    async def work(stores: Stores) -> tuple[str, ApiKey, ApiKey]:
        return await rotate_key(
            stores.catalog,
            project,
            key,
            overlap=lasting,
            now=at,
            random_bytes=secrets.token_bytes,
            expires_at=expires_at,
        )

    plain, new, old = with_stores(work, changes=f"project {project}")
    until = moment_text(old.ending_by(at + lasting))
    if as_json:
        print_json(
            {"key": plain, "project": project, **key_as_json(new, now()), "replaces": old.id, "works_until": until}
        )
    else:
        click.echo(plain)
        click.echo(f"{new.id} of project {project}; {old.id} works until {until}; it cannot be shown again", err=True)


def duration_of(text: str) -> timedelta:
    """Read the option ``--overlap``."""
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86_400}.get(text[-1:])
    if seconds is None or not text[:-1].isdecimal() or len(text) > 8:  # noqa: PLR2004 - more than a million days
        raise click.UsageError("--overlap takes a time such as 30m, 24h or 7d")
    return timedelta(seconds=int(text[:-1]) * seconds)


def expiry_of(text: str) -> datetime:
    """Read the option ``--expires``."""
    try:
        day = date.fromisoformat(text) + timedelta(days=1)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    except (ValueError, OverflowError):
        moment = moment_of(text)
    if moment is None:
        raise click.UsageError("--expires takes a day, 2027-03-31, or a time with its offset, 2027-03-31T12:00:00Z")
    return moment


def now() -> datetime:
    """Return the time, aware."""
    return datetime.now(UTC)
