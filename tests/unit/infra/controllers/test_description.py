from __future__ import annotations

import json
import re

from fastapi import APIRouter, FastAPI

from infra.controllers.description import describe
from infra.controllers.openai.endpoints import ENDPOINTS


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
