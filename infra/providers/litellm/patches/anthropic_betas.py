"""LiteLLM drops values of ``anthropic-beta`` that are not in its list, such as features newer than itself.

Documents and callers set them on purpose. Values that a vendor is known to lack are still left out.
"""

from __future__ import annotations


def apply() -> None:
    """Keep the values that LiteLLM lists for no vendor at all."""
    from litellm import anthropic_beta_headers_manager as manager

    original = manager.filter_and_transform_beta_headers

    def filtered(beta_headers: list[str], provider: str) -> list[str]:
        config = manager._load_beta_headers_config()
        known = {value for table in config.values() if isinstance(table, dict) for value in table}
        unknown = {value.strip() for value in beta_headers} - known
        return sorted({*original(beta_headers, provider), *unknown})

    manager.filter_and_transform_beta_headers = filtered
