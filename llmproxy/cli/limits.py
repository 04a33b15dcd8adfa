"""``llmproxy limits``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import click

from application.admin.limits_view import LimitState, states_as_json, states_of
from application.admin.messages import CommandError
from application.admin.projects import as_project
from application.ports.catalog_store import Kind
from domain.documents.write import time_text
from domain.leases import Leases
from domain.money import Money, plain
from domain.rate_limit import NO_LIMITS
from llmproxy.cli.output import json_option, print_json, table
from llmproxy.cli.running import settings_or_fail, with_stores
from llmproxy.stores import Stores


@click.group(epilog="Example: llmproxy limits show billing")
def limits() -> None:
    """Limits and budgets at this moment."""


@limits.command("show", epilog="Example: llmproxy limits show billing --key key_1a2b3c4d5e6f")
@click.argument("project")
@click.option("--key", metavar="KEY", help="Only this key (by its id), beside the project itself.")
@json_option
def show_command(project: str, key: str | None, as_json: bool) -> None:
    """Show each limit and budget of PROJECT: used, reserved, left, and when it renews.

    Reserved is what server processes hold for calls under way and to come.
    """
    defaults = settings_or_fail().llmproxy_limits or NO_LIMITS

    async def work(stores: Stores) -> list[LimitState]:
        entity, _ = as_project(await stores.catalog.get(Kind.PROJECT, project), project)
        if key is not None and all(one.id != key for one in entity.keys):
            raise CommandError(f"project {project!r} has no key {key!r}")
        return await states_of(stores.leases, stores.usage, entity, defaults, key)

    found = with_stores(work)
    if as_json:
        print_json(states_as_json(found))
        return
    click.echo(states_table(found) if found else "no limits and no budgets")


@limits.command("holders", epilog="Example: llmproxy limits holders")
@json_option
def holders_command(as_json: bool) -> None:
    """Show the processes that hold slices of budgets, and when each was last seen."""
    found = with_stores(_held)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [(one.holder, one.subject, one.account, one.held, one.seen) for one in found]
    headers = ["holder", "subject", "budget", "holds", "last seen"]
    click.echo(table(headers, rows, right=frozenset({"holds"})) if rows else "nobody holds anything")


@limits.command("release", epilog="Example: llmproxy limits release 4711-0a1b2c3d4e5f")
@click.argument("holder")
@json_option
def release_command(holder: str, as_json: bool) -> None:
    """Write off what HOLDER holds, a process that is gone with its disk.

    What it spent unreported is in nobody's sum then: the amount is shown as exposure. Never for one that runs.
    """
    now_ms = int(time.time() * 1000)

    async def work(stores: Stores) -> dict[str, int]:
        lost: dict[str, int] = {}
        for subject in await stores.leases.subjects():
            if holder in (await stores.leases.read(subject)).holders:
                if stores.trail is not None:
                    await stores.trail.changing(f"holder {holder}", [{"field": f"leases of {subject}"}])
                lost[subject] = await stores.leases.change(subject, lambda leases: leases.release(holder, now_ms))
        if not lost:
            raise CommandError(f"there is no holder {holder!r}; see `llmproxy limits holders`")
        return lost

    lost = with_stores(work, changes=f"holder {holder}")
    if as_json:
        print_json({"holder": holder, "written_off": {subject: _amount(units) for subject, units in lost.items()}})
    else:
        for subject, units in lost.items():
            click.echo(f"{subject}: {_amount(units)} written off")


def states_table(states: Sequence[LimitState]) -> str:
    """Format limits and budgets for people."""
    rows = [(one.of, one.limit, one.used, one.reserved, one.left, one.renews or "", one.note) for one in states]
    headers = ["of", "limit", "used", "reserved", "left", "renews or is full", "note"]
    return table(headers, rows, right=frozenset({"used", "reserved", "left"}))


@dataclass(frozen=True, slots=True)
class _Holding:
    holder: str
    subject: str
    account: str
    held: str
    seen: str


async def _held(stores: Stores) -> list[_Holding]:
    found: list[_Holding] = []
    for subject in await stores.leases.subjects():
        leases = await stores.leases.read(subject)
        found += _holdings(subject, leases)
    return found


def _holdings(subject: str, leases: Leases) -> list[_Holding]:
    return [
        _Holding(holder, subject, name, _amount(one.unspent), time_text(leases.holders.get(holder, 0)))
        for name, account in leases.budgets.items()
        for holder, one in account.slices.items()
        if one.unspent
    ]


def _amount(units: int) -> str:
    return plain(Money.from_units(units, "").amount)
