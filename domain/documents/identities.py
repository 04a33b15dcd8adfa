"""Reader of the member ``identities`` of projects."""

from __future__ import annotations

from domain.documents.reader import Reader
from domain.identity import Identity, IdentityKind

_EXAMPLE = '{"tenant": "TENANT_ID", "app_id": "CLIENT_ID"}'
_MOST = 1_000


def read_identities(reader: Reader) -> tuple[Identity, ...]:
    """Read the callers that belong to a project by their token."""
    found: list[Identity] = []
    for index, item in enumerate(reader.items("identities", example=f"[{_EXAMPLE}]", most=_MOST)):
        entry = reader.entry("identities", index, item)
        issuer = _one_of(entry, ("tenant", "issuer"))
        chosen = _one_of(entry, tuple(IdentityKind))
        entry.unknown(("tenant", "issuer", *IdentityKind))
        if issuer is not None and chosen is not None:
            found.append(Identity(normal_issuer(issuer[1]), IdentityKind(chosen[0]), normal_value(chosen[1])))
    return tuple(found)


def normal_issuer(text: str) -> str:
    """Return a tenant's id in small letters, or the address of an issuer as it is."""
    return text if "://" in text else text.lower()


def normal_value(text: str) -> str:
    """Return a GUID in small letters, anything else as it is."""
    lowered = text.lower()
    return lowered if _is_guid(lowered) else text


def _is_guid(text: str) -> bool:
    parts = text.split("-")
    return [len(part) for part in parts] == [8, 4, 4, 4, 12] and all(
        set(part) <= set("0123456789abcdef") for part in parts
    )


def _one_of(entry: Reader, names: tuple[str, ...]) -> tuple[str, str] | None:
    given = [name for name in names if entry.given(name)]
    if len(given) != 1:
        expected = f"exactly one of {', '.join(names)}, for example {_EXAMPLE}"
        wrong = f"is missing: {' or '.join(names)}" if not given else f"has {' and '.join(given)}"
        entry.error("", wrong, expected)
        return None
    text = entry.text(given[0], example=_EXAMPLE, required=True)
    return None if text is None else (given[0], text)
