"""The simulator's errors as the gateway's own, as an adapter on the wire would report them."""

from __future__ import annotations

from domain.errors import DeploymentUnusableError, GatewayError, UpstreamCredentialError, UpstreamRefusedError
from infra.providers.simulator.refusal import SimulatedError

_CREDENTIAL = frozenset({401, 402, 403})
_UNKNOWN_MODEL = 404


def as_gateway_error(refused: SimulatedError) -> GatewayError:
    """What the port's callers see of an error answer.

    A refused credential and a model that the upstream does not know are the operator's business; the rest comes
    through as it is.
    """
    reason = f"simulated: status {refused.status}"
    if refused.status in _CREDENTIAL:
        return UpstreamCredentialError(reason=reason)
    if refused.status == _UNKNOWN_MODEL:
        return DeploymentUnusableError(reason)
    return UpstreamRefusedError(
        refused.status,
        refused.message,
        kind=refused.kind,
        param=refused.param,
        code=refused.code,
        retry_after=refused.retry_after,
    )
