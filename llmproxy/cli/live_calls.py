"""The part of ``llmproxy doctor`` that calls upstreams: one smallest call of each deployment of a model."""

from __future__ import annotations

import sys
import time
from contextlib import AsyncExitStack

import click

from application.admin.messages import Check, Verdict
from application.ports.providers import Provider
from application.serving.catalog_view import CatalogView
from application.serving.ledger import Clock, Ledger
from application.use_cases.chat_probe import PROBES, ChatProbe, smallest_call
from domain.billing_units import UNITS
from domain.documents.values import closest
from domain.errors import GatewayError
from domain.ledger import LedgerLine
from domain.model import ModelDocument
from domain.money import Money
from infra.audio.length import length_ms
from infra.controllers.errors import status_of
from llmproxy.settings import Settings, load_environment
from llmproxy.stores import line_id, open_stores


def agree_to_costs(model: str, *, yes: bool) -> None:
    """Ask before calls that cost money.

    Raises:
        click.ClickException: nobody can be asked.
        click.Abort: the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.ClickException("--live makes calls that cost money, and nobody can be asked here; add --yes")
    click.confirm(f"call each deployment of {model} once, which costs money?", abort=True, err=True)


async def call_deployments(settings: Settings, model: str) -> list[Check]:
    """Call each enabled deployment of a model, or the one with this id, and say what came back.

    The calls are in the ledger, for the project of probes.

    Raises:
        StoreUnavailableError: a store is unavailable.
    """
    from llmproxy.providers import following_secrets, make_deployments, make_providers  # noqa: PLC0415 - slow to import

    lines: list[LedgerLine] = []
    async with open_stores(settings) as stores, AsyncExitStack() as stack:
        providers = make_providers(settings, load_environment())
        stack.push_async_callback(providers.close)
        clock = Clock(time.time, time.monotonic)
        view = CatalogView(stores.catalog, providers.dispatch.unusable_because, clock.time)
        await view.refresh()
        await stack.enter_async_context(following_secrets(providers, view, make_deployments(settings, clock)))

        def record(line: LedgerLine) -> None:
            lines.append(line)
            stores.journal.record(line)

        ledger = Ledger(record, providers.dispatch.upstream_model, clock, line_id, status_of, length_ms)
        await stores.journal.start(oldest_open_ms=ledger.oldest_open_ms)
        known = view.catalog.by_id.values()
        wanted = [document for document in known if model in {document.code, document.id}]
        if not wanted:
            meant = closest(model, {document.code for document in known})
            hint = f"did you mean {meant!r}?" if meant else "see `llmproxy catalog list`"
            return [Check(Verdict.FAIL, f"model {model}", f"unknown or disabled; {hint}")]
        probe = ChatProbe(providers.dispatch, ledger, view)
        return [await _call(document, probe, providers.dispatch, lines) for document in wanted]


async def _call(document: ModelDocument, probe: ChatProbe, provider: Provider, lines: list[LedgerLine]) -> Check:
    subject, started = f"live {document.id}", time.monotonic()
    smallest = smallest_call(document)
    try:
        if smallest is None:
            possible = await provider.check(document)
            text = "its list of models answers" if possible else "it has no list of models to ask for"
            verdict = Verdict.OK if possible else Verdict.WARN
            return Check(verdict, subject, f"no call of its operations is small, so none was made; {text}")
        await probe.call(document, *smallest)
    except GatewayError as error:
        return Check(Verdict.FAIL, subject, f"{error.code or 'failed'}: {error}")
    line = lines[-1]
    used = [f"{amount} {unit.label}" for unit in UNITS if (amount := getattr(line.usage, unit.quantity))]
    cost = Money.from_units(line.cost_units, line.currency)
    text = f"{smallest[0].endpoint.value} answered in {time.monotonic() - started:.2f} s: {', '.join(used)}, {cost}"
    return Check(Verdict.OK, subject, f"{text}, charged to project {PROBES.id}")
