"""Which module answers which endpoint. An operation is a function from a request to a plan, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from domain.operation import Endpoint
from infra.providers.simulator import chat_completions, completions, embeddings, images
from infra.providers.simulator.plan import Plan, Request

OPERATIONS: Mapping[Endpoint, Callable[[Request], Plan]] = {
    Endpoint.CHAT_COMPLETIONS: chat_completions.plan,
    Endpoint.COMPLETIONS: completions.plan,
    Endpoint.EMBEDDINGS: embeddings.plan,
    Endpoint.IMAGE_GENERATIONS: images.plan_generation,
    Endpoint.IMAGE_EDITS: images.plan_edit,
}
"""Each raises ``RefusedError`` for a request that is not well formed."""
