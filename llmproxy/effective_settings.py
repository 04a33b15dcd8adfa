"""Settings in effect, each with its source; secrets are masked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from pydantic import SecretStr

from domain.documents.values import MASK
from llmproxy.settings import Settings


def effective_settings(settings: Settings, environment: Mapping[str, str]) -> Sequence[dict[str, object]]:
    """Return every setting: name, value, source (``environment``, ``file``, ``default``), default, and description.

    Args:
        settings: in effect.
        environment: the variables that they were read from, those of the file included.
    """
    return [_row(settings, name, environment) for name in Settings.model_fields]


def _row(settings: Settings, name: str, environment: Mapping[str, str]) -> dict[str, object]:
    field, variable = Settings.model_fields[name], name.upper()
    value = getattr(settings, name)
    names = {spelt.upper() for spelt in os.environ}
    source = "default"
    if name in settings.model_fields_set:
        in_file = variable not in names and variable in {spelt.upper() for spelt in environment}
        source = "file" if in_file else "environment"
    return {
        "name": variable,
        "value": _shown(value),
        "source": source,
        "default": _shown(field.get_default()),
        "description": field.description or "",
    }


def _shown(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return MASK if isinstance(value, SecretStr) else str(value)
