"""Read single fields of a multipart form."""

from __future__ import annotations

from application.request_body.members import bounded
from domain.errors import InvalidRequestError, MissingParameterError
from domain.form import Form, Part

_LONGEST_NUMBER = 10
_MAX_USER_LENGTH = 256


def single(form: Form, name: str) -> str | None:
    """Return the value of a text field; None if it is missing or empty.

    Raises:
        InvalidRequestError: it is repeated (the upstream might read another one than we do), or a file.
    """
    if form.files(name):
        raise InvalidRequestError(f"Invalid type for '{name}': expected text, not a file.", param=name)
    values = form.texts(name)
    if len(values) > 1:
        raise InvalidRequestError(f"Duplicate parameter: '{name}'.", param=name)
    return values[0] or None if values else None


def form_model(form: Form) -> str:
    """Return the name of the model that the caller asks for.

    Raises:
        InvalidRequestError: it is missing, empty, or repeated.
    """
    model = single(form, "model")
    if model is None:
        raise MissingParameterError("model")
    return model


def form_boolean(form: Form, name: str) -> bool:
    """Return a boolean field; missing and empty count as false.

    Raises:
        InvalidRequestError: it is neither ``true`` nor ``false``.
    """
    text = single(form, name)
    if text is None or text.lower() == "false":
        return False
    if text.lower() == "true":
        return True
    raise InvalidRequestError(f"Invalid type for '{name}': expected a boolean.", param=name)


def form_integer(form: Form, name: str, *, least: int, most: int, default: int) -> int:
    """Return an integer field within bounds; missing and empty count as the default.

    Raises:
        InvalidRequestError: it is not an integer, or out of bounds.
    """
    text = single(form, name)
    if text is None:
        return default
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= _LONGEST_NUMBER):
        raise InvalidRequestError(f"Invalid type for '{name}': expected an integer.", param=name)
    return bounded(name, int(text), least, most)


def form_user(form: Form) -> str | None:
    """Return the ``user`` of the form, cut to what the ledger keeps."""
    values = form.texts("user")
    return values[-1][:_MAX_USER_LENGTH] or None if values else None


def files(form: Form, name: str, *, most: int) -> list[Part]:
    """Return the files of a field.

    Raises:
        InvalidRequestError: files are missing or too many, one is empty, or the field is text.
    """
    found = form.files(name)
    if form.texts(name):
        raise InvalidRequestError(f"Invalid type for '{name}': expected a file, not text.", param=name)
    if not found:
        raise MissingParameterError(name)
    if len(found) > most:
        raise InvalidRequestError(f"Invalid '{name}': expected at most {most} of them.", param=name)
    if not all(part.content.size for part in found):
        raise InvalidRequestError(f"Invalid '{name}': the file is empty.", param=name)
    return found
