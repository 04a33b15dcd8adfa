"""``llmproxy catalog plan`` and ``apply``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from application.admin.apply_plan import Applied, Signature, carry_out
from application.admin.catalog import apply, look_ahead
from application.admin.messages import CommandError, few
from application.admin.plan import Action, Plan
from application.admin.plan_json import applied_as_json, plan_as_json
from application.admin.saved_plan import as_data, from_data
from application.admin.validation import Validation
from domain.documents import exact_json
from llmproxy.cli.author import author_option, now_ms
from llmproxy.cli.documents import FOLDER, counts, print_faults, read_folder, summary
from llmproxy.cli.following import follows_within, wait_until_followed
from llmproxy.cli.output import json_option, print_exact_json, write_private
from llmproxy.cli.plan_view import print_plan, total
from llmproxy.cli.running import NoData, settings_or_fail, with_stores
from llmproxy.cli.server_api import url_option
from llmproxy.stores import Stores

_PRUNE = click.option("--prune", is_flag=True, help="Remove documents of the store that DIR lacks.")
_MOST_NAMED = 10


@click.command("plan", epilog="Example: llmproxy catalog plan deploy/examples/models --prune --out changes.plan")
@click.argument("folder", metavar="DIR", type=FOLDER)
@_PRUNE
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the plan for `catalog apply --plan FILE`. The file holds the documents whole.",
)
@json_option
def plan_command(folder: Path, prune: bool, out: Path | None, as_json: bool) -> None:
    """Show what `catalog apply DIR` would add, change and remove, field by field, and the impact.

    That is: who gains or loses which model, and whose prices change by how much. Nothing is written to the store, and
    keys are never shown. Exit code 0 = no change, 2 = there are changes, 1 = faults in DIR, or it failed. Wrong usage
    of the command is 2 as well, with nothing on the standard output.
    """
    files = read_folder(folder)

    async def work(stores: Stores) -> tuple[Validation, Plan | None]:
        return await look_ahead(stores.catalog, files, prune=prune)

    validation, plan = with_stores(work, no_data=NoData.EMPTY)
    if plan is not None and out is not None:
        _save(plan, out)
    if as_json:
        print_exact_json(({} if plan is None else plan_as_json(plan)) | summary(validation, folder))
    else:
        print_faults(validation, folder)
        if plan is None:
            click.echo(f"no plan: {counts(validation)}")
        else:
            print_plan(plan)
            click.echo(total(plan))
    sys.exit(1 if plan is None else 2 if plan.steps else 0)


@click.command("apply", epilog="Example: llmproxy catalog apply deploy/examples/models")
@click.argument("folder", metavar="[DIR]", type=FOLDER, required=False)
@_PRUNE
@click.option("--yes", is_flag=True, help="Remove documents without asking.")
@click.option(
    "--plan",
    "saved",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Carry out this plan, in place of a folder.",
)
@click.option("--wait", is_flag=True, help="Wait until a running server follows; exit code 1 if it does not.")
@url_option
@author_option
@json_option
def apply_command(
    *,
    folder: Path | None,
    prune: bool,
    yes: bool,
    saved: Path | None,
    wait: bool,
    url: str | None,
    author: str,
    as_json: bool,
) -> None:
    """Write the documents in DIR to the store; nothing if one of them has an error.

    Documents that the folder lacks stay in the store, unless --prune. A document that is changed meanwhile is not
    overwritten: the command fails and says what was written before. Running servers follow the change within seconds:
    the command says within how many, and --wait asks the server at --url until it has.
    """
    if (folder is None) is (saved is None):
        raise click.UsageError("one of DIR and --plan FILE")
    if saved is not None and prune:
        raise click.UsageError("what is removed is in the plan already; --prune belongs to `catalog plan`")
    files = [] if folder is None else read_folder(folder)
    data = None if saved is None else _load(saved)
    signature = Signature(author, now_ms())
    plans: list[Plan] = []

    def agree(plan: Plan) -> None:
        plans.append(plan)
        if not as_json:
            print_plan(plan)
        _agree_to_removals(plan.ids(Action.REMOVE), yes=yes)

    async def work(stores: Stores) -> tuple[Validation | None, Applied | None]:
        if data is None:
            return await apply(stores.catalog, files, signature=signature, prune=prune, agree=agree)
        plan = await from_data(stores.catalog, data)
        agree(plan)
        return None, await carry_out(stores.catalog, plan, signature)

    validation, applied = with_stores(work, no_data=NoData.CREATE, changes="models")
    written = time.monotonic()
    _report(validation, applied, plans, folder, as_json=as_json)
    if applied is None:
        sys.exit(1)
    settings = settings_or_fail()
    if wait:
        address = wait_until_followed(settings, url, written)
        click.echo(f"{address} follows", err=True)
    elif applied.added or applied.changed or applied.removed:
        click.echo(f"running servers follow within {follows_within(settings)} s", err=True)


def _report(
    validation: Validation | None, applied: Applied | None, plans: list[Plan], folder: Path | None, *, as_json: bool
) -> None:
    if as_json:
        plan = plan_as_json(plans[0]) if plans else {}
        checked = {} if validation is None or folder is None else summary(validation, folder)
        print_exact_json({**plan, **applied_as_json(applied), **checked})
        return
    if validation is not None and folder is not None:
        print_faults(validation, folder)
    if applied is None:
        click.echo("nothing was applied" + ("" if validation is None else f": {counts(validation)}"))
        return
    removed = f"{len(applied.removed)} removed, " if applied.removed else ""
    click.echo(
        f"{len(applied.added)} added, {len(applied.changed)} changed, {removed}{len(applied.unchanged)} unchanged"
    )


def _agree_to_removals(ids: list[str], *, yes: bool) -> None:
    if not ids or yes:
        return
    named = few([repr(each) for each in ids], _MOST_NAMED)
    if not sys.stdin.isatty():
        raise CommandError(
            f"nothing was written: {named} would be removed, and nobody can confirm it without a terminal; add --yes"
        )
    if not click.confirm(f"Remove {named}?", err=True):
        raise CommandError("nothing was written")


def _save(plan: Plan, path: Path) -> None:
    try:
        write_private(path, exact_json.encode(as_data(plan), indent=True) + "\n")
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from None


def _load(path: Path) -> object:
    try:
        return exact_json.decode(path.read_bytes())
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise click.ClickException(f"{path} is not a plan: {error}") from None
