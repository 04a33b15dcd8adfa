"""Reading single fields of a multipart form; everything else in it stays opaque."""

from __future__ import annotations

from application.use_cases.members import bounded
from domain.errors import InvalidRequestError
from domain.form import Form, Part

_LONGEST_NUMBER = 10
_MAX_USER_LENGTH = 256


def single(form: Form, name: str) -> str | None:
    """The value of a field of text; ``None`` = there is none, or it is empty.

    Raises:
        InvalidRequestError: it is there more than once, or a file. The upstream might read another one than we do.
    """
    if form.files(name):
        raise InvalidRequestError(f"Invalid type for '{name}': expected text, not a file.", param=name)
    values = form.texts(name)
    if len(values) > 1:
        raise InvalidRequestError(f"Duplicate parameter: '{name}'.", param=name)
    return values[0] or None if values else None


def form_model(form: Form) -> str:
    """The public name of the model that is asked for.

    Raises:
        InvalidRequestError: it is missing, empty, or there twice.
    """
    model = single(form, "model")
    if model is None:
        raise InvalidRequestError("You must provide a model parameter.", param="model")
    return model


def form_boolean(form: Form, name: str) -> bool:
    """A field that is ``true`` or ``false``; missing and empty count as false.

    Raises:
        InvalidRequestError: it is something else.
    """
    text = single(form, name)
    if text is None or text.lower() == "false":
        return False
    if text.lower() == "true":
        return True
    raise InvalidRequestError(f"Invalid type for '{name}': expected a boolean.", param=name)


def form_integer(form: Form, name: str, *, least: int, most: int, default: int) -> int:
    """A field that is a whole number within bounds; missing and empty count as the default.

    Raises:
        InvalidRequestError: it is something else, or out of bounds.
    """
    text = single(form, name)
    if text is None:
        return default
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= _LONGEST_NUMBER):
        raise InvalidRequestError(f"Invalid type for '{name}': expected an integer.", param=name)
    return bounded(name, int(text), least, most)


def form_user(form: Form) -> str | None:
    """The ``user`` of the form, cut to what the ledger keeps."""
    values = form.texts("user")
    return values[-1][:_MAX_USER_LENGTH] or None if values else None


def files(form: Form, name: str, *, most: int) -> list[Part]:
    """The files of a field.

    Raises:
        InvalidRequestError: there is none, one is empty, there are too many, or text stands in the place of one.
    """
    found = form.files(name)
    if form.texts(name):
        raise InvalidRequestError(f"Invalid type for '{name}': expected a file, not text.", param=name)
    if not found:
        raise InvalidRequestError(f"Missing required parameter: '{name}'.", param=name)
    if len(found) > most:
        raise InvalidRequestError(f"Invalid '{name}': expected at most {most} of them.", param=name)
    if not all(part.content.size for part in found):
        raise InvalidRequestError(f"Invalid '{name}': the file is empty.", param=name)
    return found
