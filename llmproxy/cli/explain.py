"""``llmproxy explain``."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

import click

from application.admin.catalog_reader import Readings, read_all
from application.admin.deployments import EXAMPLES, Deployment, Upstreams
from application.admin.explain import Explanation, Question
from application.admin.explain import explain as explain_call
from application.admin.json_views import explanation_as_json
from application.admin.limits_view import LimitState, states_as_json, states_of
from domain.api_key import KEY_PREFIX, PREFIX_LENGTH
from domain.operation import Operation
from domain.rate_limit import NO_LIMITS
from llmproxy.cli.explain_live import live_states, live_table
from llmproxy.cli.limits import states_table
from llmproxy.cli.output import json_option, print_checks, print_json, printable, table
from llmproxy.cli.running import settings_or_fail, with_stores
from llmproxy.settings import Authentication, Settings, load_environment
from llmproxy.stores import Stores


class _Operations(click.Choice[str]):
    """Names of operations, taken in any case and shown as documents spell them (click alone: in lower case)."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        spelt = {name.casefold(): name for name in self.choices}
        return super().convert(spelt.get(value.casefold(), value), param, ctx)


@click.command(
    "explain",
    epilog="Example: llmproxy explain --project billing --model gpt-4 --operation ChatCompletion --key - < key.txt",
)
@click.option("--project", help="The calling project. Not needed with a key, which belongs to a project.")
@click.option("--model", required=True, help='The call\'s "model": a code, or the id of a document.')
@click.option(
    "--operation",
    type=_Operations([operation.value for operation in Operation]),
    default=Operation.CHAT_COMPLETION.value,
    show_default=True,
    help="The operation.",
)
@click.option("--tools", is_flag=True, help="The call has tools.")
@click.option(
    "--key",
    help="The key; `-` reads it from standard input, to keep it out of the shell's history. Its id or prefix, as"
    " `llmproxy keys list` shows them, are accepted, too.",
)
@click.option("--key-env", metavar="NAME", help="Environment variable that contains the key.")
@click.option("--url", metavar="URL", help="Ask this server for its circuit breakers; needs LLMPROXY_ADMIN_KEY.")
@json_option
def explain(
    *,
    project: str | None,
    model: str,
    operation: str,
    tools: bool,
    key: str | None,
    key_env: str | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Explain why a call would be allowed or not, which deployments would serve it in which order, and its cost.

    Reads the store and this shell's environment: secrets that only the server has are missing here. Exit code 1 if the
    call would not be allowed.
    """
    _warn_of_history(key)
    key = _key(key, key_env)
    settings = settings_or_fail()
    authentication = settings.auth is Authentication.ON
    if project is None and key is None and authentication:
        raise click.UsageError("the caller is missing: give --project, --key or --key-env")
    question = Question(model, Operation(operation), project, key, tools)

    async def work(stores: Stores) -> tuple[Explanation, list[LimitState]]:
        readings = await read_all(stores.catalog)
        explanation = await _explain(question, readings, settings)
        payer = readings.catalog.projects.get(explanation.project)
        defaults = settings.llmproxy_limits or NO_LIMITS
        return explanation, [] if payer is None else await states_of(stores.leases, stores.usage, payer, defaults)

    explanation, limits = with_stores(work)
    serving = [one.document.id for one in explanation.deployments if one.turn is not None]
    live = None if url is None else live_states(url, serving)
    if as_json:
        print_json(explanation_as_json(question, explanation) | {"limits": states_as_json(limits), "live": live})
    else:
        _print(explanation, question.operation)
        if live is not None:
            click.echo("\n" + live_table(live, serving))
        if limits:
            click.echo("\n" + states_table(limits))
    sys.exit(0 if explanation.allowed else 1)


async def _explain(question: Question, readings: Readings, settings: Settings) -> Explanation:
    from llmproxy.providers import make_providers  # noqa: PLC0415 - help and wrong usage need no provider

    environment = load_environment()
    providers = make_providers(settings, environment)
    dispatch = providers.dispatch
    upstreams = Upstreams(
        dispatch.unusable_because,
        dispatch.upstream_model,
        dispatch.adapter_name,
        lambda name: providers.secrets(name) is not None,
    )
    try:
        for document in readings.models:
            dispatch.unusable_because(document)
        await providers.load_secrets()
        authentication = settings.auth is Authentication.ON
        return explain_call(question, readings, upstreams, datetime.now(UTC), authentication=authentication)
    finally:
        await providers.close()


def _key(key: str | None, variable: str | None) -> str | None:
    if key is not None and variable is not None:
        raise click.UsageError("--key and --key-env are mutually exclusive")
    if variable is not None:
        key = os.environ.get(variable, "")
    elif key == "-":
        terminal = sys.stdin.isatty()
        key = click.prompt("Key", hide_input=True, err=True) if terminal else sys.stdin.readline()
    if key is not None and not key.strip():
        raise click.UsageError("the key is empty")
    return None if key is None else key.strip()


def _warn_of_history(key: str | None) -> None:
    if key is not None and key.startswith(KEY_PREFIX) and len(key) > PREFIX_LENGTH:
        click.echo("the key is now in this shell's history; `--key -` reads it from standard input", err=True)


def _print(explanation: Explanation, operation: Operation) -> None:
    print_checks(explanation.checks)
    click.echo("allowed" if explanation.allowed else "not allowed")
    serving = [one for one in explanation.deployments if one.turn is not None]
    if serving:
        headers = ["turn", "document", "priority", "share", "adapter", "upstream model", "secrets"]
        rows, numbers = [_row(one) for one in serving], frozenset({"turn", "priority", "share"})
        click.echo("\n" + table([*headers, EXAMPLES[operation].title], rows, right=numbers))
    for one in serving:
        prices = ", ".join(f"{name} {price}" for name, price in one.prices.items() if name != "currency")
        priced = f"{prices or 'no price'}, in {one.prices['currency']}; tokens and characters per 1,000,000"
        click.echo(f"\n{printable(one.document.id)}: {priced}\n  can be asked on {', '.join(one.paths)}")
    others = [one for one in explanation.deployments if one.turn is None]
    if others:
        rows = [(one.document.id, one.reason, _secrets(one)) for one in others]
        click.echo("\n" + table(["gets no call", "why", "secrets"], rows))


def _row(one: Deployment) -> tuple[object, ...]:
    share = "spare" if not one.share else f"{one.share} %"
    cost = str(one.example.money)
    if one.example.unpriced:
        cost += f" (no price of {', '.join(one.example.unpriced)})"
    return one.turn, one.document.id, one.document.priority, share, one.adapter, one.upstream_model, _secrets(one), cost


def _secrets(one: Deployment) -> str:
    texts = [f"{state.name} {'is set' if state.present else 'MISSING'}" for state in one.secrets]
    if one.key_in_document:
        texts.append("the key is in the document")
    return ", ".join(texts) or "none named"
