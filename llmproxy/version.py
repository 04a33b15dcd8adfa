"""The version of the installed product."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def product_version() -> str:
    """As ``pip`` knows it; ``0`` where the code runs without being installed."""
    try:
        return version("llmproxy")
    except PackageNotFoundError:
        return "0"
