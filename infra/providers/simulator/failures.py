"""The simulator's errors as the gateway's own, as an adapter on the wire would report them."""

from __future__ import annotations

from domain.errors import UpstreamCredentialError, UpstreamError, UpstreamRefusedError
from infra.providers.simulator.refusal import RefusedError

_CREDENTIAL_REFUSED = 401


def as_upstream_error(refused: RefusedError) -> UpstreamError:
    """What the port's callers see of an error answer."""
    if refused.status == _CREDENTIAL_REFUSED:
        return UpstreamCredentialError(reason="simulated: credential refused")
    return UpstreamRefusedError(
        refused.status,
        refused.message,
        kind=refused.kind,
        param=refused.param,
        code=refused.code,
        retry_after=refused.retry_after,
    )
