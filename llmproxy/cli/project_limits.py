"""``llmproxy projects set-limits`` and ``set-budget``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

from application.admin.project_limits import Edited, remove_budget, set_budget, set_limits
from domain.budget import Period
from domain.documents import exact_json
from domain.rate_limit import LimitMode
from llmproxy.cli.output import json_option, print_json
from llmproxy.cli.running import with_stores
from llmproxy.stores import Stores

F = TypeVar("F", bound=Callable[..., Any])


def _shared_options(command: F) -> F:
    key = click.option("--key", metavar="KEY", help="Of this key (id, name or prefix) instead of the whole project.")
    plan = click.option("--plan", is_flag=True, help="Show what would change, and change nothing.")
    return key(plan(json_option(command)))


@click.command("set-limits", epilog="Example: llmproxy projects set-limits billing --rpm 600 --tpm 100000")
@click.argument("project")
@click.option("--rpm", help="Requests a minute, or a rate such as 100/hour; `none` removes the limit.")
@click.option("--tpm", help="Tokens a minute, in and out.")
@click.option("--concurrency", help="Calls at the same time.")
@click.option("--burst", help="Requests at once; otherwise as many as pass in a minute.")
@click.option(
    "--mode",
    type=click.Choice([one.value for one in LimitMode]),
    help="`shadow` counts and reports, and refuses nobody.",
)
@click.option("--json-limits", metavar="JSON", help="All of them, as in the document: '{\"routes\": {...}}'.")
@click.option("--clear", is_flag=True, help="Remove all limits.")
@_shared_options
def set_limits_command(
    project: str,
    *,
    json_limits: str | None,
    clear: bool,
    key: str | None,
    plan: bool,
    as_json: bool,
    **given: str | None,
) -> None:
    """Set limits of PROJECT; those that are not named stay as they are. What has been used stays used."""
    named: dict[str, object] = {
        name: None if value == "none" else value for name, value in given.items() if value is not None
    }
    if json_limits is not None:
        named = {"rpm": None, "tpm": None, "concurrency": None, "burst": None, **_object(json_limits), **named}
    if not named and not clear:
        raise click.UsageError("nothing to set: give at least one limit, or --clear")
    members = None if clear else named

    async def work(stores: Stores) -> Edited:
        return await set_limits(stores.catalog, project, members, key=key, write=not plan)

    _print(with_stores(work, changes=None if plan else f"project {project}"), project, planned=plan, as_json=as_json)


@click.command("set-budget", epilog="Example: llmproxy projects set-budget billing 100 --period month --alert-at 0.8")
@click.argument("project")
@click.argument("amount", required=False)
@click.option("--currency", help="ISO 4217 code.  [default: USD]")
@click.option("--period", type=click.Choice([one.value for one in Period]), help="When it renews.  [default: month]")
@click.option("--timezone", help="Zone in which periods begin, such as Europe/Berlin.  [default: UTC]")
@click.option("--starts", help="First day of weeks, or the month in which quarters and years begin.")
@click.option("--model", "models", multiple=True, help="Only calls of this model count; repeatable.")
@click.option("--strict/--no-strict", default=None, help="Reserve the most that a call can cost: never passed.")
@click.option("--soft/--hard", default=None, help="`--soft` alerts only, and refuses nobody.")
@click.option("--alert-at", multiple=True, help="Share of the amount at which to alert, such as 0.8; repeatable.")
@click.option("--id", "budget_id", help="Distinguishes the budgets of a project.  [default: period and currency]")
@click.option("--remove", metavar="ID", help="Remove this budget.")
@_shared_options
def set_budget_command(
    project: str,
    amount: str | None,
    *,
    models: tuple[str, ...],
    strict: bool | None,
    soft: bool | None,
    alert_at: tuple[str, ...],
    budget_id: str | None,
    remove: str | None,
    key: str | None,
    plan: bool,
    as_json: bool,
    **given: str | None,
) -> None:
    """Give PROJECT a budget, or change the one of the same id. What has been spent stays spent."""
    if (amount is None) == (remove is None):
        raise click.UsageError("give an AMOUNT, or --remove ID")
    budget: dict[str, object] = {"amount": amount}
    budget |= {name: value for name, value in given.items() if value is not None}
    budget.setdefault("period", Period.MONTH.value)
    optional = {"models": list(models), "alert_at": list(alert_at), "id": budget_id, "strict": strict}
    budget |= {name: value for name, value in optional.items() if value not in (None, [])}
    if soft is not None:
        budget["hard"] = not soft

    async def work(stores: Stores) -> Edited:
        if remove is not None:
            return await remove_budget(stores.catalog, project, remove, key=key, write=not plan)
        return await set_budget(stores.catalog, project, budget, key=key, write=not plan)

    _print(with_stores(work, changes=None if plan else f"project {project}"), project, planned=plan, as_json=as_json)


def _object(text: str) -> dict[str, object]:
    try:
        value = exact_json.decode(text)
    except ValueError as error:
        raise click.UsageError(f"--json-limits is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise click.UsageError("--json-limits takes an object")
    return value


def _print(edited: Edited, project: str, *, planned: bool, as_json: bool) -> None:
    faults = [str(fault) for fault in edited.warnings]
    if as_json:
        shown = {"before": _plain(edited.before), "after": _plain(edited.after)}
        print_json({"project": project, "changed": not planned, **shown, "warnings": faults})
        return
    for fault in faults:
        click.echo(f"warning: {fault}", err=True)
    click.echo(f"- {json.dumps(_plain(edited.before))}")
    click.echo(f"+ {json.dumps(_plain(edited.after))}")
    click.echo("nothing was changed" if planned else f"project {project} is changed; servers follow within seconds")


def _plain(value: object) -> object:
    return json.loads(exact_json.encode(value))
