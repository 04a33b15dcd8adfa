"""The model document: one deployment of a model, as an operator describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from domain.fallbacks import FallbackReason
from domain.health import HealthProbe
from domain.operation import Endpoint, Operation
from domain.pricing import PriceList
from domain.rate_limit import NO_LIMITS, Limits
from domain.vendor import Wire
from domain.vendors import VENDORS, ModelType


class Strategy(StrEnum):
    """Strategy for sharing calls among deployments of one priority: ``routing`` of a document."""

    WEIGHTED = "weighted"
    """By chance, in proportion to the weights."""
    ROUND_ROBIN = "round_robin"
    """One after the other."""
    LEAST_BUSY = "least_busy"
    """Of two chosen by weight, the one with fewer calls under way for its weight."""
    LATENCY = "latency"
    """The one that has answered fastest lately."""
    COST = "cost"
    """The cheapest for a typical call."""


class Affinity(StrEnum):
    """Calls that prefer the same deployment: ``affinity`` of a document."""

    NONE = "none"
    PROMPT_CACHE = "prompt_cache"
    """Calls whose prompts begin alike, so that the upstream's prompt cache is met."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Connection data of a deployment. Texts may name environment variables; they are resolved when a call is made.

    Args:
        secret_name: the environment variable that holds the credential (for Google the service-account JSON).
        api_key: the credential itself, or a name of the form ``A_B_C`` of the variable that holds it.
        endpoint: base address of the upstream (alias ``api_base``).
        deployment_name: Azure's deployment.
        api_version: Azure's ``api-version``.
        gcp_project: Google Cloud project (alias ``project_id``).
        location: Google Cloud region.
        model: upstream model name where it is not the document's code.
        enable_tools: ``False`` = a call that carries tools is refused.
        wire: how calls are sent, where the vendor has a choice; None for the vendor's default.
        timeout: seconds that the upstream may stay silent; None for the server's setting.
        defaults: request members used where the caller says nothing (``temperature``, ``max_tokens``, ...).
    """

    secret_name: str | None = None
    api_key: str | None = field(default=None, repr=False)
    endpoint: str | None = field(default=None, repr=False)
    deployment_name: str | None = None
    api_version: str | None = None
    gcp_project: str | None = None
    location: str | None = None
    model: str | None = None
    enable_tools: bool = True
    wire: Wire | None = None
    timeout: float | None = None
    defaults: Mapping[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ModelDocument:
    """One deployment. Several documents with one ``code`` are deployments of one model.

    Compared by identity: the catalogue keeps the object of a document that did not change, so adapters may
    remember what they worked out for it.

    Args:
        id: unique id of the document.
        code: public name that callers send as ``"model"``.
        name: text for people.
        provider: free text, the partition key.
        model_type: how to call it.
        operations: what it offers.
        prices: what it costs.
        parameters: how to reach it.
        private: only the projects listed may use it.
        projects: ids of those projects.
        enabled: ``False`` = out of service without being deleted.
        priority: lower goes first.
        weight: share of the calls among documents of one priority.
        fallbacks: other codes to try, for any reason.
        fallbacks_for: the same by reason.
        retry_timeouts: another deployment is tried after a time-out of this one, which may cost twice.
        limits: what this deployment can take.
        routing: how calls are shared among the deployments of the model; None leaves it to the settings.
        affinity: which calls prefer the same deployment.
        vendor_objects: kinds of objects of the vendor's account that callers may refer to.
        headers: sent with every request. Values may name environment variables, as those of parameters.
        forward_headers: callers' headers that are passed on: lower-case names, or prefixes that end in ``-*``.
        breaker: members of ``BreakerPolicy`` that the document sets; the settings have the others.
        retries: of a call that only this deployment can serve; None leaves it to the settings.
        timeouts: members of ``Timeouts`` that the document sets.
        early_head: a stream that is silent from its beginning is begun before its upstream responds.
        drain_tokens: output tokens that are still read once the caller of a stream has disconnected: 0 ends the
            upstream's call at once, infinity reads it to its end, as it does answers that are not streamed.
        context_window: tokens that the model reads, for ``/v1/models``; None if unknown.
        max_output_tokens: tokens that it writes at most.
        health: the probe of its upstream; None for none.
        version: the store's mark of this version (ETag), for comparing.
    """

    id: str
    code: str
    name: str
    provider: str
    model_type: ModelType
    operations: frozenset[Operation]
    prices: PriceList
    parameters: Parameters
    private: bool = False
    projects: frozenset[str] = frozenset()
    enabled: bool = True
    priority: int = 0
    weight: int = 1
    fallbacks: tuple[str, ...] = ()
    fallbacks_for: Mapping[FallbackReason, tuple[str, ...]] = field(default_factory=dict)
    retry_timeouts: bool = False
    limits: Limits = NO_LIMITS
    routing: Strategy | None = None
    affinity: Affinity = Affinity.NONE
    vendor_objects: frozenset[str] = frozenset()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    forward_headers: tuple[str, ...] = ()
    breaker: Mapping[str, Any] = field(default_factory=dict)
    retries: int | None = None
    timeouts: Mapping[str, float] = field(default_factory=dict)
    early_head: bool = False
    drain_tokens: float = 0
    context_window: int | None = None
    max_output_tokens: int | None = None
    health: HealthProbe | None = None
    version: str = ""

    def offers(self, endpoint: Endpoint) -> bool:
        """Tell if the deployment can be asked this: the document lists the operation, and its vendor can serve it."""
        return endpoint.operation in self.operations and endpoint in VENDORS[self.model_type].endpoints

    @property
    def endpoints(self) -> list[Endpoint]:
        """The endpoints that the deployment serves."""
        return [endpoint for endpoint in Endpoint if self.offers(endpoint)]
