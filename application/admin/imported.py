"""Configurations of other programs as documents and settings of this one, with a report of what is not carried over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from domain.documents import read_model
from domain.documents.values import VARIABLE_NAME
from domain.vendors import ModelType

_SLUG = re.compile(r"[^A-Za-z0-9._-]+")
_MODES: Mapping[str, tuple[str, ...]] = {
    "chat": ("ChatCompletion", "Responses"),
    "completion": ("ChatCompletion",),
    "responses": ("Responses",),
    "embedding": ("embeddings",),
    "image_generation": ("images",),
    "audio_transcription": ("audio_stt",),
    "audio_speech": ("audio_tts",),
}
_BY_NAME = (
    ("embed", "embedding"),
    ("whisper", "audio_transcription"),
    ("transcribe", "audio_transcription"),
    ("tts", "audio_speech"),
    ("dall-e", "image_generation"),
    ("gpt-image", "image_generation"),
    ("imagen", "image_generation"),
)


@dataclass(slots=True)
class Imported:
    """The result of an import.

    Args:
        models: documents.
        settings: by name.
        left_out: members that are not carried over, with the reason where it is known; no values.
        hints: what to do by hand.
    """

    models: list[dict[str, object]] = field(default_factory=list)
    settings: dict[str, object] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def add(self, document: dict[str, object]) -> None:
        """Add a document under an id that no other one has."""
        wanted = slug(str(document["id"]))
        used = {one["id"] for one in self.models}
        numbers = (wanted if number == 1 else f"{wanted}-{number}" for number in range(1, len(used) + 2))
        document["id"] = next(each for each in numbers if each not in used)
        self.models.append(document)

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with the documents, as ``catalog validate`` would say it."""
        for document in self.models:
            for fault in read_model(document)[1]:
                yield f"{document['id']}: {fault.severity}: {fault}"


class Taken:
    """An object of a configuration that notes which of its members were read.

    Args:
        value: the object; anything else counts as one without members.
        path: its place.
        result: where members that were not read are noted.
    """

    def __init__(self, value: object, path: str, result: Imported) -> None:
        self.members = value if isinstance(value, Mapping) else {}
        self._path = path
        self._result = result
        self._read: set[str] = set()

    def take(self, name: str) -> object:
        """Return a member; None if absent."""
        self._read.add(name)
        return self.members.get(name)

    def text(self, name: str) -> str | None:
        """Return a member as text; None if absent, or not a text or number."""
        value = self.take(name)
        if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool):
            return str(value).strip() or None
        return None

    def number(self, name: str) -> int | float | None:
        """Return a member as a number; None if absent or not one."""
        value = decimal(self.take(name))
        return None if value is None else int(value) if value == int(value) else float(value)

    def table(self, name: str) -> Taken:
        """Return an object that is a member."""
        return Taken(self.take(name), self._at(name), self._result)

    def items(self, name: str) -> list[Taken]:
        """Return the objects of a list that is a member."""
        value = self.take(name)
        found = value if isinstance(value, list | tuple) else ()
        return [Taken(each, f"{self._at(name)}[{index}]", self._result) for index, each in enumerate(found)]

    def leave(self, name: str, reason: str) -> None:
        """Note that a member is not carried over, if it is there."""
        if self.members.get(name) is not None:
            self._result.left_out.append(f"{self._at(name)}: {reason}")
        self._read.add(name)

    def end(self) -> None:
        """Note every member that was not read."""
        for name in self.members:
            if name not in self._read:
                self._result.left_out.append(self._at(str(name)))

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def slug(text: str) -> str:
    """Return a text as it can be an id."""
    return _SLUG.sub("-", text).strip("-") or "model"


def decimal(value: object) -> Decimal | None:
    """Return a number exactly as it is written; None if it is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def variable_of(document_id: str) -> str:
    """Return the variable for a key that stood in the configuration itself."""
    return f"{slug(document_id).upper().replace('-', '_').replace('.', '_')}_API_KEY"


def is_variable(text: str) -> bool:
    """Tell whether documents take a text for the name of a variable."""
    return VARIABLE_NAME.fullmatch(text) is not None


def operations_of(mode: str | None, model: str) -> Sequence[str]:
    """Return the operations of a model, by its mode, else by its name."""
    by_name = next((kind for part, kind in _BY_NAME if part in model.lower()), "chat")
    return _MODES.get(mode or by_name, _MODES["chat"])


def document(document_id: str, code: str, model_type: ModelType, operations: Sequence[str]) -> dict[str, object]:
    """Make a public document without parameters and costs."""
    return {
        "id": document_id,
        "code": code,
        "name": code,
        "provider": model_type.value,
        "model_type": model_type.value,
        "private": False,
        "projects": [],
        "operations": list(operations),
    }
