"""Services that the pages use: stores, use cases, and facts of the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from application.admin.deployments import Upstreams
from application.admin.document_index import DocumentIndex, ModelSummary, ProjectSummary
from application.admin.identities import Identify
from application.admin.price_check import Find
from application.ports.audit_log import AuditLog
from application.ports.catalog_store import CatalogStore
from application.ports.lease_store import LeaseStore
from application.ports.usage_store import UsageStore
from application.serving.catalog_view import CatalogView
from application.serving.health_view import HealthView
from application.use_cases.load_tests import LoadTests
from application.use_cases.trial_call import TrialCalls
from domain.rate_limit import Limits
from infra.controllers.admin_pages.sessions import Sessions
from infra.controllers.chaos import Experiments


class SingleSignOn(Protocol):
    """Sign-in at an issuer, by an authorisation code with PKCE."""

    async def address(self, redirect_uri: str, state: str, challenge: str) -> str:
        """Return the address at which the issuer asks who somebody is; raises ``UnavailableError``."""

    async def token(self, code: str, verifier: str, redirect_uri: str) -> str:
        """Exchange a code for a token; raises ``InvalidApiKeyError`` or ``UnavailableError``."""


@dataclass(frozen=True, slots=True)
class AdminServices:
    """The services of the pages.

    Args:
        catalog: documents.
        view: the catalogue that this process serves.
        usage: the ledger.
        leases: what processes share about limits and budgets.
        audit: what administrators changed and were refused.
        health: of deployments.
        upstreams: facts about reaching them.
        models: every model document, in short.
        projects: every project, in short.
        defaults: limits of every project.
        price_list: loads what finds entries of the price list.
        settings: returns every setting in effect, secrets masked.
        ledger: facts about lines that wait.
        identify: finds the administrator of a credential.
        sessions: of signed-in administrators.
        changed: records a change outside the documents: who, the address of the client, the action, the subject, and
            its fields.
        refused: records a refusal: who, the address of the client, the action, and the reason.
        secure: send cookies over TLS only.
        environment: name of the installation's environment.
        authentication: whether callers need a key.
        timezone: of days, for readers who have not chosen one.
        trials: makes calls to try a model.
        experiments: with injected faults.
        load_tests: of this process.
        single_sign_on: signs people in at an issuer; None if only keys are accepted.
    """

    catalog: CatalogStore
    view: CatalogView
    usage: UsageStore
    leases: LeaseStore
    audit: AuditLog
    health: HealthView
    upstreams: Upstreams
    models: DocumentIndex[ModelSummary]
    projects: DocumentIndex[ProjectSummary]
    defaults: Limits
    price_list: Callable[[], Awaitable[Find]]
    settings: Callable[[], Sequence[Mapping[str, object]]]
    ledger: Callable[[], Mapping[str, object]]
    identify: Identify
    sessions: Sessions
    changed: Callable[[str, str, str, str, Sequence[dict[str, object]]], None]
    refused: Callable[[str, str, str, str], None]
    secure: bool
    environment: str
    authentication: bool
    timezone: str
    trials: TrialCalls
    experiments: Experiments
    load_tests: LoadTests
    single_sign_on: SingleSignOn | None = None
