"""Settings of files: a configuration in YAML, and files with one secret each. The environment wins over both."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import yaml
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from domain.documents.values import closest

CONFIG = "LLMPROXY_CONFIG"
SECRETS_DIR = "LLMPROXY_SECRETS_DIR"

OF_FILES: ContextVar[Mapping[str, Any]] = ContextVar("OF_FILES", default={})  # noqa: B039 - never changed
"""Values of files by the name of the field, while settings are made."""

_NOT_IN_FILE = frozenset({"llmproxy_config", "llmproxy_env_file"})
"""Settings that say where settings are."""


class _Loader(yaml.SafeLoader):
    """A loader for which only ``true`` and ``false`` are Booleans: ``AUTH: off`` is a text."""


_BOOL = "tag:yaml.org,2002:bool"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOL]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile("(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


class FileSource(PydanticBaseSettingsSource):
    """The values of :data:`OF_FILES` as a source of settings."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value of a field."""
        del field
        return OF_FILES.get().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return all values."""
        return dict(OF_FILES.get())


def values_of_files(environment: Mapping[str, str], fields: Mapping[str, FieldInfo]) -> Mapping[str, Any]:
    """Read the settings of the configuration file and of files with one secret each.

    Args:
        environment: variables, which name the files.
        fields: of the settings.

    Raises:
        ValueError: a file cannot be read, or the first one has an unknown setting.
    """
    config = environment.get(CONFIG)
    values = read_config(Path(config), fields) if config else {}
    folder = environment.get(SECRETS_DIR) or values.get(SECRETS_DIR.lower()) or fields[SECRETS_DIR.lower()].default
    return values | read_secrets(secret_fields(fields), environment, Path(folder))


def secret_fields(fields: Mapping[str, FieldInfo]) -> list[str]:
    """Return the names of settings that are secrets."""
    return [name for name, field in fields.items() if "SecretStr" in repr(field.annotation)]


def read_config(path: Path, known: Collection[str]) -> dict[str, Any]:
    """Read a configuration file: a mapping from settings, in any case, to values; lists and mappings stand for JSON.

    Args:
        path: of the file.
        known: names of fields.

    Raises:
        ValueError: it cannot be read, or has a fault; the message names the file, and the line where it is known.
    """
    values: dict[str, Any] = {}
    for name, value in read_yaml(path, "settings, one a line: PORT: 8000").items():
        field = str(name).lower()
        if field in _NOT_IN_FILE:
            raise ValueError(f"{path}: {field.upper()} belongs into the environment")
        if field not in known:
            meant = closest(field, known)
            hint = f"did you mean {meant.upper()!r}?" if meant else "see docs/settings.md"
            raise ValueError(f"{path}: unknown setting {name!r}; {hint}")
        if field in values:
            raise ValueError(f"{path}: {field.upper()} is set twice")
        if value is not None and value != "":
            values[field] = json.dumps(value) if isinstance(value, list | Mapping) else value
    return values


def read_yaml(path: Path, expected: str) -> Mapping[Any, Any]:
    """Read a mapping from a YAML file; an empty one if the file is empty.

    Args:
        path: of the file.
        expected: its content, for messages.

    Raises:
        ValueError: it cannot be read; the message names the file, and the place if it is known.
    """
    try:
        found = yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506 - a safe loader
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        raise ValueError(f"{path}{place}: {getattr(error, 'problem', None) or 'not YAML'}") from None
    if found is not None and not isinstance(found, Mapping):
        raise ValueError(f"{path}: expected {expected}")
    return found or {}


def read_secrets(secret: Collection[str], environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Read settings that are secrets from the file that ``NAME_FILE`` names, or the one of their name in a folder.

    Args:
        secret: names of fields.
        environment: variables.
        folder: with files that are named like variables.

    Raises:
        ValueError: a file that is named cannot be read.
    """
    values: dict[str, str] = {}
    for field in secret:
        name = field.upper()
        named = environment.get(f"{name}_FILE")
        path = Path(named) if named else folder / name
        try:
            text = path.read_text("utf-8").strip("\r\n") if named or path.is_file() else ""
        except (OSError, UnicodeDecodeError) as error:
            variable = f"{name}_FILE" if named else name
            raise ValueError(f"the file of {variable} cannot be read: {type(error).__name__}") from None
        if text:
            values[field] = text
    return values
