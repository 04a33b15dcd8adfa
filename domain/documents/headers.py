"""Readers of ``headers`` and ``forward_headers`` of model documents. No value of a header ever appears in a fault."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from domain.documents.reader import Reader
from domain.documents.values import MASK, VARIABLE_NAME
from domain.reserved_env_vars import is_own_setting

_CREDENTIAL = "it carries credentials"
_CONNECTION = "it concerns one connection, not the call"
_BODY = "it describes the body, which the proxy writes"
_OWN = "the proxy sets it itself"

FORBIDDEN_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "authorization": _CREDENTIAL,
        "api-key": _CREDENTIAL,
        "x-api-key": _CREDENTIAL,
        "cookie": _CREDENTIAL,
        "set-cookie": _CREDENTIAL,
        "proxy-*": _CREDENTIAL,
        "connection": _CONNECTION,
        "expect": _CONNECTION,
        "http2-settings": _CONNECTION,
        "keep-alive": _CONNECTION,
        "te": _CONNECTION,
        "trailer": _CONNECTION,
        "transfer-encoding": _CONNECTION,
        "upgrade": _CONNECTION,
        "content-*": _BODY,
        "accept": _OWN,
        "accept-encoding": _OWN,
        "host": _OWN,
        "user-agent": _OWN,
        "x-llmproxy-*": _OWN,
        "x-request-id": _OWN,
    }
)
"""Headers that documents can neither set nor pass on, with the reason; ``*`` stands for any ending."""

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
UNSAFE_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters, which no header may have; a tab may be among its words."""

_PREFIXES = {row[:-1]: reason for row, reason in FORBIDDEN_HEADERS.items() if row.endswith("*")}
_SECRET_LIKE = re.compile(
    r"api-?key|access-?key|subscription-key|token|secret|passw|credential|auth|cookie|signature|client-(principal|cert)"
)
_EXAMPLE = '"HTTP-Referer": "https://app.example"'
_FORWARD_EXAMPLE = '"OpenAI-Beta" or "x-ms-*"'
_MOST_HEADERS = 50
_LONGEST_VALUE = 4096


def plain_name(name: str) -> str:
    """Return the name by which headers are compared: many servers read ``_`` as ``-``, none minds the case."""
    return name.lower().replace("_", "-")


def forbidden_because(name: str) -> str | None:
    """Return why a document cannot set a header, whatever its spelling; None if it can."""
    plain = plain_name(name)
    exact = FORBIDDEN_HEADERS.get(plain)
    return exact or next((reason for prefix, reason in _PREFIXES.items() if plain.startswith(prefix)), None)


def not_forwarded_because(name: str) -> str | None:
    """Return why a caller's header is never passed on; None if it may be."""
    return forbidden_because(name) or (_CREDENTIAL if is_secret_like(name) else None)


def is_secret_like(name: str) -> bool:
    """Tell whether a header of this name usually holds a secret."""
    return _SECRET_LIKE.search(plain_name(name)) is not None


def read_headers(owner: Reader) -> dict[str, str]:
    """Read the headers that a document sets, faulty ones left out."""
    reader = owner.table("headers", discreet=True)
    if len(reader.members) > _MOST_HEADERS:
        reader.error("", f"has {len(reader.members)} headers", f"at most {_MOST_HEADERS}")
        return {}
    found: dict[str, str] = {}
    plain: set[str] = set()
    for name in map(str, reader.members):
        reason = forbidden_because(name)
        if HEADER_NAME.fullmatch(name) is None:
            reader.error(name, "is not the name of a header", f"a name and its value, for example {_EXAMPLE}")
        elif reason is not None:
            reader.error(name, f"cannot be set, because {reason}", "other headers")
        elif plain_name(name) in plain:
            reader.error(name, "is given twice", "one spelling of a header")
        elif reader.given(name):
            value = _value(reader, name)
            if value is not None:
                found[name] = value
        plain.add(plain_name(name))
    return found


def _value(reader: Reader, name: str) -> str | None:
    value = reader.text(name, example=_EXAMPLE, required=True)
    if value is None:
        return None
    named = VARIABLE_NAME.fullmatch(value) is not None
    if value == MASK:
        reader.error(name, "is masked, and the store has no such value", "the name of an environment variable")
    elif named and is_own_setting(value):
        reader.error(name, "names a setting of the proxy itself", "the name of another environment variable")
    elif not value.isascii() and not _is_latin(value):
        reader.error(name, "has characters that a header cannot carry", "characters of ISO 8859-1 (Latin-1)")
    elif len(value) > _LONGEST_VALUE:
        reader.error(name, f"has {len(value)} characters", f"at most {_LONGEST_VALUE}")
    else:
        if is_secret_like(name) and not named:
            reader.warn(
                name, "looks like the secret itself", "the secret in an environment variable, and its name here"
            )
        return value
    return None


def _is_latin(value: str) -> bool:
    return max(value) <= "\xff"


def read_forward_headers(reader: Reader) -> tuple[str, ...]:
    """Read which headers of callers are passed on: lower-case names, or prefixes that end in ``-*``."""
    found: list[str] = []
    for text in reader.texts("forward_headers", example=_FORWARD_EXAMPLE, most=_MOST_HEADERS):
        name = text.lower()
        prefix = name.removesuffix("*")
        reason = not_forwarded_because(prefix)
        if HEADER_NAME.fullmatch(prefix) is None or "*" in prefix or (prefix != name and not prefix.endswith("-")):
            reader.error("forward_headers", f"{text[:80]!r} is not the name of a header", f"such as {_FORWARD_EXAMPLE}")
        elif reason is not None:
            reader.error("forward_headers", f"{text!r} is never passed on, because {reason}", "other headers")
        else:
            covered = [row for row in FORBIDDEN_HEADERS if prefix != name and row.startswith(prefix)]
            if covered:
                wrong = f"{text!r} covers {', '.join(covered)}, which are never passed on"
                reader.warn("forward_headers", wrong, "a longer prefix")
            found.append(name)
    return tuple(dict.fromkeys(found))
