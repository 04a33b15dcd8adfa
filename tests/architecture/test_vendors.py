"""The table of vendors says what the code does, and every cell of it is called by a test."""

from __future__ import annotations

from domain.vendor import Wire
from domain.vendors import VENDORS, ModelType
from infra.providers.litellm.models import ROUTES
from infra.providers.litellm.provider import OPERATIONS
from tests.tools import ROOT
from tests.vendor_cases import PROVEN
from tests.vendors_table import PAGE, page


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `python -m tests.vendors_table`"


def test_every_cell_is_called_by_a_test() -> None:
    cells = {(each, endpoint) for each, vendor in VENDORS.items() for endpoint in vendor.endpoints}
    assert cells - PROVEN == set(), "no way in tests/vendor_cases.py leads there"
    assert PROVEN - cells == set()
    assert "for case in VENDOR_CASES" in (ROOT / "tests" / "e2e" / "test_vendors.py").read_text("utf-8")


def test_litellm_has_a_route_for_each_endpoint_that_a_row_gives_it() -> None:
    through = {each: vendor.wires[Wire.LITELLM] for each, vendor in VENDORS.items() if Wire.LITELLM in vendor.wires}
    assert {*ROUTES, ModelType.LITELLM} == through.keys()
    for model_type, endpoints in through.items():
        assert endpoints <= OPERATIONS.keys(), model_type


def test_every_model_type_has_one_row() -> None:
    assert list(VENDORS) == list(ModelType)
