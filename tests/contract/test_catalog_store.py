"""Contract of every catalogue store for documents, run against each adapter."""

from decimal import Decimal

import pytest

from application.errors import ConflictError
from application.ports.catalog_store import CatalogStore, Kind
from infra.catalog_store.cosmos import CosmosCatalogStore
from tests.builders import model_body, project_body


@pytest.fixture
def store(catalog_store: CatalogStore) -> CatalogStore:
    return catalog_store


async def test_prepare_and_close_may_be_repeated(store: CatalogStore) -> None:
    await store.put(Kind.MODEL, model_body())
    await store.prepare()
    assert len(await store.load(Kind.MODEL)) == 1
    await store.close()
    await store.close()


async def test_an_empty_store_has_nothing(store: CatalogStore) -> None:
    assert list(await store.load(Kind.MODEL)) == []
    assert await store.get(Kind.MODEL, "m") is None
    assert await store.delete(Kind.MODEL, "m") is False
    assert await store.delete(Kind.MODEL, "m", replaces="1") is False


async def test_a_document_comes_back_as_it_was_written(store: CatalogStore) -> None:
    body = {
        "id": "modèle 1 😀",
        "unknown": {"nested": [1, None, True, "ü\n\"'\\ \u2028", {}, []], "": ""},
        "costs": {
            "input": Decimal("0.1"),
            "output": Decimal("0.10"),
            "tiny": Decimal("1E-12"),
            "1k": Decimal("0.0000025"),
        },
        "large": 2**53,
        "negative": Decimal("-0.0"),
    }
    version = await store.put(Kind.MODEL, body)

    found = await store.get(Kind.MODEL, "modèle 1 😀")
    assert found is not None
    assert (found.id, found.body, found.version) == ("modèle 1 😀", body, version)
    assert "float" not in kinds_of_numbers(found.body)
    if not isinstance(store, CosmosCatalogStore):  # which keeps numbers, not how they are written
        assert repr(found.body) == repr(body)
    assert list(await store.load(Kind.MODEL)) == [found]


def kinds_of_numbers(value: object) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(kinds_of_numbers, value.values()))
    if isinstance(value, list):
        return set().union(*map(kinds_of_numbers, value))
    return {type(value).__name__}


@pytest.mark.parametrize(
    "number",
    [
        Decimal("12345678901234567890.123456789012345678901234567890"),
        Decimal("0.1000000000000000055511151231257827"),
        Decimal("1E-390"),
        Decimal("1E+309"),
        2**70,
        -(2**53) - 1,
    ],
)
async def test_a_number_is_kept_exactly_or_refused(store: CatalogStore, number: Decimal | int) -> None:
    try:
        await store.put(Kind.MODEL, model_body(id="m", number=number))
    except ValueError as error:
        refusal = str(error)
        assert isinstance(store, CosmosCatalogStore), "the others keep it"
        assert "more digits" in refusal
        assert list(await store.load(Kind.MODEL)) == []
        return
    found = await store.get(Kind.MODEL, "m")
    assert found is not None
    assert found.body == model_body(id="m", number=number)


@pytest.mark.parametrize(
    "document_id", ["a/b", "a\\b", "a?b", "a#b", "a ", "a" * 1024, "%2F", "a'b\"", "ü 😀", ".", "..", "a\nb"]
)
async def test_an_awkward_id_is_kept_or_refused(store: CatalogStore, document_id: str) -> None:
    try:
        await store.put(Kind.MODEL, model_body(id=document_id))
    except ValueError as error:
        refusal = str(error)
        assert isinstance(store, CosmosCatalogStore), "the others keep it"
        assert "Cosmos DB does not accept" in refusal
        assert list(await store.load(Kind.MODEL)) == []
        return
    (found,) = await store.load(Kind.MODEL)
    assert found.id == document_id
    assert await store.get(Kind.MODEL, document_id) == found
    assert await store.delete(Kind.MODEL, document_id, replaces=found.version) is True
    assert list(await store.load(Kind.MODEL)) == []


async def test_what_was_read_or_written_can_be_changed_without_effect(store: CatalogStore) -> None:
    body = model_body(id="m", operations=["ChatCompletion"])
    await store.put(Kind.MODEL, body)
    body["operations"] = []
    found = await store.get(Kind.MODEL, "m")
    assert found is not None
    assert isinstance(found.body, dict)
    found.body.clear()

    again = await store.get(Kind.MODEL, "m")
    assert again is not None
    assert again.body == model_body(id="m", operations=["ChatCompletion"])


async def test_kinds_are_apart_and_ids_in_order(store: CatalogStore) -> None:
    for document_id in ("b", "a", "C", "ä", "😀", "\uffee"):
        await store.put(Kind.MODEL, model_body(id=document_id))
    await store.put(Kind.PROJECT, project_body(id="a"))
    await store.put(Kind.ADMINISTRATOR, {"id": "a", "role": "viewer"})

    assert [found.body for found in await store.load(Kind.ADMINISTRATOR)] == [{"id": "a", "role": "viewer"}]
    assert [found.id for found in await store.load(Kind.MODEL)] == ["C", "a", "b", "ä", "\uffee", "😀"]
    assert [found.id for found in await store.load(Kind.PROJECT)] == ["a"]
    assert await store.delete(Kind.PROJECT, "a") is True
    assert await store.get(Kind.MODEL, "a") is not None
    (known,) = (await store.changes(Kind.ADMINISTRATOR, {})).documents
    assert list((await store.changes(Kind.ADMINISTRATOR, {"a": known.version})).documents) == []


async def test_every_write_makes_another_version_and_fingerprint(store: CatalogStore) -> None:
    versions: list[str] = []
    marks = [await store.fingerprint()]
    assert await store.fingerprint() == marks[0]
    for _ in range(3):
        versions.append(await store.put(Kind.MODEL, model_body(id="m")))
        marks.append(await store.fingerprint())
    await store.delete(Kind.MODEL, "m")
    marks.append(await store.fingerprint())
    versions.append(await store.put(Kind.MODEL, model_body(id="m")))
    marks.append(await store.fingerprint())
    await store.put(Kind.PROJECT, project_body(id="p"))
    marks.append(await store.fingerprint())

    assert len(set(versions)) == len(versions)
    assert len(set(marks)) == len(marks)
    assert await store.fingerprint() == marks[-1]


async def test_a_write_based_on_an_older_version_is_refused(store: CatalogStore) -> None:
    first = await store.put(Kind.MODEL, model_body(id="m", name="one"), replaces="")
    second = await store.put(Kind.MODEL, model_body(id="m", name="two"), replaces=first)
    mark = await store.fingerprint()

    for replaces in (first, "", "never"):
        with pytest.raises(ConflictError, match="m"):
            await store.put(Kind.MODEL, model_body(id="m", name="three"), replaces=replaces)
        with pytest.raises(ConflictError):
            await store.delete(Kind.MODEL, "m", replaces=replaces)
    with pytest.raises(ConflictError):
        await store.put(Kind.MODEL, model_body(id="absent"), replaces=second)

    found = await store.get(Kind.MODEL, "m")
    assert found is not None
    assert (found.body, found.version) == (model_body(id="m", name="two"), second)
    assert await store.fingerprint() == mark
    assert await store.delete(Kind.MODEL, "m", replaces=second) is True
    assert await store.get(Kind.MODEL, "m") is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": 5},
        {"id": ""},
        {"id": "m", "x": float("nan")},
        {"id": "m", "x": Decimal("Infinity")},
        {"id": "\ud800"},
    ],
)
async def test_what_cannot_be_kept_is_refused(store: CatalogStore, body: dict[str, object]) -> None:
    mark = await store.fingerprint()
    assert store.unfit(Kind.MODEL, body)
    assert store.unfit(Kind.MODEL, model_body()) is None
    with pytest.raises(ValueError, match=r"\w"):
        await store.put(Kind.MODEL, body)
    assert list(await store.load(Kind.MODEL)) == []
    assert await store.fingerprint() == mark


async def test_changes_are_what_differs_from_what_is_known(store: CatalogStore) -> None:
    first = await store.put(Kind.MODEL, model_body(id="a"))
    await store.put(Kind.MODEL, model_body(id="b"))
    await store.put(Kind.PROJECT, project_body(id="a"))
    everything = await store.changes(Kind.MODEL, {})
    assert [document.id for document in everything.documents] == ["a", "b"]
    assert everything.gone == frozenset()
    known = {document.id: document.version for document in everything.documents}
    assert known["a"] == first
    nothing = await store.changes(Kind.MODEL, known)
    assert (list(nothing.documents), nothing.gone) == ([], frozenset())

    await store.put(Kind.MODEL, model_body(id="a", name="new"))
    await store.put(Kind.MODEL, model_body(id="c"))
    await store.delete(Kind.MODEL, "b")
    later = await store.changes(Kind.MODEL, known)
    assert [document.id for document in later.documents] == ["a", "c"]
    assert later.documents[0].body == model_body(id="a", name="new")
    assert later.gone == {"b"}
