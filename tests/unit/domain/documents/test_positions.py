"""Lines and columns of what is in a JSON text."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from domain.documents.positions import line_and_column, nearest, positions

LETTERS = 'ab"\\\u00fc\u20ac .[]{}:,\n'


def made(random: Random, depth: int = 0) -> Any:
    """Make any JSON value."""
    kind = random.choice(["object", "list", "text", "number", "other"] if depth < 4 else ["text", "number", "other"])
    if kind == "object":
        return {text(random): made(random, depth + 1) for _ in range(random.randint(0, 4))}
    if kind == "list":
        return [made(random, depth + 1) for _ in range(random.randint(0, 4))]
    if kind == "text":
        return text(random)
    return random.choice([1, -2.5, 1e30]) if kind == "number" else random.choice([True, None, {}, []])


def text(random: Random) -> str:
    return "".join(random.choice(LETTERS) for _ in range(random.randint(0, 5)))


def paths(value: Any, path: str = "") -> dict[str, Any]:
    found = {path: value}
    if isinstance(value, dict):
        for name, inner in value.items():
            found |= paths(inner, f"{path}.{name}" if path else name)
    if isinstance(value, list):
        for number, inner in enumerate(value):
            found |= paths(inner, f"{path}[{number}]")
    return found


@pytest.mark.parametrize("seed", range(40))
def test_every_value_is_found_where_it_is(seed: int) -> None:
    random = Random(seed)
    value = {"plain": made(random), "list": [made(random), {"inner": [1, {"deep": 2}]}], "after": "x"}
    written = json.dumps(value, ensure_ascii=random.random() < 0.5, indent=random.choice([None, 0, 3]))
    found = positions(f" \n{written}")
    assert set(found) == set(paths(value))
    for path in ("plain", "list", "after"):
        assert f" \n{written}"[found[path] :].startswith(json.dumps(path))
    for path, shown in (("list[1].inner[1].deep", '"deep"'), ("list[1].inner[0]", "1"), ("list[1]", "{")):
        assert f" \n{written}"[found[path] :].startswith(shown)
    assert nearest(found, "list[1].missing.further[3]") == found["list[1]"]


def test_lines_and_columns_are_those_of_an_editor() -> None:
    written = '{\n  "costs": {\n    "cost_image": "x"\n  }\n}'
    assert line_and_column(written, positions(written)["costs.cost_image"]) == (3, 5)
    assert line_and_column(written, positions(written)[""]) == (1, 1)


@pytest.mark.parametrize("broken", ["", "{", '{"a": }', "[1,]", '{"a" 1}', "nul", "[" * 100_000])
def test_what_is_not_json_is_refused(broken: str) -> None:
    with pytest.raises(ValueError, match=r"line|nested"):
        positions(broken)
