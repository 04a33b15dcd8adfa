"""Ids of stored responses: sealed for one project, readable by nobody else, and one spelling each."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.response_id import ResponseIds, ResponseLocation
from infra.clients.sealing import AesSiv

IDS = ResponseIds(AesSiv(b"k" * 32))
KEPT = ResponseLocation("gpt-4o-azure", "resp_0123456789abcdef")
PUBLIC = IDS.public("billing", KEPT)

_TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300)


@given(_TEXTS, _TEXTS, _TEXTS)
def test_what_was_made_can_be_read_by_the_same_project(project: str, document_id: str, upstream_id: str) -> None:
    kept = ResponseLocation(document_id, upstream_id)
    made = IDS.public(project, kept)
    assert made.startswith("resp_")
    assert made.removeprefix("resp_").replace("-", "").replace("_", "").isalnum()
    assert IDS.read(project, made) == kept
    assert IDS.public(project, kept) == made


@pytest.mark.parametrize("project", ["", "other", "billing ", "billin", "BILLING"])
def test_other_projects_have_no_such_response(project: str) -> None:
    assert IDS.read(project, PUBLIC) is None


def test_another_key_knows_nothing_of_it() -> None:
    assert ResponseIds(AesSiv(b"z" * 32)).read("billing", PUBLIC) is None


@pytest.mark.parametrize("at", range(len("resp_"), len(PUBLIC)))
def test_an_id_that_was_changed_anywhere_is_none(at: int) -> None:
    other = "A" if PUBLIC[at] != "A" else "B"
    assert IDS.read("billing", PUBLIC[:at] + other + PUBLIC[at + 1 :]) is None
    assert IDS.read("billing", PUBLIC[:at] + PUBLIC[at + 1 :]) is None
    assert IDS.read("billing", PUBLIC[:at]) is None


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "resp_",
        "resp_0123456789abcdef",
        "resp_" + urlsafe_b64encode(b"gpt-4o-azure\0resp_0123456789abcdef").decode(),
        "resp_" + urlsafe_b64encode(bytes(12) + b"gpt-4o-azure\0resp_0123456789abcdef").decode(),
        "resp_é",
        "resp_" + "A" * 100_000,
        "resp_A",
        PUBLIC.removeprefix("resp_"),
        PUBLIC.upper(),
    ],
)
def test_forged_ids(forged: str) -> None:
    assert IDS.read("billing", forged) is None


@pytest.mark.parametrize("junk", ["=", "==", "\n", " ", "!", "."])
def test_other_spellings_of_an_id_are_none(junk: str) -> None:
    # Python's decoder passes over all of these.
    assert IDS.read("billing", PUBLIC + junk) is None
    assert IDS.read("billing", PUBLIC[:20] + junk + PUBLIC[20:]) is None


def test_the_longest_ids_of_upstreams_still_fit() -> None:
    kept = ResponseLocation("d" * 255, "resp_" + "u" * 995)
    assert IDS.read("billing", IDS.public("billing", kept)) == kept


def test_neither_key_nor_project_is_in_an_id() -> None:
    content = urlsafe_b64decode(PUBLIC.removeprefix("resp_") + "==")
    assert b"billing" not in content
    assert b"kkk" not in content
    assert "kkk" not in repr(IDS)


@given(_TEXTS, _TEXTS, _TEXTS)
def test_ids_and_marks_reveal_nothing_and_stand_for_nothing_else(project: str, document_id: str, other: str) -> None:
    public, mark = IDS.public(project, ResponseLocation(document_id, "resp_upstream")), IDS.mark(project, document_id)
    sealed = public.removeprefix("resp_")
    assert b"resp_upstream" not in urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    assert IDS.maker(project, mark) == document_id
    assert IDS.maker(project, sealed) is None
    assert IDS.read(project, f"resp_{mark}") is None
    if other != project:
        assert IDS.maker(other, mark) is None
