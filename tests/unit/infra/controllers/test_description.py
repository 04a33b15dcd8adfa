from __future__ import annotations

import json
import re

from fastapi import APIRouter, FastAPI

from infra.controllers.description import describe
from infra.controllers.openai.routes import ENDPOINTS


def description() -> dict[str, object]:
    pages = FastAPI()
    router = APIRouter(tags=["models"])

    @router.get("/v1/models/{model:path}")
    async def get_model(model: str, page: int = 1) -> dict[str, object]:
        return {"model": model, "page": page}

    pages.include_router(router)
    describe(pages)
    return pages.openapi()


def test_every_endpoint_is_described_though_fastapi_never_sees_it() -> None:
    paths = description()["paths"]
    assert isinstance(paths, dict)
    assert set(ENDPOINTS) <= set(paths)


def test_stored_responses_are_described_with_what_they_take() -> None:
    paths = description()["paths"]
    assert isinstance(paths, dict)
    assert set(paths["/v1/responses/{response_id}"]) == {"get", "delete"}
    assert set(paths["/v1/responses/{response_id}/cancel"]) == {"post"}
    named = {parameter["name"] for parameter in paths["/v1/responses/{response_id}/input_items"]["get"]["parameters"]}
    assert named == {"response_id", "include", "include[]", "after", "before", "limit", "order"}


def test_forms_are_described_where_they_are_taken() -> None:
    paths = description()["paths"]
    assert isinstance(paths, dict)
    taken = {path: set(paths[path]["post"]["requestBody"]["content"]) for path in ENDPOINTS}
    assert taken["/v1/embeddings"] == {"application/json"}
    assert taken["/v1/images/edits"] == {"application/json", "multipart/form-data"}
    assert taken["/v1/audio/transcriptions"] == {"multipart/form-data"}


def test_errors_are_promised_in_the_shape_that_we_send() -> None:
    text = json.dumps(description())
    assert "422" not in text
    assert "HTTPValidationError" not in text
    described = description()
    references = {reference.rpartition("/")[2] for reference in re.findall(r'"\$ref": "([^"]+)"', text)}
    components = described["components"]
    assert isinstance(components, dict)
    assert references == set(components["schemas"]) == {"Error"}


def test_models_need_a_key() -> None:
    paths = description()["paths"]
    assert isinstance(paths, dict)
    assert paths["/v1/models/{model}"]["get"]["security"] == [{"key": []}]
