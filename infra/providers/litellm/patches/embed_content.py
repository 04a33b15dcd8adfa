"""LiteLLM sends several texts as the parts of one to Vertex AI's ``embedContent`` and returns a single vector.

BerriAI/litellm#24209, which was fixed for the Gemini API only.
"""

from __future__ import annotations

from typing import Any

from domain.errors import InvalidRequestError

_ONE_TEXT = "vertex_ai/gemini-embedding"
_MOST_TEXTS = 100


def apply() -> None:
    """Call LiteLLM's function for embeddings once for each text where Vertex AI takes one.

    The calls follow one another, so that the time left and an error are those of the caller's one call.
    """
    import litellm

    original = litellm.aembedding

    async def aembedding(**arguments: Any) -> Any:
        texts = arguments["input"]
        if len(texts) == 1 or not arguments["model"].startswith(_ONE_TEXT):
            return await original(**arguments)
        if len(texts) > _MOST_TEXTS:
            message = f"'input' has {len(texts)} texts, but this model takes at most {_MOST_TEXTS} at a time."
            raise InvalidRequestError(message, param="input", code="invalid_value")
        answers = [await original(**arguments | {"input": [text]}) for text in texts]
        whole = answers[0]
        whole.data = [entry for answer in answers for entry in answer.data]
        whole.usage.prompt_tokens = sum(answer.usage.prompt_tokens for answer in answers)
        return whole

    litellm.aembedding = aembedding
