"""The table of vendors says what the code does, and every cell of it is called by a test."""

from __future__ import annotations

from domain.capabilities import CAPABILITIES
from domain.model import ModelType
from infra.providers.litellm.models import BRIDGED, ROUTES
from infra.providers.litellm.operations import OPERATIONS
from infra.providers.openai_wire.request.vendors import VENDORS
from tests.tools import ROOT
from tests.vendor_ways import PROVEN
from tests.vendors_table import PAGE, page


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `python -m tests.vendors_table`"


def test_every_cell_is_called_by_a_test() -> None:
    cells = {(kind, endpoint) for kind, endpoints in CAPABILITIES.items() for endpoint in endpoints}
    assert cells - PROVEN == set(), "no way in tests/vendor_ways.py leads there"
    assert PROVEN - cells == set()
    assert "for way in WAYS" in (ROOT / "tests" / "e2e" / "test_vendors.py").read_text("utf-8")


def test_litellm_serves_what_its_types_can_do() -> None:
    for kind in ROUTES:
        assert CAPABILITIES[kind] <= OPERATIONS.keys(), kind
    for kind, endpoints in BRIDGED.items():
        assert endpoints <= CAPABILITIES[kind] & OPERATIONS.keys(), kind


def test_every_model_type_has_one_row() -> None:
    rows = [*ROUTES, *VENDORS, ModelType.LITELLM, ModelType.SIMULATOR]
    assert sorted(rows) == sorted(ModelType)
